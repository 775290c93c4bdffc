"""`coopinfra init`: an interview that ends with a valid org.yml."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import say

if TYPE_CHECKING:
    from coopinfra.deploy.jobs.interview import Question


def init(
    name: Annotated[str, typer.Argument(help="A short name for the organisation: its folder under inventories.")],
    *,
    called: Annotated[str, typer.Option(help="What the organisation is called.")] = "",
    kind: Annotated[str, typer.Option(help="What sort of organisation it is.")] = "",
    domain: Annotated[str, typer.Option(help="Its domain.")] = "",
    languages: Annotated[str, typer.Option(help="Its languages, such as `en,es`.")] = "",
    time_zone: Annotated[str, typer.Option(help="Its time zone, such as `Europe/Madrid`.")] = "",
    contact: Annotated[str, typer.Option(help="Who decides for the organisation.")] = "",
    contact_email: Annotated[str, typer.Option(help="That person's email address.")] = "",
    contact_phone: Annotated[str, typer.Option(help="That person's phone number.")] = "",
    address: Annotated[str, typer.Option(help="The IPv4 address of the server.")] = "",
    ipv6: Annotated[str, typer.Option(help="Its IPv6 address.")] = "",
    first_login: Annotated[str, typer.Option(help="The account that the new machine accepts.")] = "",
    site: Annotated[str, typer.Option(help="The domain of the first website.")] = "",
    collective: Annotated[str, typer.Option(help="What those are called who run the servers.")] = "",
    operator: Annotated[str, typer.Option(help="Your own name.")] = "",
    login: Annotated[str, typer.Option(help="Your account on the servers.")] = "",
    operator_email: Annotated[str, typer.Option(help="Your email address.")] = "",
    ssh_key: Annotated[str, typer.Option(help="Your public SSH key.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take the defaults for what is not given.")] = False,
) -> None:
    """Begin an organisation: ask what has to be known, and write a commented org.yml and a first page.

    Every question can be answered by an option instead. The first time it also writes collective.yml, which says who
    runs the servers. Nothing that exists is changed.
    """
    from coopinfra.deploy.jobs.begin import begin, complete, new_folder
    from coopinfra.deploy.jobs.interview import questions

    given = {
        "called": called, "kind": kind, "domain": domain, "languages": languages, "time_zone": time_zone,
        "contact": contact, "contact_email": contact_email, "contact_phone": contact_phone, "address": address,
        "ipv6": ipv6, "first_login": first_login, "site": site, "collective": collective, "operator": operator,
        "login": login, "operator_email": operator_email, "ssh_key": ssh_key,
    }  # fmt: skip
    folder = new_folder(name)
    asked = questions(folder)
    answers = {"id": name, **{key: value for key, value in given.items() if value}}
    if not yes:
        for question in asked:
            answers[question.name] = _ask(question, answers)
    written = begin(folder, complete(asked, answers))
    say("\n".join(f"wrote {path}" for path in written))
    say(f"\nnext:\n  coopinfra trust {name} web1    pins the server's SSH host key")
    say(f"  coopinfra plan {name}          shows what would be done\n  coopinfra deploy {name}        does it")


def _ask(question: Question, answers: dict[str, str]) -> str:
    """Ask until the answer can be right; an answer that came as an option is not asked for."""
    from coopinfra.deploy.organisation.problems import InputError, Problem
    from coopinfra.roles.types import Refused

    given = answers.get(question.name)
    if given is None:
        say(f"\n{question.text}", style="bold")
        say(f"  {question.why}", style="dim")
    while True:
        default = question.default(answers)
        answer = given if given is not None else _read(default, optional=not question.required)
        if answer is None:
            message = f"the answers ended at: {question.text}"
            raise InputError(Problem(message, "give the answers as options, with `--yes`; see `coopinfra init --help`"))
        try:
            return question.judge(answer or default)
        except Refused as error:
            say(f"  {error.sentence}" if answer else "  this has to be known")
            say(f"  hint: {error.hint}")
            given = None


def _read(default: str, *, optional: bool) -> str | None:
    """Read one line; None at the end of all input."""
    shown = f" [{default}]" if default else " [nothing]" if optional else ""
    print(f"{shown}> ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else None
