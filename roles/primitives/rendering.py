"""Renders a role's templates; never imports pyinfra."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from coopinfra.roles.contract import File, Part
from coopinfra.roles.registry import FOLDER

if TYPE_CHECKING:
    from jinja2 import Environment


def template(
    part: Part[Any],
    name: str,
    *,
    to: str,
    mode: str = "0644",
    user: str = "root",
    group: str = "root",
    validate: str = "",
    access: bool = False,
    **values: object,
) -> File:
    """Render `templates/<name>` of the part's role as the file `to`; an unknown variable is an error."""
    text = (
        _environment(part.role)
        .get_template(name)
        .render(part=part, organisation=part.organisation, server=part.server, settings=part.settings, **values)
    )
    return File(to, text.encode(), user=user, group=group, mode=mode, validate=validate, access=access)


@cache
def _environment(role: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER / role / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; the runbook has an environment of its own
    )
