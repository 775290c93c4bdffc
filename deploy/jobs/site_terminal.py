"""What somebody at a terminal sees of a site on its server: its logs, and a shell as its own user."""

from __future__ import annotations

import codecs
import shlex
from collections.abc import Iterator

from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.engine.reach import connect, ssh_command
from coopinfra.deploy.jobs.site import Place
from coopinfra.deploy.organisation.problems import Problem


def log(place: Place, lines: int, *, follow: bool) -> Iterator[str]:
    """Yield the last visits of a site and what its programs wrote, a line each; with `follow`, and what comes."""
    with connect(place.target) as connection:
        channel = connection.open(log_command(place, lines, follow=follow))
        decoder, pending = codecs.getincrementaldecoder("utf-8")(errors="replace"), ""
        while block := channel.recv(2**15):
            *whole, pending = (pending + decoder.decode(block)).split("\n")
            yield from whole
        if pending:
            yield pending
        if channel.recv_exit_status():
            said = channel.recv_stderr(4096).decode(errors="replace").strip()
            raise ServerError(
                Problem(f"{place.target.label}: its logs cannot be read: {said or 'the connection broke'}")
            )


def log_command(place: Place, lines: int, *, follow: bool) -> str:
    """Return the server's command: visits first, then the journal of the site's units; both at once to follow."""
    visits = place.website.log
    shown = f"if [ -e {visits} ]; then tail -n {lines}{' -F' if follow else ''} {visits} 2>/dev/null; fi"
    if not place.units:
        return shown
    names = " ".join(f"-u {shlex.quote(unit)}" for unit in place.units)
    journal = f"journalctl --no-pager --quiet -o short-iso -n {lines}{' -f' if follow else ''} {names}"
    # Where the connection ends, so does what reads for it.
    return f"trap 'kill 0' EXIT; ({shown}) & {journal} & wait" if follow else f"{shown}; {journal}"


def shell(place: Place) -> tuple[str, ...]:
    """Return the command that opens a shell on the server as the site's own user, in its folder."""
    clean = ("env", "-i", "HOME=/nonexistent", "PATH=/usr/local/bin:/usr/bin:/bin", 'TERM="$TERM"', "LANG=C.UTF-8")
    become = f"sudo -n -u {shlex.quote(place.user)} -- {' '.join(clean)} bash --norc"
    # Sites without a program of ours may have no folder.
    return ssh_command(place.target, f"cd {place.website.path} 2>/dev/null || cd /; exec {become}")
