"""The books' own words."""

from __future__ import annotations

import re

import pytest

from book_reading import jargon_in, sentences
from coopinfra.deploy.runbook.words import TEMPLATES, escape, fill, known_languages, languages_of_books, words


def test_every_language_has_every_word_with_the_same_blanks() -> None:
    blanks = {
        language: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in words(language).items()}
        for language in known_languages()
    }

    assert set(known_languages()) >= {"en", "es"}
    for language in known_languages():
        assert blanks[language] == blanks["en"], language


def test_no_word_is_left_over_and_none_is_empty() -> None:
    frame = (TEMPLATES / "frame.md.j2").read_text()
    built = re.compile(r"language|(fact|people|server|word|means)_\w+")

    for key, text in words("en").items():
        assert text.strip()
        assert f'say("{key}"' in frame or built.fullmatch(key) or key in frame, key


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_people_read_is_plain(language: str) -> None:
    said = [text for key, text in words(language).items() if key.startswith("people_")]
    lengths = [len(sentence.split()) for text in said for sentence in sentences(text)]

    assert sum(lengths) / len(lengths) <= 18
    assert max(lengths) <= 25
    assert jargon_in("\n".join(said)) == []


def test_jargon_is_found_where_it_is() -> None:
    assert jargon_in("Restart the Nginx daemon with SSH.") == ["Nginx", "daemon", "SSH"]
    assert jargon_in("[www.git.example](https://www.git.example/)") == []


def test_text_of_others_is_never_read_as_markup() -> None:
    assert escape("*Bold* [Co-op](x) | <b>") == r"\*Bold\* \[Co-op\](x) \| \<b\>"
    assert fill("{name}: `{name}`", {"name": "_a_b*"}) == r"\_a_b\*: `_a_b*`"


def test_a_language_without_words_gives_a_book_in_english() -> None:
    assert languages_of_books(("fr",)) == ("en",)
    assert languages_of_books(("fr", "es")) == ("es",)
    assert languages_of_books(("es", "en")) == ("es", "en")
