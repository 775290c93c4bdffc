"""The JSON Schema of org.yml with every role's settings in it, for editors that complete and explain."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from coopinfra.deploy.organisation.models import OrganisationFile, ServerEntry
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.roles.registry import Role, roles
from coopinfra.roles.types import quoted

JsonSchema: TypeAlias = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def organisation_schema() -> JsonSchema:
    """Describe all that org.yml may say."""
    models: list[type[BaseModel]] = [OrganisationFile, ServerEntry, *(role.settings for role in roles().values())]
    references, shared = models_json_schema([(model, "validation") for model in models])
    definitions = shared["$defs"]
    server = definitions[_name_of(references[ServerEntry, "validation"])]
    server["properties"]["roles"] = {
        "type": "object",
        "description": ServerEntry.model_fields["roles"].description,
        "properties": {name: references[role.settings, "validation"] for name, role in roles().items()},
        "additionalProperties": False,
    }
    # The stand-in for any role's settings has been replaced by each of them.
    definitions.pop("Settings", None)
    top = definitions.pop(_name_of(references[OrganisationFile, "validation"]))
    tidied: JsonSchema = _tidy({"$schema": DIALECT, **top, "$defs": definitions})
    return tidied


def role_schema(name: str) -> JsonSchema:
    """Describe the settings of one role."""
    tidied: JsonSchema = _tidy({"$schema": DIALECT, **find_role(name).settings.model_json_schema()})
    return tidied


def find_role(name: str) -> Role:
    """Return one role, or say which there are."""
    if name not in roles():
        raise InputError(Problem(f"there is no role {quoted(name)}", suggest(name, roles(), "there are")))
    return roles()[name]


def _name_of(reference: JsonSchema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _tidy(schema: Any) -> Any:
    """Drop the titles that pydantic makes of Python's names, and close tables to names of another form."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # A setting that is itself called `title` is described by a mapping, and stays.
    tidied = {key: _tidy(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    return {**tidied, "additionalProperties": False} if "patternProperties" in tidied else tidied
