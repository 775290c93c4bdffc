"""Every example of every role: what it declares, every file whole, its operations' commands, its checks' sentences."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coopinfra.roles.contract import File
from examples import Example, examples
from fake_server import recorded

PHASES = ("configure", "activate")
# What a bare server says to the questions of the roles' own operations, so that each of them acts.
BARE = {
    "certificates missing": "www.highbeam.example",
    "certificates leftover": "old.highbeam.example",
    "certificates due": "www.highbeam.example",
    "postgresql due": "start postgresql@17-main.service",
    "mariadb due": "start mariadb.service",
    "readlink /etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
    "uname -n": "debian",
    "--property=MemoryMax": "infinity",
}
# What it says after a deploy, so that none does.
DONE = {
    "certificates": "",
    "postgresql": "",
    "mariadb": "",
    "readlink /etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
    "uname -n": "web1",
    "--property=MemoryMax": str(1024 * 1024 * 1024),
    "disk size highbeam": "5",
}


@pytest.mark.parametrize("example", examples(), ids=str)
def test_an_example_leads_to_its_recorded_transcript(example: Example, record: bool) -> None:
    transcript = "\n".join([*_lines(example), ""])

    if record:
        example.transcript.write_text(transcript)

    assert transcript == example.transcript.read_text(), "read the diff, then `pytest --record`"


@pytest.mark.parametrize("example", examples(), ids=str)
def test_a_second_deploy_of_an_example_changes_nothing(example: Example) -> None:
    operations = example.role.operations()
    phases = [getattr(operations, phase) for phase in PHASES if hasattr(operations, phase)]

    on_bare = [_changes(recorded(phase, example.part, BARE)) for phase in phases]
    on_done = [_changes(recorded(phase, example.part, DONE)) for phase in phases]

    assert all(on_bare), "the server that is told to be bare is not, so this proves nothing"
    assert not any(on_done)


def _changes(lines: list[str]) -> list[str]:
    """Leave out names and facts: pyinfra runs facts under `sh -c` as it does commands, but each asks first."""
    facts = ("uname -n", "readlink", "systemctl show", "[ ! -x /usr/local/lib/coopinfra/")
    return [line for line in lines if line.startswith("    ") and not any(fact in line for fact in facts)]


def _lines(example: Example) -> Iterator[str]:
    part, role = example.part, example.role
    yield f"What the role `{role.name}` makes of examples/{example.path.name}"
    yield from ("", "== declares ==")
    for declaration in role.declare(part):
        yield repr(declaration)
    yield from ("", "== writes ==")
    for each in role.files(part):
        if isinstance(each, File):
            extra = f" validate: {each.validate}" if each.validate else ""
            yield f"--- {each.path} {each.user}:{each.group} {each.mode}{' access' if each.access else ''}{extra}"
            yield each.content.decode().rstrip("\n")
        else:
            yield f"--- {each.path}/ {each.user}:{each.group} {each.mode}"
    operations = role.operations()
    for phase in PHASES:
        if hasattr(operations, phase):
            yield from ("", f"== {phase}s ==")
            yield from recorded(getattr(operations, phase), part, BARE)
    yield from ("", "== checks ==")
    for check in role.checks(part):
        waits = f" (else waits for {check.waits_for})" if check.waits_for else ""
        yield f"{check.where}: {check.sentence}{waits}"
