"""Begins an organisation: from answers to its first files, proved to be valid."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from coopinfra.deploy.jobs.interview import Question
from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.organisation.places import new_inventories
from coopinfra.deploy.organisation.problems import InputError, Problem, raise_all
from coopinfra.roles.types import Refused, check_slug

TEMPLATES = Path(__file__).parents[2] / "templates"
# What YAML reads as it stands, and nobody could take for anything else.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 .@/+_-]*[A-Za-z0-9]")
WORDS = {"true", "false", "null", "yes", "no", "on", "off"}


def new_folder(name: str) -> Path:
    """Return where an organisation of this name would lie; refuse one that is there already."""
    try:
        folder = new_inventories() / check_slug(name)
    except Refused as error:
        raise InputError(Problem(error.sentence, error.hint)) from error
    if folder.exists():
        hint = "choose another name, or change its org.yml with an editor"
        raise InputError(Problem(f"`{folder}` is there already, and nothing of it was changed", hint))
    return folder


def complete(asked: tuple[Question, ...], given: Mapping[str, str]) -> dict[str, str]:
    """Take what was given and the defaults for the rest; raise one error for all that is missing or wrong."""
    answers = {"id": given["id"]}
    problems = []
    for question in asked:
        answer = given.get(question.name) or question.default(answers)
        try:
            answers[question.name] = question.judge(answer)
        except Refused as error:
            if question.follows and question.follows not in answers:
                continue
            known = f"`{question.option}`: {error.sentence}" if answer else f"`{question.option}` is missing"
            problems.append(Problem(known, error.hint if answer else question.text))
    raise_all(problems)
    return answers


def begin(folder: Path, answers: Mapping[str, str]) -> tuple[Path, ...]:
    """Write the organisation's first files, prove that they are valid, and return them."""
    texts = {
        folder / "org.yml": "org.yml.j2",
        folder / "sites" / "main" / "index.html": "index.html.j2",
    }
    if "collective" in answers:
        texts[folder.parent / "collective.yml"] = "collective.yml.j2"
    values = {**answers, "languages": answers["languages"].split(",")}
    for path, template in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(_render(template, values))
    load_org(folder)
    return tuple(texts)


def _render(template: str, values: Mapping[str, object]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - YAML; the one page escapes by itself
    )
    environment.filters |= {"yaml": _yaml, "plain": lambda text: re.sub(r"[{}\[\],:#]", "", str(text))}
    return environment.get_template(template).render(values)


def _yaml(text: str) -> str:
    plain = PLAIN.fullmatch(text) and text.lower() not in WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)
