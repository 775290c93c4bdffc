"""What has to be known to begin an organisation: each question with its reason, its check and its default."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coopinfra.deploy.organisation import fields
from coopinfra.roles.keys import check_ssh_key
from coopinfra.roles.types import Refused, check_domain, check_email, check_line

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One thing to know: the option that answers it, what to ask, and why."""

    option: str
    text: str
    why: str
    check: Callable[[str], str]
    default: Callable[[Answers], str] = lambda _: ""
    required: bool = True
    follows: str = ""
    """The question whose answer gives the default."""

    @property
    def name(self) -> str:
        """What the templates call the answer."""
        return self.option.removeprefix("--").replace("-", "_")

    def judge(self, answer: str) -> str:
        """Return an answer in its proper form; raise Refused if it cannot be."""
        return self.check(answer) if answer or self.required else ""


def questions(folder: Path) -> tuple[Question, ...]:
    """Return what has to be known to begin in this folder."""
    return ORGANISATION if (folder.parent / "collective.yml").exists() else (*ORGANISATION, *COLLECTIVE)


def check_languages(value: str) -> str:
    """Return codes of languages, separated by commas, or refuse them."""
    return ",".join(fields.check_language(each.strip()) for each in value.split(","))


def _git_name(_: Answers) -> str:
    try:
        ran = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout.strip()


def _own_login(_: Answers) -> str:
    try:
        return fields.check_login(getpass.getuser())
    except (Refused, OSError, KeyError):
        return ""


def _own_key(_: Answers) -> str:
    for path in sorted((Path.home() / ".ssh").glob("*.pub")):
        try:
            return check_ssh_key(path.read_text(encoding="utf-8").strip())
        except (Refused, OSError, UnicodeDecodeError):
            continue
    return ""


def _answer(name: str, before: str = "") -> Callable[[Answers], str]:
    return lambda answers: before + answers[name] if answers.get(name) else ""


def _from_folder(answers: Answers) -> str:
    return answers["id"].replace("-", " ").title()


def _always(value: str) -> Callable[[Answers], str]:
    return lambda _: value


OPTIONAL = partial(Question, required=False)


ORGANISATION = (
    Question("--called", "What is the organisation called?", "It stands on the books.", check_line, _from_folder),
    OPTIONAL("--kind", "What sort of organisation is it?", "A worker co-op, a theatre: for the books.", check_line),
    Question("--domain", "What is its domain?", "Servers and sites are named within it.", check_domain),
    Question(
        "--languages",
        "Which languages do its people read, the first one first?",
        "Books and pages come in them: codes of two letters, with commas in between.",
        check_languages,
        _always("en"),
    ),
    Question(
        "--time-zone",
        "In which time zone do they live?",
        "Servers restart while they sleep.",
        fields.check_time_zone,
        _always("UTC"),
    ),
    Question("--contact", "Who decides for them?", "Whom we ask, and whom the books name.", check_line),
    OPTIONAL("--contact-email", "At which email address?", "For questions that can wait.", check_email),
    OPTIONAL("--contact-phone", "Which phone number?", "For those that cannot.", check_line),
    Question(
        "--address",
        "Which IPv4 address does the server have?",
        "A new Debian 13 machine: whoever rents it out tells you.",
        fields.check_ipv4,
    ),
    OPTIONAL("--ipv6", "Which IPv6 address?", "Nothing, if it has none.", fields.check_ipv6),
    Question(
        "--first-login",
        "As whom does the new machine let you in?",
        "Mostly `root`, on some providers' images `debian`; used only until the first deploy.",
        fields.check_account,
        _always("root"),
    ),
    Question(
        "--site",
        "Under which name shall the first website be reached?",
        "Pages that you put into a folder; more sites can follow.",
        check_domain,
        _answer("domain", before="www."),
        follows="domain",
    ),
)
COLLECTIVE = (
    Question("--collective", "What are you called, who run the servers?", "It stands in clients' books.", check_line),
    Question("--operator", "What is your own name?", "You are the first operator.", check_line, _git_name),
    Question(
        "--login",
        "Which account do you want on the servers?",
        "Every operator has one; nobody works as root.",
        fields.check_login,
        _own_login,
    ),
    OPTIONAL("--operator-email", "Which email address do you have?", "Clients write to it.", check_email),
    Question(
        "--ssh-key",
        "What is your public SSH key?",
        "The line in `~/.ssh/id_ed25519.pub`; `ssh-keygen -t ed25519` makes one.",
        check_ssh_key,
        _own_key,
    ),
)
