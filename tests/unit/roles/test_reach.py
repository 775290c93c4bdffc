"""What may hand connections on: where it leads nobody, why it refuses, and that it passes on both ways."""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import socket
from types import ModuleType

import pytest

from coopinfra.roles.registry import FOLDER

SCRIPT = FOLDER / "website/templates/reach/coopinfra/reach.j2"


@pytest.fixture
def script() -> ModuleType:
    """The script as a module of its own for each test."""
    loader = importlib.machinery.SourceFileLoader("reach", str(SCRIPT))
    spec = importlib.util.spec_from_loader("reach", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.100.100.200"),
        *("169.254.169.254", "168.63.129.16", "192.0.2.1", "224.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:127.0.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_nobody_is_led_to_a_server_itself_or_into_a_network_of_somebodys(script: ModuleType, address: str) -> None:
    assert script.is_closed(address)


@pytest.mark.parametrize("address", ["203.0.113.10", "8.8.8.8", "172.32.0.1", "2001:db8::10", "2606:4700::1"])
def test_the_open_internet_is_open(script: ModuleType, address: str) -> None:
    assert not script.is_closed(address)


def test_an_address_of_the_servers_own_is_closed_also_where_the_world_knows_it(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the networks that are closed anyway, what is left is that it is its own.
    monkeypatch.setattr(script, "CLOSED", [])

    assert script.is_closed("127.0.0.1")
    assert not script.is_closed("8.8.8.8")


def test_what_is_asked_for_and_not_reached_has_a_reason(script: ModuleType) -> None:
    said = asyncio.run(script.ask(["localhost:80", "nobody.invalid:443"]))

    assert said[0].endswith("which is not an address of the open internet")
    assert said[1].startswith("nobody.invalid is not found")


def test_it_passes_on_what_both_say_until_both_have_ended(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "is_closed", lambda _: False)

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # It answers only once it has heard everything.
        writer.write((await reader.read()).upper())
        writer.close()

    async def run() -> bytes:
        there = await asyncio.start_server(shout, "127.0.0.1", 0)
        port = there.sockets[0].getsockname()[1]
        # As where programs live, the port is the same and the address another.
        given = socket.create_server(("127.0.0.2", port))
        here = await asyncio.start_server(lambda *ends: script.answer({"127.0.0.2": "localhost"}, *ends), sock=given)
        async with there, here:
            reader, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.write(b"a" * 300_000)
            writer.write_eof()
            said = await reader.read()
            writer.close()
            return said

    assert asyncio.run(asyncio.wait_for(run(), 20)) == b"A" * 300_000
