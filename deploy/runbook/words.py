"""The books' own words, one file per language, and how values are put into them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

TEMPLATES = files("coopinfra.templates") / "runbook"
FALLBACK = "en"
# Within a word, an underscore is only an underscore.
MEANINGFUL = re.compile(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))")


@cache
def known_languages() -> tuple[str, ...]:
    """Return the languages in which there are words."""
    return tuple(sorted(each.name.removesuffix(".yml") for each in TEMPLATES.iterdir() if each.name.endswith(".yml")))


@cache
def words(language: str) -> Mapping[str, str]:
    """Return the words of one language by key."""
    return MappingProxyType(yaml.safe_load((TEMPLATES / f"{language}.yml").read_text(encoding="utf-8")))


def languages_of_books(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the organisation's languages in which books can be written; English where there is none."""
    return tuple(language for language in wanted if language in known_languages()) or (FALLBACK,)


def escape(text: str) -> str:
    """Make sure that text from org.yml is shown as it is, and never read as Markdown."""
    return MEANINGFUL.sub(r"\\\1", text)


def fill(sentence: str, values: Mapping[str, str]) -> str:
    """Put values into a sentence; what stands in backticks is taken literally, the rest is escaped."""
    escaped = {name: escape(value) for name, value in values.items()}
    pieces = sentence.split("`")
    return "`".join(piece.format_map(values if at % 2 else escaped) for at, piece in enumerate(pieces))
