"""Many commands in one exec channel, each with its own exit code and output, told apart by a word nobody guesses."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a command came back with; text is decoded with replacement characters."""

    code: int
    out: str
    err: str


def batch_script(commands: Sequence[str], word: str, *, given: bool = False) -> str:
    """Return the shell script that runs `commands` in turn and prints `word` after the output of each.

    given: the first of them reads the script's own input
    """
    # A shell of its own for each: what one of them leaves behind, or breaks, is not the next one's.
    return "".join(
        f"sh -c {shlex.quote(command)}{'' if given and not number else ' </dev/null'}; "
        f"printf '\\n%s %s\\n' {word} $?; printf '\\n%s\\n' {word} >&2\n"
        for number, command in enumerate(commands)
    )


def batch_answers(answer: Answer, word: str) -> Iterator[Answer]:
    """Yield one answer for each command of the script; raise ValueError when the output is not what it prints."""
    *errors, _ = answer.err.split(f"\n{word}\n")
    before, *pieces = answer.out.split(f"\n{word} ")
    if len(errors) != len(pieces):
        raise ValueError("the answers to a batch of questions do not fit the questions")
    for error, piece in zip(errors, pieces, strict=True):
        code, _, after = piece.partition("\n")
        yield Answer(int(code), before, error)
        before = after
