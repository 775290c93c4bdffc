"""Turns what pydantic found into problems: our words, the place in the file, what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from coopinfra.deploy.organisation.document import Document, Location, Value
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.deploy.organisation.sentences import SENTENCES, Wrong
from coopinfra.roles.types import quoted


def check_values(document: Document, model: type[BaseModel], value: Value, at: Location = ()) -> BaseModel | None:
    """Make a model of what stands at one place; add every problem to the document, and return None if there are any."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            document.problems.extend(_problem(document, model, details, at))
        return None


def suggest(wrong: str, possible: Iterable[str], otherwise: str) -> str:
    """Return a hint: the one name that was likely meant, or what there is to choose from."""
    names = sorted(possible)
    if found := get_close_matches(wrong.lower(), names, n=1):
        return f"did you mean `{found[0]}`?"
    return f"{otherwise} `{'`, `'.join(names)}`" if names else ""


def _problem(document: Document, model: type[BaseModel], details: ErrorDetails, start: Location) -> Iterator[Problem]:
    loc = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == "union_tag_invalid":
        details = _of_kind(details)
        loc = (*loc, "kind")
    at = _place(document, (*start, *loc), start)
    if document.is_doubtful(at) or (details["type"] == "missing" and document.is_doubtful((*at, loc[-1]))):
        return
    if details["type"] == "too_short" and len(details["input"]) >= details.get("ctx", {}).get("min_length", 1):
        return  # enough stands there, and what is wrong with each item is told
    field = _field(model, loc)
    if details["type"] == "extra_forbidden":
        holder = _holder(model, loc[:-1])
        hint = suggest(str(loc[-1]), holder.model_fields if holder else (), "there are")
        yield Problem(f"there is no setting {quoted(loc[-1])} here", hint, document.file, document.line(at))
        return
    wrong = Wrong(
        name=_name(at),
        setting=str(loc[-1]) if loc else "",
        value=details["input"],
        context=details.get("ctx", {}),
        description=(field.description or "") if field else "",
        example=_example(field),
        required=field.is_required() if field else True,
    )
    sentence, hint = SENTENCES.get(details["type"], SENTENCES[""])(wrong)
    of_value = "[key]" not in details["loc"] and not isinstance(wrong.value, dict | list)
    yield Problem(sentence, hint, document.file, document.line(at, of_value=of_value))


def _of_kind(details: ErrorDetails) -> ErrorDetails:
    """Return what pydantic found wrong with the `kind` of a group as if it were any other choice."""
    expected = str(details.get("ctx", {}).get("expected_tags", ""))
    value = details["input"].get("kind") if isinstance(details["input"], dict) else details["input"]
    return {**details, "type": "literal_error", "input": value, "ctx": {"expected": expected}}


def _place(document: Document, loc: Location, start: Location) -> Location:
    """Follow a path as far as the file has it; names that are not in the file are pydantic's own."""
    at = start
    for part in loc[len(start) :]:
        if (*at, part) in document.spans:
            at = (*at, part)
    return at


def _name(at: Location) -> str:
    """Name a place as its readers would: the setting, or the number within a list."""
    if not at:
        return "the file"
    if isinstance(at[-1], int):
        return f"item {at[-1] + 1} of {_name(at[:-1])}"
    return quoted(at[-1])


def _field(model: type[BaseModel], loc: Location) -> FieldInfo | None:
    holder = _holder(model, loc[:-1]) if loc else None
    return holder.model_fields.get(str(loc[-1])) if holder else None


def _holder(kind: Any, loc: Location) -> type[BaseModel] | None:
    """Find the model that describes one place."""
    for part in loc:
        kind = next(_steps(kind, part), None)
    return next((each for each in _alternatives(kind) if _is_model(each)), None)


def _steps(kind: Any, part: str | int) -> Iterator[Any]:
    yield from _of_tag(kind, part)
    for each in _alternatives(kind):
        if _is_model(each):
            if part in each.model_fields:
                yield each.model_fields[str(part)].annotation
        elif arguments := get_args(each):
            yield arguments[0 if isinstance(part, int) else -1]


def _of_tag(kind: Any, tag: str | int) -> Iterator[Any]:
    """Yield the one of several models that pydantic chose, and named, by its tag."""
    for each in get_args(kind):
        if get_origin(each) is Annotated and any(isinstance(of, Tag) and of.tag == tag for of in get_args(each)[1:]):
            yield get_args(each)[0]
        else:
            yield from _of_tag(each, tag)


def _alternatives(kind: Any) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _alternatives(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for each in get_args(kind):
            yield from _alternatives(each)
    else:
        yield kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _example(field: FieldInfo | None) -> str:
    if field is None:
        return ""
    if field.examples:
        return inline(field.examples[0])
    return "" if field.default in (PydanticUndefined, "", None, ()) else inline(field.default)


def inline(value: object) -> str:
    """Write a value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
