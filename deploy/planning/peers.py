"""The servers that a role's settings name: of this organisation, or of another whose public half is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from coopinfra.deploy.organisation.load import load_org, to_server
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.others import read_other
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.at_rest import FOLDER
from coopinfra.roles.facts import Peer, Server
from coopinfra.roles.settings import Table


def find_peers(org: Org, server: str, role: str, names: Iterable[str]) -> tuple[Table[str, Peer], tuple[Problem, ...]]:
    """Return what the world may know of each server that `role` on `server` names, and what is wrong with the rest."""
    found, problems = {}, []
    for name in names:
        owner, _, short = name.rpartition("/")
        file, line = org.place("servers", server, "roles", role, value=name)
        try:
            other = org if owner in ("", org.id) else read_other(org, owner, load_org)
        except InputError as error:
            problems.append(Problem(error.problems[0].message, error.problems[0].hint, file, line))
            continue
        if short not in other.servers:
            problems.append(
                Problem(f"`{other.id}` has no server `{short}`", suggest(short, other.servers, "there are"), file, line)
            )
            continue
        if (other.id, short) == (org.id, server):
            problems.append(Problem(f"`{server}` names itself", "name another server", file, line))
            continue
        peer = to_server(other, short)
        folder = Path(other.folder)
        found[name] = Peer(other.id, peer, _public_halves(folder, short), _host_key(folder, peer))
    return Table(found), tuple(problems)


def _public_halves(folder: Path, server: str) -> Table[str, str]:
    found = sorted((folder / FOLDER / server).glob("*/*.pub"))
    return Table({f"{path.parent.name}/{path.stem}": path.read_text(encoding="utf-8").strip() for path in found})


def _host_key(folder: Path, server: Server) -> str:
    known = (folder.parent / server.tenancy.owner if server.tenancy else folder) / "known_hosts"
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    pinned = (words for words in map(str.split, lines) if words[:1] == [server.pinned_name])
    return " ".join(next(pinned, [])[1:3])
