"""`coopinfra box`: single disposable Debian 13 machines, each in a lab of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli import lab as lab_cli
from coopinfra.cli.console import print_json, say
from coopinfra.cli.options import AsJson

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The box's name.")]
# A lab holds one box when it was made for it; its name says so.
PREFIX = "box-"
ADDRESS, IPV6 = "192.0.2.10", "2001:db8::10"


@app.command("up")
def up(
    name: Name,
    image: Annotated[str, typer.Option(help="`debian`, or `provider`: like a cloud's, with user debian.")] = "debian",
    no_way_out: Annotated[bool, typer.Option("--no-way-out", help="Let the box reach nothing outside.")] = False,
    address: Annotated[str, typer.Option(help="The address that it is to have.")] = ADDRESS,
    first_boot_seconds: Annotated[
        int, typer.Option(min=0, help="How long a provider's first boot holds apt's lock.")
    ] = 20,
) -> None:
    """Bring up a single machine with nothing on it but Debian and SSH."""
    from coopinfra.deploy.lab import lab as labs

    seconds = first_boot_seconds if image == "provider" else 0
    spec = labs.BoxSpec(name, address, IPV6, image, not no_way_out, first_boot_seconds=seconds)
    labs.up(PREFIX + name, (spec,), None, say)
    say(f"log in: `coopinfra box ssh {name}`")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the single machines that are up."""
    from coopinfra.deploy.lab import lab as labs

    found = [labs.load(lab).box(lab.removeprefix(PREFIX)) for lab in labs.names() if lab.startswith(PREFIX)]
    if as_json:
        print_json([{"name": box.name, "address": box.address, "image": box.spec.image} for box in found])
        return
    for box in found:
        print(f"{box.name} {box.address} {box.spec.image}")


@app.command("ssh", context_settings=lab_cli.PASSED_ON)
def ssh(
    name: Name,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND...]", help="Instead of a shell.")] = None,
) -> None:
    """Log in on a single machine."""
    lab_cli.ssh(PREFIX + name, name, words)


@app.command("down")
def down(name: Name) -> None:
    """Remove a single machine and everything of it."""
    from coopinfra.deploy.lab import lab as labs

    labs.down(PREFIX + name)
    say(f"nothing is left of `{name}`")


@app.command("prune")
def prune() -> None:
    """Remove all labs and machines, what killed ones have left, and the images that no box stands on."""
    lab_cli.prune()
