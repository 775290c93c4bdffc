// A board for notes: answers on the socket that it is given, and lets what it has begun come to its end.
const http = require("node:http");
const ms = require("ms");

const release = "first";
const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end(release);
});
server.listen({ fd: 3 }, () => console.log(`up for ${ms(60000)}`));
process.on("SIGTERM", () => server.close());
