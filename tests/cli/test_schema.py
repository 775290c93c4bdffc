"""`coopinfra schema`, as it is typed: what an editor makes of it."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from coopinfra.cli.main import main
from coopinfra.deploy.organisation.places import SHIPPED


class EditorLoader(yaml.SafeLoader):
    """Reads YAML 1.2 as editors do: dates and hours are text, only `true` and `false` are truths."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "int", "float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
EditorLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))

EXAMPLE = (SHIPPED / "highbeam" / "org.yml").read_text()


@pytest.fixture
def schema_of(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["coopinfra", "schema", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    return run


def complaints(schema, text):
    found = Draft202012Validator(schema).iter_errors(yaml.load(text, EditorLoader))
    return ["/".join(map(str, error.absolute_path)) for error in found]


def test_the_schema_is_one_and_accepts_the_example(schema_of):
    schema = schema_of()

    Draft202012Validator.check_schema(schema)
    assert complaints(schema, EXAMPLE) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("      website:", "      webiste:", "servers/web1/roles"),
        ("redirects_from", "redirect_from", "servers/web1/roles/website/sites/main"),
        ("kind: static", "kind: brochure", "servers/web1/roles/website/sites/main"),
        ("time_zone:", "timezone:", ""),
        ("[en, es]", "[en, english]", "languages/1"),
        ("  web1:", "  Web1:", "servers"),
        ("    ipv6:", "    port: many\n    ipv6:", "servers/web1/port"),
        ("    ipv6:", "    port: 70000\n    ipv6:", "servers/web1/port"),
        ("{name: Sam Okafor, does", "{does", "contacts/1"),
    ],
)
def test_an_editor_marks_what_validate_would_refuse(old, new, where, schema_of):
    assert old in EXAMPLE

    assert complaints(schema_of(), EXAMPLE.replace(old, new, 1)) == [where]


def test_one_role_can_be_asked_for_alone(schema_of):
    schema = schema_of("--role", "website")

    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["sites"]


def test_the_page_of_a_role_is_the_one_in_its_folder(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["coopinfra", "schema", "--role", "website", "--page"])
    with pytest.raises(SystemExit):
        main()

    page = (SHIPPED.parent / "roles" / "website" / "settings.md").read_text()
    assert capsys.readouterr().out == page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "webiste"], "error: there is no role `webiste`\n  hint: did you mean `website`?\n"),
        (["--page"], "error: `--page` shows the settings of one role\n  hint: add `--role website`\n"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, told, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["coopinfra", "schema", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr() == ("", told)
