"""An application in JavaScript that Node runs, with requirements that are locked by npm."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from coopinfra.roles.settings import Field
from coopinfra.roles.types import Line, quoted, refuse
from coopinfra.roles.website.kinds.app_settings import AppSite, Runtime

PACKAGE = re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")


def _package(value: str) -> str:
    if not PACKAGE.fullmatch(value):
        refuse(f"{quoted(value)} is not the name of a package of npm", "write it as `esbuild` or `@scope/name`")
    return value


class NodeSite(AppSite):
    """An application for Node, of Debian's version."""

    runtime = Runtime("node", ("nodejs", "npm"), "node_modules/.bin")

    kind: Literal["node"] = Field(description="What it is made of.")
    start: Line = Field(
        default="node .",
        description="The shell command that answers visitors, on the socket that lies open as file descriptor 3.",
        examples=["node server.js"],
    )
    scripts: tuple[Annotated[str, AfterValidator(_package)], ...] = Field(
        default=(),
        description="Packages whose install scripts are run; without a network, and no other's.",
        examples=[["esbuild"]],
    )

    @property
    def serve(self) -> str:
        """The shell command that answers visitors, on the socket that it is given."""
        return self.start

    @property
    def build_commands(self) -> tuple[str, ...]:
        """What is run of its own to make a release, in this order."""
        rebuild = (f"npm rebuild --offline {' '.join(self.scripts)}",) if self.scripts else ()
        return (*rebuild, *super().build_commands)
