"""`coopinfra lab`: a small internet on this machine, with boxes at the servers' addresses."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say
from coopinfra.cli.options import AsJson

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The lab's name.")]
PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@app.command("up")
def up(
    name: Name,
    organisation: Annotated[str, typer.Option("--org", help="Make a box for every server of this organisation.")] = "",
) -> None:
    """Bring up a lab: name servers, a resolver, a certificate authority, and boxes for an organisation's servers.

    It works on a copy of your inventories, with one more operator and the boxes' host keys in it.
    """
    from coopinfra.deploy.jobs.lab import boxes_of
    from coopinfra.deploy.lab import lab as labs
    from coopinfra.deploy.organisation.places import find_inventories
    from coopinfra.deploy.planning.make import plan_of

    specs = boxes_of(plan_of(organisation)) if organisation else ()
    made = labs.up(name, specs, find_inventories(), say)
    say(f"`{name}` is up; `coopinfra lab run {name} -- COMMAND` runs a command in it")
    for box in made.boxes:
        say(f"  {box.name} {box.address}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the labs that are up, and their boxes."""
    from coopinfra.deploy.lab import lab as labs

    found = [labs.load(name) for name in labs.names()]
    if as_json:
        print_json([labs.as_data(lab) for lab in found])
        return
    for lab in found:
        print(f"{lab.name} {' '.join(f'{box.name}={box.address}' for box in lab.boxes)}")


@app.command("run", context_settings=PASSED_ON)
def run(
    name: Name,
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")],
) -> None:
    """Run a command as the outside client of a lab: with its names, its inventories and its certificate authority."""
    from coopinfra.deploy.lab import lab as labs

    _become(labs.exec_argv(labs.load(name), _plain(words)))


@app.command("ssh", context_settings=PASSED_ON)
def ssh(
    name: Name,
    box: Annotated[str, typer.Argument(help="The box's name.")],
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND...]", help="Instead of a shell.")] = None,
) -> None:
    """Log in on a box of a lab by SSH."""
    from coopinfra.deploy.lab import lab as labs

    lab = labs.load(name)
    _become(labs.exec_argv(lab, labs.ssh_argv(lab, box, *_plain(words or []))))


@app.command("publish")
def publish(
    name: Name, organisation: Annotated[str, typer.Argument(help="The organisation whose records to serve.")]
) -> None:
    """Serve what `coopinfra dns` prints, as if somebody had typed it in where the domain is managed."""
    from coopinfra.deploy.jobs.lab import publish_zone
    from coopinfra.deploy.lab import lab as labs

    say(f"`{publish_zone(labs.load(name), organisation)}` is served in `{name}`")


@app.command("down")
def down(name: Name) -> None:
    """Remove a lab and everything of it."""
    from coopinfra.deploy.lab import lab as labs

    labs.down(name)
    say(f"nothing is left of `{name}`")


@app.command("prune")
def prune() -> None:
    """Remove all labs, what killed ones have left, and the images that no box stands on."""
    from coopinfra.deploy.lab import lab as labs

    gone = labs.prune(say)
    say(f"removed {len(gone.labs)} labs, {len(gone.strays)} strays and {gone.bytes / 1e6:.0f} MB of images")


def _plain(words: list[str]) -> tuple[str, ...]:
    # What is passed on untouched still has the dashes that part it from ours.
    return tuple(words[1:] if words[:1] == ["--"] else words)


def _become(argv: tuple[str, ...]) -> None:
    os.execvp(argv[0], argv)  # noqa: S606 - the command takes our place, so its signals and exit code are its own
