"""What a script of ours on the server says when it is asked."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra.api import FactBase


class ScriptAnswers(FactBase[tuple[str, ...]]):
    """What a role's own script answers to one question, line by line."""

    def command(self, script: str, question: str) -> str:
        """Return the shell command; before the first deploy there is no script, and nothing to say."""
        return f"[ ! -x {script} ] || {script} {question}"

    def process(self, output: Iterable[str]) -> tuple[str, ...]:
        """Keep the lines."""
        return tuple(output)

    @staticmethod
    def default() -> tuple[str, ...]:
        """On a server that has nothing to say."""
        return ()
