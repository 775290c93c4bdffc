"""Reads what WordPress exports, an XML of all ages and hosts; nothing of it is run, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from coopinfra.deploy.imports.finding import NotBrought
from coopinfra.deploy.imports.wordpress.export.site import Author, Comment, Export, Item, Term, number_in

SIGN = b"wordpress.org/export/"
_HEAD = 8192
_PART = re.compile(r"(.*\.)\d{3}\.xml", re.IGNORECASE)
_NEVER_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def is_one(path: Path) -> bool:
    """Tell whether a file is such an export, by how it begins."""
    if not path.is_file() or path.suffix.lower() != ".xml":
        return False
    with path.open("rb") as file:
        return SIGN in file.read(_HEAD)


def read(path: Path) -> Export:
    """Read an export, with all parts where its host has cut it into several. Raises NotBrought."""
    parts = [_read(each) for each in _parts(path)]
    return Export(
        parts[0].address,
        parts[0].title,
        parts[0].tagline,
        tuple({each.login: each for part in parts for each in part.authors}.values()),
        tuple({(each.taxonomy, each.slug): each for part in parts for each in part.terms}.values()),
        tuple({each.number: each for part in parts for each in part.items}.values()),
    )


def _parts(path: Path) -> list[Path]:
    """Return `name.000.xml` and its fellows, which wordpress.com makes of a large site."""
    part = _PART.fullmatch(path.name)
    found = sorted(path.parent.glob("*.xml")) if part else [path]
    return [each for each in found if not part or ((own := _PART.fullmatch(each.name)) and own[1] == part[1])]


def _read(path: Path) -> Export:
    # Some hosts let through what no XML may hold; nobody sees these letters.
    text = _NEVER_IN_XML.sub(b"", path.read_bytes())
    if b"<!DOCTYPE" in text.partition(b"<rss")[0]:
        raise NotBrought(f"`{path}` begins with what no export has", "export it once more: Tools, Export, All content")
    try:
        # Nothing is fetched, and expat itself bounds what entities grow to.
        channel = ET.fromstring(text).find("channel")  # noqa: S314
    except ET.ParseError as error:
        hint = "was it copied whole? Export it once more: Tools, Export, All content"
        raise NotBrought(f"`{path}` cannot be read: {error}", hint) from error
    said = _texts(channel) if channel is not None else {}
    address = re.sub(r"^https?://", "", said.get("wp:base_blog_url", "") or said.get("link", "")).strip().rstrip("/")
    if channel is None or not address:
        raise NotBrought(
            f"`{path}` does not say which site it is of", "export it once more: Tools, Export, All content"
        )
    return Export(
        address,
        said.get("title", ""),
        said.get("description", ""),
        tuple(_authors(channel)),
        tuple(_terms(channel)),
        tuple(_item(each) for each in channel.iter("item")),
    )


def _authors(channel: Element) -> Iterator[Author]:
    for said in _each(channel, "wp:author"):
        if login := said.get("wp:author_login", ""):
            names = (said.get("wp:author_email", ""), said.get("wp:author_display_name", ""))
            yield Author(login, *names, number_in(said, "wp:author_id"))


def _terms(channel: Element) -> Iterator[Term]:
    """Yield what is declared at the head, where each of three kinds has names of its own."""
    for element, taxonomy, slug, name, of in (
        ("wp:category", "category", "wp:category_nicename", "wp:cat_name", "wp:category"),
        ("wp:tag", "post_tag", "wp:tag_slug", "wp:tag_name", "wp:tag"),
        ("wp:term", "", "wp:term_slug", "wp:term_name", "wp:term"),
    ):
        for said in _each(channel, element):
            yield Term(
                taxonomy or said.get("wp:term_taxonomy", ""),
                said.get(slug, ""),
                said.get(name, ""),
                said.get(f"{of}_description", ""),
                said.get(f"{of}_parent", ""),
                number_in(said, "wp:term_id"),
            )


def _item(element: Element) -> Item:
    said = _texts(element)
    own = {name.removeprefix("wp:"): text for name, text in said.items() if name.startswith("wp:") or name == "guid"}
    comments = (
        {name.removeprefix("wp:"): text for name, text in each.items()} for each in _each(element, "wp:comment")
    )
    terms = (
        Term(each.get("domain", ""), each.get("nicename", ""), each.text or "")
        for each in element.iter("category")
        if each.get("nicename")
    )
    return Item(
        own,
        said.get("title", ""),
        said.get("link", ""),
        said.get("dc:creator", ""),
        said.get("content:encoded", ""),
        said.get("excerpt:encoded", ""),
        tuple(terms),
        tuple((each.get("wp:meta_key", ""), each.get("wp:meta_value", "")) for each in _each(element, "wp:postmeta")),
        tuple(Comment(each) for each in comments),
    )


def _name(tag: str) -> str:
    """Return a name with the prefix that exports of all ages write it with."""
    space, _, name = tag.removeprefix("{").rpartition("}")
    if SIGN.decode() in space:
        return f"{'excerpt' if 'excerpt' in space else 'wp'}:{name}"
    prefix = {"http://purl.org/rss/1.0/modules/content/": "content:", "http://purl.org/dc/elements/1.1/": "dc:"}
    return prefix.get(space, "") + name


def _texts(element: Element) -> dict[str, str]:
    return {_name(each.tag): each.text or "" for each in element}


def _each(element: Element, name: str) -> Iterator[dict[str, str]]:
    return (_texts(each) for each in element if _name(each.tag) == name)
