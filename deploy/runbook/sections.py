"""The roles' own sections of the books: each role's `runbook.md.j2`, with a block for people and one for sysadmins."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from coopinfra.roles.contract import Part
from coopinfra.roles.registry import roles

NAME = "runbook.md.j2"
# A role's headings stand below the one that the frame gives it.
TOP_LEVEL = 4


def section(part: Part[Any], block: Literal["people", "sysadmin"], language: str) -> str:
    """Render one block of a role's section; empty where the role has nothing to say to these readers."""
    if not (roles()[part.role].folder / NAME).is_file():
        return ""
    template = _environment(part.role).get_template(NAME)
    if block not in template.blocks:
        return ""
    values = {
        "part": part,
        "organisation": part.organisation,
        "server": part.server,
        "settings": part.settings,
        "language": language,
        **roles()[part.role].for_the_book(part),
    }
    text = "".join(template.blocks[block](template.new_context(values)))
    return with_headings_below(re.sub(r"\n{3,}", "\n\n", text).strip(), TOP_LEVEL)


def with_headings_below(markdown: str, top: int) -> str:
    """Move all headings down so that the highest is of level `top`; code is left alone."""
    lines, fenced = [], False
    found: list[tuple[int, int]] = []
    for at, line in enumerate(markdown.splitlines()):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (heading := re.match(r"(#+) ", line)):
            found.append((at, len(heading[1])))
        lines.append(line)
    highest = min((level for _, level in found), default=top)
    for at, level in found:
        lines[at] = "#" * min(6, level - highest + top) + lines[at][level:]
    return "\n".join(lines)


@cache
def _environment(role: str) -> Environment:
    # Markdown, not HTML: what becomes of it is escaped when the book's page is made.
    return Environment(
        loader=FileSystemLoader(roles()[role].folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701
    )
