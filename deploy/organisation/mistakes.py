"""What can be wrong with a file before its content means anything, in plain words."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from coopinfra.roles.types import quoted

LARGEST = 250_000
START_HINT = "`coopinfra init` writes one to start from"
SAVE_HINT = "save it again as plain text in UTF-8"

# Controls, YAML's odd line ends, and what turns the writing around: none can be seen, and each makes a file mean
# something else than it shows. https://trojansource.codes
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")

Mistake = tuple[int | None, str, str]
"""A line, what is wrong there, what to do about it."""


class UnreadableError(Exception):
    """A file that holds no text to make sense of."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes


def read_text(path: Path) -> str:
    """Return the text of a file; raise UnreadableError if it has none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError((None, "this is no plain file", "put the file itself there"))
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise UnreadableError((None, "there is no such file", START_HINT)) from error
    except OSError as error:
        raise UnreadableError((None, f"this file cannot be read: {error.strerror}", "may you read it?")) from error
    if len(content) > LARGEST:
        raise UnreadableError((None, "the file is larger than 250 kB", "settings are small: is it the right file?"))
    return _decode(content)


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError((line, f"byte {error.start + 1} of the file is no text in UTF-8", SAVE_HINT)) from error
    if not text.strip():
        raise UnreadableError((None, "the file is empty", START_HINT))
    if "\0" in text:
        raise UnreadableError((text.count("\n", 0, text.index("\0")) + 1, "this is a binary file", SAVE_HINT))
    lines = enumerate(re.split(r"\r\n|\r|\n", text), start=1)
    if unseen := tuple(mistake for number, line in lines if (mistake := _unseen(number, line))):
        raise UnreadableError(*unseen)
    return text


def _unseen(number: int, line: str) -> Mistake | None:
    if found := UNSEEN.search(line):
        return number, f"there is a character that cannot be seen, U+{ord(found[0]):04X}", "delete it"
    if re.match(r" *\t\s*[^\s#]", line):
        return number, "this line is indented with a tab", "use spaces, two for each level"
    return None


# PyYAML's own sentences, for people who never met a "block mapping": part of its message, ours, what to do.
EXPLANATIONS = (
    ("mapping values are not allowed", "this line has a `:` too many, or is indented too far",
     "put text that contains `: ` in quotation marks, and compare the indentation with the lines above"),
    ("could not find expected ':'", "this line has no `: ` after its key", "write `key: value`, with the space"),
    ("scanning a simple key", "this line has no `: ` after its key", "write `key: value`, with the space"),
("but found '<scalar>'", "there is text after the end of this value", "put all of it in quotation marks"),
    ("expected <block end>", "this line does not stand under the lines above it",
     "lines of one group start in the same column, those of a group inside it two spaces further"),
    ("end of stream", "a quotation mark is opened here and never closed", "close it, or leave it out"),
    ("document separator", "a quotation mark is opened here and never closed", "close it, or leave it out"),
    ("flow sequence", "a `[` is opened here and not closed properly", "close it with `]`, with commas in between"),
    ("flow mapping", "a `{` is opened here and not closed properly", "close it with `}`, with commas in between"),
    ("flow node", "something is missing within `[ ]` or `{ }`", "put commas between the values, and close it"),
    ("double-quoted", "the text in double quotation marks has a `\\` that means nothing",
     "use single quotation marks, or write `\\\\`"),
    ("alias", "a value starts with `*`, which has a meaning of its own", "put it in quotation marks"),
    ("anchor", "a value starts with `&`, which has a meaning of its own", "put it in quotation marks"),
    ("tag", "a value starts with `!`, which has a meaning of its own", "put it in quotation marks"),
    ("block scalar", "the text after `|` or `>` does not start properly", "start it on a new line, indented"),
    ("directive", "this line starts with `%`, which has a meaning of its own", "delete it"),
    ("sequence entries are not allowed", "a list cannot start here", "start it on a line of its own, indented"),
    ("but found '<document start>'", "there is something before this `---`", "delete the line `---`"),
    ("expected '<document start>'", "the settings end above, and something else follows",
     "compare the indentation with the lines above"),
    ("block entries", "a list cannot start here", "start it on a line of its own, indented"),
)  # fmt: skip


def explain(error: Exception, line: int) -> Mistake:
    """Turn an error of the YAML parser into line, message and hint."""
    said = str(getattr(error, "problem", None) or "double-quoted")  # only its escapes make Python itself fail
    context = str(getattr(error, "context", None) or "")
    mark, opened = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else line
    if "\\t" in said:
        return line, "there is a tab before this value", "use a space"
    if found := re.search(r"found character '(.+)' that cannot start any token", said):
        return line, f"a value cannot start with {quoted(found[1])}", "put it in quotation marks"
    for part, message, hint in EXPLANATIONS:
        if part in said or part in context:
            opens = "opened here" in message or "simple key" in context
            return (opened.line + 1 if opened and opens else line), message, hint
    return line, "this cannot be understood", "compare quotation marks and indentation with the lines above"


def tag_as_written(tag: str) -> str:
    """Return a tag as somebody typed it."""
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag
