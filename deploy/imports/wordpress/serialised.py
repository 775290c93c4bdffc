"""What PHP has serialised, such as an option of WordPress: read as plain values, without any of its objects."""

from __future__ import annotations

import re

_HEAD = re.compile(rb'([idb]):([^;]*);|(N);|s:(\d+):"|a:(\d+):\{')


def read(text: bytes) -> object:
    """Return the value: None, text, a number as text, or a table of them. Raises ValueError for anything else."""
    value, end = _read(text, 0)
    if end != len(text):
        raise ValueError(f"there is more after byte {end}")
    return value


def table(text: bytes) -> dict[str, object]:
    """Return a table, empty where it is none."""
    try:
        value = read(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(text: bytes, at: int) -> tuple[object, int]:
    head = _HEAD.match(text, at)
    if not head:
        raise ValueError(f"byte {at} is no value")
    if head[1]:
        return head[2].decode(), head.end()
    if head[3]:
        return None, head.end()
    if head[4]:
        end = head.end() + int(head[4])  # in bytes, whatever the letters
        if text[end : end + 2] != b'";':
            raise ValueError(f"the text at byte {at} has another length")
        return text[head.end() : end].decode(errors="replace"), end + 2
    values: dict[str, object] = {}
    at = head.end()
    for _ in range(int(head[5])):
        key, at = _read(text, at)
        values[str(key)], at = _read(text, at)
    if text[at : at + 1] != b"}":
        raise ValueError(f"the table that ends at byte {at} has another size")
    return values, at + 1
