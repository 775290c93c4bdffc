"""Brings an existing site into an organisation's inventory, by whatever kind of import knows its form."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.imports import KINDS
from coopinfra.deploy.imports.finding import Brought, NotBrought, Origin
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.places import org_folder
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.roles.types import Refused, check_domain, check_slug


@dataclass(frozen=True)
class Imported:
    """Where a site was put, and what is to be known of it."""

    folder: Path
    brought: Brought


def bring_in(organisation: str, name: str, origin: Origin, domain: str = "") -> Imported:
    """Bring a site in as `sites/<name>`; nothing is left where that fails.

    domain: under which it will be reached, by default its name within the organisation's domain
    """
    try:
        check_slug(name)
        for each in (domain, *origin.was):
            if each:
                check_domain(each)
    except Refused as error:
        raise InputError(Problem(error.sentence, error.hint)) from error
    own = load_named(organisation).domain
    domains = tuple(dict.fromkeys((domain or f"{name}.{own}", *origin.was, f"www.{own}", own)))
    to = org_folder(organisation) / "sites" / name
    if to.exists():
        raise InputError(Problem(f"`{to}` is there already, and nothing of it was changed", "choose another name"))
    kind = next((kind for kind in KINDS if kind.fits(origin)), None)
    if kind is None:
        hint = (
            "name a directory of finished pages, the folder of a WordPress with `--dump FILE`, or its export (`.xml`)"
        )
        raise InputError(Problem(f"`{origin.path}` is no site that can be brought in", hint))
    if to.resolve().is_relative_to(origin.path.resolve()):
        raise InputError(Problem(f"`{origin.path}` holds the inventory itself", "name the directory of the site alone"))
    try:
        return Imported(to, kind.bring(origin, to, domains))
    except NotBrought as error:
        shutil.rmtree(to, ignore_errors=True)
        raise InputError(Problem(error.sentence, error.hint)) from error
    except OSError as error:
        shutil.rmtree(to, ignore_errors=True)
        raise InputError(Problem(f"`{origin.path}` cannot be brought in: {error}", "nothing was kept of it")) from error
