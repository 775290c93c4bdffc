"""The pictures of an export: which they are, where they lay, and how its texts find them again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from coopinfra.deploy.imports.wordpress import serialised
from coopinfra.deploy.imports.wordpress.export.site import Export, Item

UPLOADS = "wp-content/uploads"
SIZES = "_wp_attachment_metadata"


def attached(export: Export) -> frozenset[str]:
    """Return the files that an export names."""
    return frozenset(each.uploaded[1] for each in export.items if each.uploaded)


def smaller_copies(item: Item) -> Iterator[str]:
    """Yield the smaller copies that an export names of a picture."""
    folder = PurePosixPath(item.uploaded[1]).parent if item.uploaded else PurePosixPath()
    for key, value in item.meta if item.uploaded else ():
        sizes = serialised.table(value.encode()).get("sizes") if key == SIZES else None
        for size in sizes.values() if isinstance(sizes, dict) else ():
            if isinstance(size, dict) and "file" in size:
                yield str(folder / str(size["file"]))


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
