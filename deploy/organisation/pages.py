"""Each role's `settings.md`, made from its model; `python -m coopinfra.deploy.organisation.pages` rewrites them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coopinfra.deploy.organisation.schema import JsonSchema, find_role, role_schema
from coopinfra.deploy.organisation.words import inline
from coopinfra.roles.registry import roles

FORMATS = {
    "hostname": "domain",
    "email": "email address",
    "date": "date",
    "ipv4": "IPv4 address",
    "ipv6": "IPv6 address",
}
HEAD = "| Setting | Kind | If left out | Meaning | Example |\n|---|---|---|---|---|"


def settings_page(role: str) -> str:
    """Describe the settings of one role for people, as Markdown."""
    schema = role_schema(role)
    definitions = schema.get("$defs", {})
    lines = [f"# Settings of `{role}`", "", _sentence(schema), ""]
    lines += ["<!-- Made from the role's model: change it there. -->", ""]
    lines += _table(schema, definitions)
    for path, group in _groups(schema, definitions, ()):
        lines += ["", f"## `{'.'.join(path)}`", "", _sentence(group), "", *_table(group, definitions)]
    return "\n".join(lines) + "\n"


def record_pages() -> None:
    """Write every role's page beside its model."""
    for name in roles():
        (find_role(name).folder / "settings.md").write_text(settings_page(name), encoding="utf-8")


def _sentence(schema: JsonSchema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def _table(schema: JsonSchema, definitions: JsonSchema) -> Iterator[str]:
    properties = schema.get("properties", {})
    if not properties:
        yield "There is nothing to choose: write `{}`."
        return
    yield HEAD
    for name, setting in properties.items():
        default = "must be given" if name in schema.get("required", ()) else _default(setting)
        cells = (f"`{name}`", _kind(setting, definitions), default, _sentence(setting), _example(setting))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(setting: JsonSchema) -> str:
    default = setting.get("default")
    return "" if default in (None, "", [], {}) else f"`{inline(default)}`"


def _example(setting: JsonSchema) -> str:
    return ", ".join(f"`{inline(example)}`" for example in setting.get("examples", ()))


def _kind(setting: JsonSchema, definitions: JsonSchema) -> str:
    """Say in a word or two what may be written."""
    setting = _resolved(setting, definitions)
    if "oneOf" in setting:
        return "group"
    if "anyOf" in setting:
        kinds = (_kind(each, definitions) for each in setting["anyOf"] if each.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    if choices := setting.get("enum", [setting["const"]] if "const" in setting else []):
        return " or ".join(f"`{inline(choice)}`" for choice in choices)
    if setting.get("type") == "array":
        return f"list: {_kind(setting.get('items', {}), definitions)}"
    if setting.get("type") == "object":
        inner = _inner(setting)
        by = "by short name" if "patternProperties" in setting or "propertyNames" in setting else "by name"
        return f"{by}: {_kind(inner, definitions)}" if inner else "group"
    if setting.get("type") == "integer":
        limits = [str(setting[key]) for key in ("minimum", "maximum") if key in setting]
        return " ".join(("whole number", f"({' to '.join(limits)})" if limits else "")).strip()
    plain = {"boolean": "`true` or `false`", "number": "number", "string": "text"}
    return FORMATS.get(setting.get("format", ""), plain.get(setting.get("type", ""), "any"))


def _resolved(setting: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    if "$ref" in setting:
        target: JsonSchema = definitions[setting["$ref"].rpartition("/")[2]]
        return {**target, **{key: value for key, value in setting.items() if key != "$ref"}}
    return setting


def _inner(setting: JsonSchema) -> JsonSchema:
    """Return what a table by names holds."""
    found: Any = setting.get("additionalProperties") or next(iter(setting.get("patternProperties", {}).values()), {})
    return found if isinstance(found, dict) else {}


def _groups(
    schema: JsonSchema, definitions: JsonSchema, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], JsonSchema]]:
    """Yield every group of settings within the settings, with its path."""
    for name, setting in schema.get("properties", {}).items():
        here = (*path, name)
        found = setting
        while inner := _inner(found) or found.get("items"):
            here, found = (*here, "…"), inner
        # A group that may be left out stands beside `null`.
        for one in found.get("oneOf", found.get("anyOf", (found,))):
            target = definitions.get(str(one.get("$ref", "")).rpartition("/")[2], {})
            if "properties" in target:
                there = (*here[:-1], f"{here[-1]} ({_tag(target)})") if "oneOf" in found else here
                yield there, target
                yield from _groups(target, definitions, there)


def _tag(schema: JsonSchema) -> str:
    """Return what tells one of several forms of a group from the others."""
    return str(schema["properties"]["kind"]["const"])


if __name__ == "__main__":
    record_pages()
