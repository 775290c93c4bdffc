"""`coopinfra runbook`: the books for an organisation's people and for the next sysadmin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say
from coopinfra.cli.options import AsJson, Organisation


def runbook(
    organisation: Organisation,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; by default runbooks/ORGANISATION in this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the organisation's runbook as Markdown and as a page to print, in each of its languages.

    The first page is for everybody: what they have, whom to call, what not to touch. The rest is for the next sysadmin.
    Needs no server. Prints the files that it wrote.
    """
    from coopinfra.deploy.jobs.runbook import write_books
    from coopinfra.deploy.planning.make import plan_of
    from coopinfra.deploy.runbook.words import known_languages

    plan = plan_of(organisation)
    written = [str(path) for path in write_books(plan, out or Path("runbooks") / organisation)]
    for language in plan.organisation.languages:
        if language not in known_languages():
            say(f"there are no words for books in `{language}` yet; add templates/runbook/{language}.yml")
    if as_json:
        print_json({"files": written})
    else:
        print("\n".join(written))
