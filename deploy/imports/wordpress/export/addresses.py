"""Under which addresses the posts of an export were, so that they can keep them."""

from __future__ import annotations

import re

from coopinfra.deploy.imports.wordpress.export.site import Export, Item

STRUCTURES = (
    "/%year%/%monthnum%/%day%/%postname%/",
    "/%year%/%monthnum%/%postname%/",
    "/%postname%/",
    "/%category%/%postname%/",
    "/archives/%post_id%/",
)
"""How WordPress makes the address of a post; the first is that of wordpress.com."""


def structure_of(export: Export) -> str:
    """Return how addresses of posts were made; empty where it is none that WordPress knows by name."""
    posts = [each for each in export.items if each.kind == "post" and each.is_public and "?" not in each.link]
    for structure in STRUCTURES if posts else ():
        if all(_path(export, each) == _made(structure, each) for each in posts):
            return structure if posts[0].link.endswith("/") else structure.removesuffix("/")
    return ""


def _path(export: Export, item: Item) -> str:
    """Return the address of a post below that of the site."""
    return re.sub(r"^https?://", "", item.link).removeprefix(export.address).rstrip("/")


def _made(structure: str, item: Item) -> str:
    """Return what the address of a post is by a structure."""
    date = re.split(r"\D", item.said.get("post_date", ""))
    year, month, day = (*date, "", "", "")[:3]
    category = next((each.slug for each in item.terms if each.taxonomy == "category"), "")
    values = {
        "%year%": year,
        "%monthnum%": month,
        "%day%": day,
        "%postname%": item.said.get("post_name", ""),
        "%category%": category,
        "%post_id%": str(item.number),
    }
    return re.sub(r"%\w+%", lambda found: values[found[0]], structure).rstrip("/")
