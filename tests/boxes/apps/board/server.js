// A board for notes: answers on the socket that it is given, and lets what it has begun come to its end.
const http = require("node:http");
const net = require("node:net");
const ms = require("ms");

const release = "first";
const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/html");
  if (request.url === "/release") return response.end(release);
  const cache = net.connect(new URL(process.env.REDIS_URL).pathname, () => cache.end("PING\r\n"));
  cache.on("data", (said) => response.end(`${release}: ${said.toString().includes("PONG") ? "a cache" : said}`));
  cache.on("error", (error) => response.end(`${release}: ${error.message}`));
});
server.listen({ fd: 3 }, () => console.log(`up for ${ms(60000)}`));
process.on("SIGTERM", () => server.close());
