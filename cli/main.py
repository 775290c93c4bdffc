"""The command line: the only place that turns errors into text and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.models import Default

from coopinfra.cli.console import forget_stdout, print_line, problems_as_data, say, say_problems
from coopinfra.cli.root import become_root
from coopinfra.cli.signals import Ended, ends_at_once
from coopinfra.deploy.organisation.problems import CoopinfraError

INTERRUPTED = 3

VERBS = ("demo", "init", "validate", "schema", "trust", "plan", "deploy", "leave", "log", "check", "dns", "runbook")
GROUPS = {
    "secrets": "Keys and passwords, encrypted beside org.yml for everybody who may read them.",
    "site": "Sites: list, publish, go back, close for maintenance, logs, a shell.",
    "backup": "Backups: make one now, list them, how old they are, put back a file, a database or all of it.",
    "db": "An organisation's databases: which there are, how large they are, and a way in.",
    "lab": "A small internet on this machine, with boxes at the servers' addresses.",
    "box": "Single disposable Debian 13 machines.",
}
NEED_ROOT = ("lab", "box")


def make_app(verb: str = "") -> typer.Typer:
    """Make the command line: of one verb if it is one of ours, else of all.

    To build what is not asked for would be a fifth of the time that `validate` takes.
    """
    app = typer.Typer(
        name="coopinfra",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Turn bare Debian 13 machines into an organisation's servers, and prove that they are.",
        epilog="Exit codes: 0 done; 1 the world disagrees; 2 the input is wrong; "
        "3 a server failed or the run was ended.",
    )
    app.callback()(_options)
    for name in (verb,) if verb in (*VERBS, *GROUPS) else (*VERBS, *GROUPS):
        module = import_module(f"coopinfra.cli.{name}")
        if name in VERBS:
            app.command()(getattr(module, name))
        else:
            root = become_root if name in NEED_ROOT else Default(None)
            app.add_typer(module.app, name=name, callback=root, help=GROUPS[name])
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"coopinfra {version('coopinfra')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""


def main() -> None:
    """Run the command and exit with its code."""
    try:
        with ends_at_once():
            make_app(sys.argv[1] if len(sys.argv) > 1 else "")()
    except CoopinfraError as error:
        if "--json" in sys.argv:
            print_line({"event": "error", "error": error.kind, "problems": problems_as_data(error.problems)})
        say_problems(error)
        sys.exit(error.exit_code)
    except Ended:
        say("interrupted; the next run goes on from here")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        forget_stdout()
        sys.exit(0)


if __name__ == "__main__":
    main()
