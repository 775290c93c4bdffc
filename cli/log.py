"""`coopinfra log`: what earlier runs did, as this machine and the servers remember it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, show
from coopinfra.cli.options import AsJson, Organisation


def log(
    organisation: Organisation,
    run: Annotated[str, typer.Argument(help="One run, to see all that happened in it.")] = "",
    server: Annotated[str, typer.Option(help="Ask this server for its journals: everybody's runs are there.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the last runs: who ran them, and what became of each server.

    Without `--server` these are the runs that began on this machine, and no server is asked.
    """
    from coopinfra.deploy.jobs.runs import journals, runs_of

    found = journals(organisation, server) if server else runs_of(organisation)
    chosen = {name: entries for name, entries in found.items() if run in ("", name)}
    if run and not chosen:
        raise _unknown(run, found)
    if as_json:
        print_json(chosen)
    elif run:
        show("\n".join(_entry_line(entry) for entry in chosen[run]))
    else:
        show("\n".join(_run_line(name, entries) for name, entries in chosen.items()) or "no run is known")


def _unknown(run: str, found: Iterable[str]) -> Exception:
    from coopinfra.deploy.organisation.problems import InputError, Problem

    newest = next(reversed(tuple(found)), "")
    return InputError(Problem(f"there is no run `{run}`", f"the last one is {newest}" if newest else "there is none"))


def _run_line(name: str, entries: tuple[Mapping[str, object], ...]) -> str:
    """Say in one line who ran it, and what became of it; a server's journal knows of that server alone."""
    servers = entries[0].get("servers")
    results = {str(each): "no result" for each in (servers if isinstance(servers, list) else ())}
    results |= {str(each["server"]): str(each["result"]) for each in entries if each.get("event") == "result"}
    ends = [str(each.get("result")) for each in entries if each.get("event") == "end"]
    became = ", ".join(f"{server} {result}" for server, result in results.items()) or " ".join(ends) or "no end"
    return f"{name}  {entries[0].get('operator', 'unknown')}  {became}"


def _entry_line(entry: Mapping[str, object]) -> str:
    """Say one thing that happened, with its time."""
    shown = ("server", "text", "name", "result", "operator", "release")
    words = " ".join(str(entry[name]) for name in shown if entry.get(name))
    return f"{str(entry.get('at', ''))[:19]:<19}  {entry.get('event', ''):<10}  {words}"
