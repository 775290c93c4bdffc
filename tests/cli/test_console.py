"""What comes from a server or from DNS can do nothing to the terminal, and programs still read what it was."""

import json

import pytest

from coopinfra.cli.console import MOST_LETTERS, harmless, print_json, say, say_problems, show
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

# Clears the screen, sets the title, goes back to the line's start, the one-letter CSI of xterm, backwards, no letter.
EVIL = "a\x1b[2Jb\x1b]0;title\x07c\rd\x9b31me\u202ef\x7fg\U000e0001h\ud800i"
SHOWN = r"a\u001b[2Jb\u001b]0;title\u0007c\u000dd\u009b31me\u202ef\u007fg\udb40\udc01h\ud800i"


def test_what_would_move_the_cursor_is_shown_as_an_escape():
    assert harmless(EVIL) == SHOWN


@pytest.mark.parametrize("plain", ["", "two\nlines", "a\ttab", "ñandú, 日本, ✓ and 🐦", "  hint: `x`"])
def test_what_people_write_stays_as_it_is(plain):
    assert harmless(plain) == plain


def test_every_way_to_the_terminal_is_harmless(capsys):
    say(EVIL)
    say_problems(CoopinfraError(Problem(EVIL, EVIL, EVIL, 3)))
    show(EVIL)
    print_json({EVIL: [EVIL]})

    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert text.isprintable() or set(text) - {"\n"} == {letter for letter in text if letter.isprintable()}
    assert shown.err.count(SHOWN) == 4


def test_a_program_reads_from_json_what_the_server_said(capsys):
    print_json({"found": EVIL})

    assert json.loads(capsys.readouterr().out) == {"found": EVIL}


def test_an_endless_answer_is_cut(capsys):
    say("x" * 1_000_000)

    assert len(capsys.readouterr().err) < MOST_LETTERS + 100
