"""What must be true of a server before anything on it is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.organisation.problems import Problem, raise_all
from coopinfra.roles.primitives.manifest import Manifest, our_release

RELEASES = ("13",)
FREE_MEGABYTES = 300
FREE_INODES = 5_000
SKEW_SECONDS = 300

LOOK = """
. /etc/os-release; echo "release=$ID $VERSION_ID"
echo "clock=$(date +%s)"
df -Pm / /var | awk 'NR>1 {print "space=" $6 " " $4}'
df -Pi / /var | awk 'NR>1 {print "inodes=" $6 " " $4}'
echo "root=$(id -u)"
"""


class PreflightError(ServerError):
    """The server is not fit for a deploy; nothing was touched."""

    kind = "preflight"


def preflight(connection: Connection) -> None:
    """Raise PreflightError that lists all that stands in the way: release, space, inodes, clock, root."""
    before = time.time()
    answer = connection.run(LOOK)
    found = [line.partition("=")[::2] for line in answer.out.splitlines()]
    if answer.code or ("root", "0") not in found:
        raise PreflightError(
            Problem(
                f"{connection.label}: `{connection.login}` cannot become root: {answer.err.strip() or 'sudo refused'}",
                "log in as root, or give it sudo without a password",
            )
        )
    try:
        problems = tuple(_problems(connection.label, found, (before + time.time()) / 2))
    except ValueError as error:
        raise PreflightError(
            Problem(f"{connection.label}: what it says of itself makes no sense: {error}", "look at it by hand")
        ) from error
    raise_all(problems, PreflightError)


def refuse_to_go_back(label: str, manifest: Manifest) -> None:
    """Raise PreflightError when a later release than ours deployed the server: we would undo what it did."""
    if manifest.is_ahead:
        message = f"{label}: coopinfra {manifest.release} was here last, and this is only {our_release()}"
        raise PreflightError(Problem(message, "update this one first: it does not know what that one wrote"))


def _problems(label: str, found: list[tuple[str, str]], now: float) -> Iterator[Problem]:
    for key, value in dict.fromkeys(found):
        if key == "release" and value not in {f"debian {release}" for release in RELEASES}:
            yield Problem(f"{label} runs {value}, not Debian {RELEASES[-1]}", "install Debian 13 on it first")
        if key == "clock" and abs(float(value) - now) > SKEW_SECONDS:
            yield Problem(
                f"{label}: its clock is {abs(float(value) - now):.0f} seconds off ours",
                "set the wrong one of the two: certificates and logs depend on it",
            )
        if key in ("space", "inodes"):
            where, free = value.rsplit(" ", 1)
            least, unit = (FREE_MEGABYTES, "MB") if key == "space" else (FREE_INODES, "inodes")
            # Some file systems (btrfs) have no inodes to count and say 0 or `-`.
            if free.isdigit() and int(free) < least and not (key == "inodes" and free == "0"):
                yield Problem(f"{label}: only {free} {unit} are free on {where}, {least} are needed", "make room first")
