"""`coopinfra schema`: what org.yml may say, for editors and for people."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli.console import print_json


def schema(
    role: Annotated[str, typer.Option(help="Only the settings of this role.")] = "",
    page: Annotated[bool, typer.Option("--page", help="With --role: a page to read instead of JSON.")] = False,
) -> None:
    """Print the JSON Schema of org.yml with all roles' settings in it.

    Editors complete and explain with it: write it to a file, and put `# yaml-language-server: $schema=FILE` on the
    first line of org.yml.
    """
    from coopinfra.deploy.organisation.problems import InputError, Problem
    from coopinfra.deploy.organisation.schema import organisation_schema, role_schema

    if page and not role:
        raise InputError(Problem("`--page` shows the settings of one role", "add `--role website`"))
    if page:
        from coopinfra.deploy.organisation.pages import settings_page
        from coopinfra.deploy.organisation.schema import find_role

        print(settings_page(find_role(role).name), end="")
    else:
        print_json(role_schema(role) if role else organisation_schema())
