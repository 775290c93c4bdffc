"""A tiny real name server on the loopback: one zone, UDP and TCP, and some bad habits on demand."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

HERE = "127.0.0.1"


@dataclass
class Habits:
    """What the server holds (name, type -> values) and how it behaves."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    authoritative: bool = True
    silent: bool = False
    truncates: bool = False
    refuses: bool = False
    talks_nonsense: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def answer(self, wire: bytes, over: str) -> bytes:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, type = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, type, over))
        if self.silent:
            return b""
        if self.talks_nonsense:
            return wire[:2] + b"nonsense"
        response = dns.message.make_response(query)
        if self.refuses:
            response.set_rcode(dns.rcode.REFUSED)
        if self.authoritative:
            response.flags |= dns.flags.AA
        if over == "udp" and self.truncates:
            response.flags |= dns.flags.TC
            return response.to_wire()
        owner = name
        if (name, "CNAME") in self.records:
            (owner,) = self.records[name, "CNAME"]
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "CNAME", owner))
        if values := self.records.get((owner.rstrip("."), type)):
            response.answer.append(dns.rrset.from_text(dns.name.from_text(owner), 60, "IN", type, *values))
        return response.to_wire()


@contextmanager
def serving(habits: Habits, host: str = HERE, port: int = 0) -> Iterator[int]:
    """Serve until the block ends; yield the port."""

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            if reply := habits.answer(data, "udp"):
                socket.sendto(reply, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            reply = habits.answer(self.rfile.read(length), "tcp")
            self.wfile.write(struct.pack("!H", len(reply)) + reply)

    udp = socketserver.UDPServer((host, port), Udp)
    tcp = socketserver.TCPServer((host, udp.server_address[1]), Tcp)
    threads = [threading.Thread(target=each.serve_forever, args=(0.02,)) for each in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield udp.server_address[1]
    finally:
        for each in (udp, tcp):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join()
