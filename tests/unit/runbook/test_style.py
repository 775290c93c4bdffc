"""The page can be read by tired eyes, in daylight, at night and on paper."""

from __future__ import annotations

import re

import pytest

from coopinfra.deploy.runbook.words import TEMPLATES

STYLE = (TEMPLATES / "book.css").read_text()
THEMES = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6});", block)) for block in re.findall(r":root {([^}]+)}", STYLE)]


def contrast(one: str, other: str) -> float:
    """Return the ratio that WCAG 2 defines."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_measure_is_right() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") < 4.5


@pytest.mark.parametrize("theme", THEMES, ids=["day", "night", "paper"])
def test_text_stands_out(theme: dict[str, str]) -> None:
    for text in ("ink", "quiet", "accent"):
        for ground in ("paper", "wash"):
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)


def test_there_are_three_themes_and_nothing_is_fetched() -> None:
    assert len(THEMES) == 3
    assert "url(" not in STYLE
    assert "@import" not in STYLE
