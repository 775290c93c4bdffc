"""Tries to reach what it is asked to, from where it lives: as an application, or by hand on the server.

usage: caller.py HOW HOST PORT
"""

import socket
import ssl
import struct
import sys
from urllib.parse import parse_qsl

SECONDS = 3
# Asks for the address of a name. RFC 1035, 4.1
QUESTION = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\x08highbeam\x07example\0" + struct.pack(">2H", 1, 1)


def tcp(host, port):
    socket.create_connection((host, port), SECONDS).close()
    return "reached"


def http(host, port):
    """Return the first line and the name of who answers."""
    with socket.create_connection((host, port), SECONDS) as line:
        return says(line, host)


def tls(host, port):
    """Do the same where the certificate proves the name."""
    line = socket.create_connection((host, port), SECONDS)
    with ssl.create_default_context().wrap_socket(line, server_hostname=host) as safe:
        return says(safe, host)


def says(line, host):
    line.sendall(f"GET /directory HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    head = line.makefile("rb").read().split(b"\r\n\r\n")[0].decode().splitlines()
    if not head:
        raise ConnectionError("nobody answers")
    return " ".join([head[0], *(each for each in head if each.startswith("Server:"))])


def udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(SECONDS)
        line.sendto(QUESTION, (host, port))
        line.recv(2000)
    return "reached"


def raw(host, _):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as line:
        line.sendto(struct.pack(">BBHHH", 8, 0, 0xF7FF, 0, 0), (host, 0))
    return "reached"


def abstract(name, _):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"\0{name}")
    return "reached"


def lookup(name, port):
    return str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])


def attempt(how, host, port):
    try:
        return {each.__name__: each for each in (tcp, http, tls, udp, raw, abstract, lookup)}[how](host, int(port))
    except OSError as error:
        return f"failed: {error}"


def application(environ, start_response):
    asked = dict(parse_qsl(environ["QUERY_STRING"]))
    said = attempt(asked["how"], asked["host"], asked["port"]) if asked else "well"
    start_response("200 OK", [("Content-Type", "text/html")])
    return [said.encode()]


if __name__ == "__main__":
    sys.stdout.write(attempt(*sys.argv[1:]))
