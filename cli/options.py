"""Arguments and options that several verbs take."""

from __future__ import annotations

from typing import Annotated

import typer

Organisation = Annotated[str, typer.Argument(help="The organisation's folder name under inventories.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
