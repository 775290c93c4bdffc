"""Renders a role's templates; never imports pyinfra."""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coopinfra.roles.contract import File, Part
from coopinfra.roles.primitives.markers import marker
from coopinfra.roles.registry import roles

if TYPE_CHECKING:
    from jinja2 import Environment, FileSystemBytecodeCache


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
        .render(
            part=part,
            organisation=part.organisation,
            server=part.server,
            settings=part.settings,
            secret=partial(marker, part),
            **values,
        )
    )
    return File(to, text.encode(), user=user, group=group, mode=mode, validate=validate, access=access)


@cache
def _environment(role: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(roles()[role].folder / "templates"),
        bytecode_cache=_compiled(),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; the runbook has an environment of its own
    )


@cache
def _compiled() -> FileSystemBytecodeCache | None:
    """Keep compiled templates in the user's cache: compiling them takes longer than all else that a plan does."""
    from jinja2 import FileSystemBytecodeCache

    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "coopinfra/templates"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder))
