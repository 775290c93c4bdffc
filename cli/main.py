"""The command line: the only place that turns errors into text and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from coopinfra.cli import box, check, demo, deploy, dns, init, lab, plan, runbook, schema, site, trust, validate
from coopinfra.cli.console import print_json, problems_as_data, say, say_problems
from coopinfra.cli.root import become_root
from coopinfra.deploy.organisation.problems import CoopinfraError

INTERRUPTED = 3

app = typer.Typer(
    name="coopinfra",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn bare Debian 13 machines into an organisation's servers, and prove that they are.",
    epilog="Exit codes: 0 done; 1 the world disagrees; 2 the input is wrong; 3 a server failed or the run was ended.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"coopinfra {version('coopinfra')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""


VERBS: tuple[Callable[..., None], ...] = (
    demo.demo,
    init.init,
    validate.validate,
    schema.schema,
    trust.trust,
    plan.plan,
    deploy.deploy,
    check.check,
    dns.dns,
    runbook.runbook,
)
for verb in VERBS:
    app.command()(verb)
app.add_typer(site.app, name="site", help="Look at a site's releases and go back to an earlier one.")
app.add_typer(
    lab.app,
    name="lab",
    callback=become_root,
    help="A small internet on this machine, with boxes at the servers' addresses.",
)
app.add_typer(box.app, name="box", callback=become_root, help="Single disposable Debian 13 machines.")


def main() -> None:
    """Run the command and exit with its code."""
    try:
        app()
    except CoopinfraError as error:
        if "--json" in sys.argv:
            print_json({"error": error.kind, "problems": problems_as_data(error.problems)})
        say_problems(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("interrupted; the next run goes on from here")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us has seen enough, as in `coopinfra plan ... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
