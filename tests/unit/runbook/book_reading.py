"""Reads books the way people do: as sentences, links and headings."""

from __future__ import annotations

import re
from html.parser import HTMLParser

DIVISION = "\n---\n"
# Words that a person who sells coffee should not have to know.
JARGON = (
    "apt|backend|cli|cron|daemon|deploy|desplegar|dns|docker|firewall|git|host|hosting|https?|ipv[46]|json|kernel|"
    "linux-|nftables|nginx|proxy|registros?|repository|root|script|shell|ssh|ssl|sudo|systemd|tls|unit|url|vhost|yaml"
)


def people_part(markdown: str) -> str:
    return markdown.split(DIVISION, 1)[0]


def sentences(markdown: str) -> list[str]:
    """Return the sentences of running text and lists; tables and headings are no sentences."""
    lines = [line for line in markdown.splitlines() if line and line[0] not in "#|"]
    plain = " ".join(re.sub(r"^(-|\d+\.) ", "", line.strip()) for line in lines)
    plain = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", plain)
    return [each for each in re.split(r"(?<=[.!?:])\s+", plain) if len(each.split()) > 1]


def jargon_in(markdown: str) -> list[str]:
    shown = re.sub(r"\]\([^)]+\)", "]", markdown)
    return re.findall(rf"(?i)(?<![\w.-])(?:{JARGON})(?![\w-])", shown)


class Page(HTMLParser):
    """What matters of an HTML page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language = ""
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if tag == "a" and name == "href":
                self.links.append(value or "")
            if name in ("src", "srcset", "poster") or (tag == "link" and name == "href"):
                self.fetched.append(value or "")
            if tag == "html" and name == "lang":
                self.language = value or ""
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
