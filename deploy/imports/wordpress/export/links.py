"""Where posts and pictures of an export were, and how they are found again."""

from __future__ import annotations

import re
from collections.abc import Callable

from coopinfra.deploy.imports.wordpress.export.site import Export, Item

UPLOADS = "wp-content/uploads"
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


def brings_home(export: Export) -> Callable[[str], str]:
    """Return what lets a text name uploads where WordPress has them.

    They may have lain at another address, or have been shown through wordpress.com's cache of pictures. The site's own
    address is changed when it is loaded.
    """
    own = f"{export.address}/{UPLOADS}"
    bases = {each.uploaded[0] for each in export.items if each.uploaded}
    if bases <= {own}:
        return lambda text: text
    listed = "|".join(re.escape(each) for each in sorted(bases | {own}, key=len, reverse=True))
    pattern = re.compile(rf"(?:https?:)?//(?:i\d\.wp\.com/)?(?:{listed})(?=/)")
    return lambda text: pattern.sub(f"https://{own}", text)


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
