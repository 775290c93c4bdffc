"""A database dump of MySQL or MariaDB, as mysqldump, phpMyAdmin and plugins for backups write it: read, never run."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.imports.finding import NotBrought

LARGEST = 4 * 2**30
"""Bytes, unpacked: what is larger would fill an operator's memory."""

# A quote or comment that nothing closes is met by the last one alone: there the dump was cut off.
_TOKEN = re.compile(
    rb"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|"""
    rb"""`[^`]*`|/\*.*?\*/|--(?=[ \t\r\n])[^\n]*|\#[^\n]*|;|['"`]|/\*""",
    re.DOTALL,
)
_COMMENT = (b"/*", b"--", b"#")
_QUOTE = (b"'", b'"')
_DELIMITER = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*DELIMITER[ \t]+(\S+)[^\n]*\n?", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(rb"^-- (MySQL|MariaDB) dump", re.MULTILINE)
_CONDITION = re.compile(rb"/\*M?!(?:0?[0-4]\d{4}|0?50[0-6]\d\d)?(?!\d)")
_DELIMITER_BACK = re.compile(rb"^DELIMITER[ \t]+;[ \t]*$", re.IGNORECASE | re.MULTILINE)
_NAMES = re.compile(rb"SET\s+NAMES\s+'?(\w+)", re.IGNORECASE)
_TABLE = re.compile(
    rb"(?:(CREATE)\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?|(ALTER)\s+TABLE\s+|(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+)"
    rb"`?(\w++)`?+(?=[\s(])\s*+(?!\.)(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ROWS = re.compile(rb"\s*(?:\(([^()']*)\)\s*)?VALUES?\s*(?=\()", re.IGNORECASE)
# What a load into an empty database has no use for.
_NEEDLESS = re.compile(
    rb"(SET|LOCK\s+TABLES|UNLOCK\s+TABLES|START\s+TRANSACTION|BEGIN|COMMIT|USE|(CREATE|DROP)\s+DATABASE|"
    rb"DROP\s+(TABLE|VIEW|TRIGGER)|ALTER\s+TABLE\s+\S+\s+(DISABLE|ENABLE)\s+KEYS)\b",
    re.IGNORECASE,
)
_VALUE = re.compile(
    rb"(?:_\w+\s*)?('[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|\"[^\"\\]*(?:(?:\\.|\"\")[^\"\\]*)*\")|0x([0-9A-Fa-f]+)|([^\s,()]+)|([()])",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)|''|\"\"", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a", b"b": b"\b"}
_BROKEN = re.compile(rb"\\(.)|[\r\n]", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One statement without its comments, on one line."""

    text: bytes
    table: str = ""
    """The table that it makes, changes or fills; empty where it does anything else."""
    is_needless: bool = False

    @property
    def makes(self) -> bool:
        """Whether it makes the table."""
        return self.text[:6].upper() == b"CREATE"


def read(path: Path) -> bytes:
    """Return a dump as it is, or unpacked where it is gzip. Raises NotBrought."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as content:
            text = content.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NotBrought(f"`{path}` cannot be read: {error}", "was it copied whole?") from error
    if len(text) > LARGEST:
        raise NotBrought(f"`{path}` holds more than {LARGEST // 2**30} GB", "dump the tables of the one site alone")
    if text[:4] == b"PK\x03\x04" or b"\0\0\0\0" in text[:4096]:
        hint = "unpack it, and give what is in it: the dump (`.sql`, `.sql.gz`), or the export (`.xml`)"
        raise NotBrought(f"`{path}` is no text", hint)
    return text


def charset_of(text: bytes) -> str:
    """Return how the dump says that its letters are written."""
    found = _NAMES.search(text, 0, 2**16)
    return found[1].decode().lower() if found else "utf8mb4"


def statements(text: bytes) -> Iterator[Statement]:
    """Yield what the dump would do, statement by statement. Raises NotBrought where it was cut off."""
    if _HEADER.search(text, 0, 4096) and b"-- Dump completed" not in text[-4096:]:
        raise _cut_off()
    at = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    pieces: list[bytes] = []
    while True:
        if not pieces and (changed := _DELIMITER.match(text, at)):
            programs, at = _programs(text, changed)
            yield from programs
        token = _TOKEN.search(text, at)
        found = token[0] if token else b""
        if found in (b"'", b'"', b"`", b"/*"):
            raise _cut_off()
        between = text[at : token.start() if token else len(text)]
        if between.strip() or pieces:
            pieces.append(between.replace(b"\n", b" ").replace(b"\r", b" "))
        if token is None:
            break
        at = token.end()
        if found == b";":
            if whole := b"".join(pieces).strip():
                yield _statement(whole)
            pieces = []
        elif piece := _kept(found):
            pieces.append(piece)
    if b"".join(pieces).strip():
        raise _cut_off()


def _programs(text: bytes, changed: re.Match[bytes]) -> tuple[list[Statement], int]:
    """Return what stands between two changes of the delimiter, programs of the database, and where it ends."""
    back = _DELIMITER_BACK.search(text, changed.end())
    inside = text[changed.end() : back.start() if back else len(text)]
    found = []
    for each in inside.split(changed[1]):
        whole = b" ".join(_CONDITION.sub(b" ", each).replace(b"*/", b" ").split())
        if whole and not _NEEDLESS.match(whole):
            found.append(Statement(whole))
    return found, back.end() if back else len(text)


def _cut_off() -> NotBrought:
    return NotBrought("the dump ends in the middle", "it was cut off: make it, or copy it, once more")


def _kept(token: bytes) -> bytes:
    """Return what of a token is kept, on one line: of comments, what MySQL 5 and MariaDB read as statements."""
    if condition := _CONDITION.match(token):
        return b" " + token[condition.end() : -2].replace(b"\n", b" ").replace(b"\r", b" ") + b" "
    if token.startswith(_COMMENT):
        return b""
    if not token.startswith(_QUOTE) or (b"\n" not in token and b"\r" not in token):
        return token
    ends = {b"\n": b"\\n", b"\r": b"\\r"}
    return _BROKEN.sub(lambda each: ends.get(each[1] or each[0], each[0]), token)


def _statement(text: bytes) -> Statement:
    if _NEEDLESS.match(text):
        return Statement(text, is_needless=True)
    found = _TABLE.match(text)
    # What fills a table from elsewhere is no dump's.
    if found and (found[2] or (found[4].startswith(b"(") if found[1] else _ROWS.match(found[4]))):
        return Statement(text, found[3].decode(errors="replace"))
    return Statement(text)


def columns_of(statement: Statement) -> tuple[str, ...]:
    """Return the columns of the table that a statement makes, in their order."""
    inside = statement.text.partition(b"(")[2]
    return tuple(each.decode() for each in re.findall(rb"(?:^|,)\s*`(\w+)`\s+[a-z]", inside, re.IGNORECASE))


def rows(statement: Statement, columns: tuple[str, ...]) -> Iterator[dict[str, bytes]]:
    """Yield what a statement puts into a table, by column; NULL is empty.

    columns: of the table, for statements that do not name them
    """
    found = _TABLE.match(statement.text)
    values = _ROWS.match(found[4]) if found else None
    if not found or not values:
        return
    if values[1]:
        columns = tuple(each.strip(b" `").decode() for each in values[1].split(b","))
    row: list[bytes] = []
    for each in _VALUE.finditer(found[4], values.end()):
        if each[4] == b"(":
            row = []
        elif each[4] == b")":
            yield dict(zip(columns, row, strict=False))
        else:
            row.append(_value(each))


def _value(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return _ESCAPED.sub(
            lambda each: _ESCAPES.get(each[1], each[1]) if each[1] is not None else each[0][:1], found[1][1:-1]
        )
    if found[2]:
        return bytes.fromhex(found[2].decode().rjust(len(found[2]) + len(found[2]) % 2, "0"))
    return b"" if found[3].upper() == b"NULL" else found[3]
