"""`coopinfra site`: how sites are, their releases and the way back, their logs, maintenance, and a way in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coopinfra.cli.console import print_json, print_line, say, say_problems, show
from coopinfra.cli.options import AsJson, Organisation

if TYPE_CHECKING:
    from coopinfra.deploy.jobs.site import SiteFound

MOST_FILES = 8
"""How many files are named where many are alike."""

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The site's short name in org.yml.")]
Wait = Annotated[str, typer.Option(help="How long to wait for somebody else's deploy, as in 90s or 10m.")]


@app.command("list")
def list_sites(organisation: Organisation, as_json: AsJson = False) -> None:
    """List every site: kind, domain, server, the release that is served, its certificate, whether it is closed."""
    for site in _found(organisation, as_json=as_json):
        closed = "  CLOSED for maintenance" if site.maintenance else ""
        served = site.found.current or "-"
        valid = f"until {site.certificate}" if site.certificate[0].isdigit() else site.certificate
        show(f"{site.name}  {site.kind}  https://{site.domain}/  {site.server}  {served}  certificate {valid}{closed}")


@app.command("releases")
def releases(organisation: Organisation, as_json: AsJson = False) -> None:
    """List the releases of every site that its server keeps, the newest first; the one served has a star."""
    for site in _found(organisation, as_json=as_json):
        kept = " ".join(f"*{each}" if each == site.found.current else each for each in site.found.kept)
        show(f"{site.name} {site.server}:{site.path} {kept or '(nothing published yet)'}")
        for release in site.found.kept:
            if note := site.notes.get(release):
                show(f"    {release} {_told(note)}")


def _told(note: Mapping[str, object]) -> str:
    if "pushed_by" in note:
        return f"pushed by {note['pushed_by']} at {note.get('at')}: commit {note.get('commit')}"
    ran = f"`{note.get('command')}` ({note.get('version')}) in {note.get('seconds')} s"
    return f"made of {note.get('source')} by {ran}, which ended with {note.get('exit')}"


def _found(organisation: str, *, as_json: bool) -> tuple[SiteFound, ...]:
    """Ask all servers; print JSON and return nothing where that is wanted, and exit with the worst error if any."""
    from coopinfra.deploy.jobs.site import sites
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    results = sites(plan_of(organisation))
    found = tuple(site for each in results if not isinstance(each, CoopinfraError) for site in each)
    errors = [each for each in results if isinstance(each, CoopinfraError)]
    if as_json:
        print_json(
            [{**asdict(site), "notes": {name: dict(note) for name, note in site.notes.items()}} for site in found]
        )
    for error in errors:
        say_problems(error)
    if errors:
        raise typer.Exit(max(error.exit_code for error in errors))
    return () if as_json else found


@app.command("deploy")
def deploy(
    organisation: Organisation,
    site: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")] = False,
    wait: Wait = "0s",
    as_json: AsJson = False,
) -> None:
    """Publish one site, and nothing else of what org.yml says: its files, and the programs that run them.

    Shows what would change and asks, holds the server's lock and keeps the journal, as `coopinfra deploy` does.
    """
    from coopinfra.cli.deploy import bring
    from coopinfra.deploy.jobs.site import find_site, find_source
    from coopinfra.deploy.planning.make import plan_of

    find_source(find_site(plan_of(organisation), site))
    bring(organisation, wait, yes=yes, as_json=as_json, only=site)


@app.command("rollback")
def rollback(
    organisation: Organisation,
    site: Name,
    to: Annotated[str, typer.Option(help="The release to serve; by default the one before.")] = "",
    wait: Wait = "0s",
    as_json: AsJson = False,
) -> None:
    """Serve an earlier release at once; where it no longer passes its trial, nothing is changed.

    The files at their source stay as they are: the next `deploy`, or push, publishes them again, so mend them first.
    """
    from coopinfra.cli.deploy import seconds
    from coopinfra.deploy.jobs.rollback import roll_back
    from coopinfra.deploy.jobs.site import find_site
    from coopinfra.deploy.planning.make import plan_of

    place = find_site(plan_of(organisation), site)
    before, now = roll_back(place, to, seconds("--wait", wait))
    if as_json:
        print_json({"site": site, "before": before, "now": now})
    pushed = place.release and place.release.pushed
    comes = (
        "the next push publishes what is pushed" if pushed else "the next deploy publishes what lies in the inventory"
    )
    say(f"{site}: serves {now} in place of {before}; {comes}")


@app.command("maintenance")
def maintenance(
    organisation: Organisation,
    site: Name,
    state: Annotated[Literal["on", "off"], typer.Argument(help="`on` closes the site, `off` opens it again.")],
    as_json: AsJson = False,
) -> None:
    """Close a site at once, or open it again: visitors get a page that says so, and programs a 503 with Retry-After.

    No deploy is needed, none opens it again, and one that runs meanwhile is not in the way.
    """
    from coopinfra.deploy.jobs.site import close, find_site
    from coopinfra.deploy.planning.make import plan_of

    close(find_site(plan_of(organisation), site), closed=state == "on")
    if as_json:
        print_json({"site": site, "maintenance": state == "on"})
    say(
        f"{site}: closed for maintenance until `site maintenance {organisation} {site} off`"
        if state == "on"
        else f"{site}: open"
    )


@app.command("logs")
def logs(
    organisation: Organisation,
    site: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=100_000, help="How many of the last ones.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print each line as JSON.")] = False,
) -> None:
    """Show a site's last visits, with shortened addresses, and what its programs wrote."""
    from coopinfra.deploy.jobs.site import find_site
    from coopinfra.deploy.jobs.site_terminal import log
    from coopinfra.deploy.planning.make import plan_of

    for line in log(find_site(plan_of(organisation), site), lines, follow=follow):
        if as_json:
            print_line({"site": site, "line": line})
        else:
            show(line)


@app.command("import")
def bring_in(  # noqa: PLR0917 - typer hands each in by its name
    organisation: Organisation,
    site: Annotated[str, typer.Argument(help="The short name that the site gets in org.yml.")],
    origin: Annotated[
        Path, typer.Argument(metavar="FROM", help="A directory of finished pages, a WordPress, or its export (`.xml`).")
    ],
    dump: Annotated[
        Path | None, typer.Option(help="Of a WordPress: its database (`.sql`, `.sql.gz`), or its export.")
    ] = None,
    domain: Annotated[str, typer.Option(help="Under which it will be reached.")] = "",
    was: Annotated[list[str] | None, typer.Option(help="A domain under which it was reached before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring an existing site into the inventory, say what of it will not work, and print the lines for org.yml."""
    from coopinfra.deploy.imports.finding import Origin
    from coopinfra.deploy.jobs.site_import import bring_in as bring

    imported = bring(organisation, site, Origin(origin, dump, tuple(was or ())), domain)
    brought = imported.brought
    if as_json:
        print_json({"folder": str(imported.folder), **asdict(brought)})
        return
    say(f"brought in {brought.files} files, {brought.bytes / 1e6:.1f} MB: {imported.folder}")
    for finding in brought.findings:
        say(f"{'left out: ' if finding.left_out else ''}{finding.what}", style="bold")
        shown = (*finding.files[:MOST_FILES], *(("...",) if len(finding.files) > MOST_FILES else ()))
        say("".join(f"    {file}\n" for file in shown) + f"  hint: {finding.hint}")
    say("add this under `website: sites:` in org.yml")
    show("\n".join((f"{site}:", *(f"  {line}" for line in brought.settings))))


@app.command("shell")
def shell(organisation: Organisation, site: Name) -> None:
    """Open a shell on the server as the site's own user, in its folder, over the system's own ssh.

    A site that runs no program has no user of its own; its shell is that of the web server's user, who may read it.
    """
    from coopinfra.deploy.jobs.site import find_site
    from coopinfra.deploy.jobs.site_terminal import shell as command
    from coopinfra.deploy.planning.make import plan_of

    argv = command(find_site(plan_of(organisation), site))
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal is handed over
