"""One sentence and one hint for each way in which a value can be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from coopinfra.roles.types import Refused, quoted

FALSE = {"no", "off", "n", "0", "none", "never"}
TRUE = {"yes", "on", "y", "1", "always"}


@dataclass(frozen=True)
class Wrong:
    """A value that a model refused, and what is known about the setting."""

    name: str
    setting: str
    value: Any
    context: Mapping[str, Any]
    description: str
    example: str
    required: bool


def _missing(wrong: Wrong) -> tuple[str, str]:
    described = f" ({wrong.description[:1].lower()}{wrong.description[1:].rstrip('.')})" if wrong.description else ""
    line = f"{wrong.setting}: {wrong.example}" if wrong.example else f"{wrong.setting}:"
    return f"{wrong.name} has no `{wrong.setting}`", f"add `{line}`{described}"


def _as_written(value: object) -> str:
    return quoted(str(value).lower() if isinstance(value, bool) else value)


def _no_value(wrong: Wrong, instead: str) -> tuple[str, str]:
    return f"{wrong.name} has no value", instead if wrong.required else f"{instead}, or leave the line out"


def _text(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, "write one after it")
    if isinstance(wrong.value, bool):
        shown = str(wrong.value).lower()
        return (
            f"{wrong.name} must be text, not `{shown}`",
            f'put it in quotation marks if you mean the word: `"{shown}"`',
        )
    what = "a list" if isinstance(wrong.value, list) else "a group of settings"
    return f"{wrong.name} must be text, not {what}", _like(wrong, "write it in one line")


def _like(wrong: Wrong, hint: str) -> str:
    return f"{hint}, as in `{wrong.setting}: {wrong.example}`" if wrong.example and wrong.setting else hint


def _yes_or_no(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, "write `true` or `false`")
    word = str(wrong.value).lower()
    if word in ("true", "false"):
        return f"{wrong.name} is text, and must be `true` or `false`", f"write `{word}`, without quotation marks"
    hint = "write `false`" if word in FALSE else "write `true`" if word in TRUE else "write one of them"
    return f"{wrong.name} must be `true` or `false`, not {_shown(wrong.value)}", hint


def _whole_number(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, "write a whole number after it")
    digits = re.sub(r"[_' ]|[.]0*$", "", str(wrong.value))
    hint = "write only digits"
    if re.fullmatch(r"0+[1-9]\d*|\d+", digits):
        hint = f"write `{int(digits)}`" if len(digits) < 20 else "use a smaller one"
    return f"{wrong.name} must be a whole number, not {_shown(wrong.value)}", hint


def _shown(value: object) -> str:
    return "a list" if isinstance(value, list) else "a group" if isinstance(value, dict) else _as_written(value)


def _limit(words: str, key: str) -> Callable[[Wrong], tuple[str, str]]:
    def say(wrong: Wrong) -> tuple[str, str]:
        limit = wrong.context.get(key)
        return f"{wrong.name} must be {words} {limit}, not {_shown(wrong.value)}", _meaning(wrong)

    return say


def _meaning(wrong: Wrong) -> str:
    return f"it means: {wrong.description[:1].lower()}{wrong.description[1:].rstrip('.')}" if wrong.description else ""


def _choice(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, f"write {wrong.context.get('expected', '')}".replace("'", "`"))
    choices = re.findall(r"'([^']*)'", str(wrong.context.get("expected", "")))
    found = get_close_matches(str(wrong.value).lower(), choices, n=1)
    one_of = f"choose `{'`, `'.join(choices)}`" if len(choices) > 1 else f"there is only `{''.join(choices)}` so far"
    return f"{wrong.name} cannot be {_shown(wrong.value)}", f"did you mean `{found[0]}`?" if found else one_of


def _group(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, "write its settings below it, indented, or `{}` after it if it needs none")
    if isinstance(wrong.value, list):
        return f"{wrong.name} must be settings by name, not a list", "write `name: value`, without the dashes"
    hint = "write them below it, indented" if wrong.setting else "write lines of the form `name: value`"
    return f"{wrong.name} must be settings by name, not {_as_written(wrong.value)}", hint


def _list(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, f"write `[{'' if wrong.required else ' '}]` after it".replace("[ ]", "[]"))
    if isinstance(wrong.value, dict):
        return f"{wrong.name} must be a list, not a group", "start each item with `- `"
    hint = _like(wrong, "start each item with `- `") if "{" in wrong.example else f"write `[{str(wrong.value)[:40]}]`"
    return f"{wrong.name} must be a list, not {_as_written(wrong.value)}", hint


def _too_few(wrong: Wrong) -> tuple[str, str]:
    least = wrong.context.get("min_length", 1)
    message = f"{wrong.name} is empty" if least == 1 else f"{wrong.name} needs at least {least}"
    return message, _like(wrong, "write at least one")


def _too_many(wrong: Wrong) -> tuple[str, str]:
    return f"{wrong.name} has more than {wrong.context.get('max_length')}", _meaning(wrong)


def _refused(wrong: Wrong) -> tuple[str, str]:
    error = wrong.context.get("error")
    sentence, hint = (error.sentence, error.hint) if isinstance(error, Refused) else (str(error), "")
    if sentence == "expected a whole number":
        return _whole_number(wrong)
    return (f"{wrong.name}: {sentence}" if sentence.startswith("this ") else sentence), hint or _meaning(wrong)


def _date(wrong: Wrong) -> tuple[str, str]:
    if wrong.value is None:
        return _no_value(wrong, "write a date after it")
    return f"{_shown(wrong.value)} is not a day of the calendar", "write year, month and day, as in `2027-03-01`"


def _number(wrong: Wrong) -> tuple[str, str]:
    return f"{wrong.name} must be a number, not {_shown(wrong.value)}", _like(wrong, "write digits")


def _otherwise(wrong: Wrong) -> tuple[str, str]:
    return f"{wrong.name} cannot be {_shown(wrong.value)}", _like(wrong, _meaning(wrong) or "compare with the example")


SENTENCES: dict[str, Callable[[Wrong], tuple[str, str]]] = {
    "": _otherwise,
    "missing": _missing,
    "value_error": _refused,
    "literal_error": _choice,
    **dict.fromkeys(("enum", "union_tag_invalid", "union_tag_not_found"), _otherwise),
    **dict.fromkeys(("string_type", "string_sub_type"), _text),
    **dict.fromkeys(("bool_type", "bool_parsing"), _yes_or_no),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _whole_number),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number", "decimal_type", "decimal_parsing"), _number),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _group),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _list),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _date),
    "too_short": _too_few,
    "string_too_short": _too_few,
    "too_long": _too_many,
    "string_too_long": _too_many,
    "string_pattern_mismatch": _otherwise,
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
    "greater_than": _limit("more than", "gt"),
    "less_than": _limit("less than", "lt"),
}
