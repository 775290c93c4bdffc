"""`coopinfra trust`: pin a server's host key."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from coopinfra.cli.console import say
from coopinfra.cli.options import Organisation


def trust(
    organisation: Organisation,
    server: Annotated[str, typer.Argument(help="The server's name in org.yml.")],
    fingerprint: Annotated[
        str, typer.Option(help="Pin only if the key has this fingerprint (SHA256:...), without asking.")
    ] = "",
) -> None:
    """Show the fingerprint of a server's host key and pin it after a yes.

    Compare it with what the provider's console shows: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. From then on
    any other key stops everything before a byte is sent.
    """
    from coopinfra.deploy.engine.connection import HostKeyError
    from coopinfra.deploy.engine.reach import fingerprint as show
    from coopinfra.deploy.jobs.trust import find_server, look, pin, pinned
    from coopinfra.deploy.organisation.problems import Problem
    from coopinfra.deploy.planning.make import plan_of

    plan = plan_of(organisation)
    wanted = find_server(plan, server)
    key, known = look(wanted), pinned(plan, wanted)
    if key in known:
        say(f"{organisation}/{server}: already pinned: {show(key)}")
        return
    say(f"{organisation}/{server} at {wanted.server.address} offers {show(key)}")
    for old in known:
        say(f"  it takes the place of {show(old)}: was the machine reinstalled?", style="bold red")
    if fingerprint:
        if fingerprint not in show(key).split():
            raise HostKeyError(Problem(f"that is not `{fingerprint}`; nothing was pinned", "ask the provider"))
    elif not sys.stdin.isatty() or not typer.confirm("Is that what the machine's console shows?", err=True):
        say("nothing was pinned")
        raise typer.Exit(3)
    say(f"pinned in {pin(plan, wanted, key)}")
