"""What people see of a run: a line that moves at a terminal, plain lines elsewhere."""

import sys

import pytest
from rich.console import Console

from coopinfra.cli.progress import Lines, progress
from coopinfra.deploy.engine.events import Event

RUN = (
    Event("connecting", "web1", "connecting"),
    Event("connecting", "web2", "connecting"),
    Event("step", "web1", "Write files [all]", 7, 18),
    Event("result", "web2", result={"result": "unreachable"}),
    Event("stopping", text="stopping after the running step"),
)
PLAIN = """web1: connecting
web2: connecting
web1: Write files [all] (7 of 18)
stopping after the running step
"""


def drawn(lines, width=80):
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(lines.table())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_each_server_has_one_line_with_its_step_and_its_time():
    lines = Lines()
    for event in RUN:
        lines.note(event)

    web1, web2, note = drawn(lines)

    assert web1.split()[1:] == ["web1", "Write", "files", "[all]", "7", "of", "18", "0:00"]
    assert web2.split() == ["web2", "unreachable", "0:00"]
    assert note.strip() == "stopping after the running step"


def test_a_step_that_goes_on_is_seen_to_go_on():
    lines = Lines()
    lines.note(RUN[0])

    assert drawn(lines)[0][0] != drawn(lines)[0][0]


def test_a_narrow_terminal_keeps_a_line_a_line():
    lines = Lines()
    lines.note(Event("step", "web1", "Remove accounts that are no longer declared", 7, 18))

    assert len(drawn(lines, width=30)) == 1


@pytest.mark.parametrize(
    ("is_terminal", "variables"),
    [(False, {"TERM": "xterm"}), (True, {"TERM": "xterm", "NO_COLOR": "1"}), (True, {"TERM": "dumb"})],
    ids=["no terminal", "no colour", "dumb"],
)
def test_where_nothing_can_move_there_are_plain_lines(capsys, monkeypatch, is_terminal, variables):
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)

    with progress() as show:
        for event in RUN:
            show(event)

    out, err = capsys.readouterr()
    assert out == ""
    assert err == PLAIN


def test_at_a_terminal_the_lines_move(capsys, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    with progress() as show:
        for event in RUN:
            show(event)

    assert "\x1b[?25l" in capsys.readouterr().err
