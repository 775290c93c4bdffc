"""The schema that editors use and the pages that people read say what the models say."""

from __future__ import annotations

import pytest

from coopinfra.deploy.organisation.pages import settings_page
from coopinfra.deploy.organisation.schema import organisation_schema, role_schema
from coopinfra.roles.registry import roles


@pytest.mark.parametrize("role", sorted(roles()))
def test_the_settings_page_of_each_role_is_current(role, record):
    path = roles()[role].folder / "settings.md"
    page = settings_page(role)
    if record:
        path.write_text(page)

    assert path.read_text() == page, "run `pytest --record` and read the difference"


@pytest.mark.parametrize("role", sorted(roles()))
def test_every_setting_of_a_role_is_on_its_page_and_described(role):
    page = settings_page(role)

    for group in (role_schema(role), *role_schema(role).get("$defs", {}).values()):
        for name, setting in group.get("properties", {}).items():
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
            assert setting["description"].split()[0] in row


@pytest.mark.parametrize("role", sorted(roles()))
def test_no_setting_takes_numbers_or_truths_that_yaml_readers_disagree_about(role):
    """`int` accepts `0022` and `1_000`, `bool` accepts `no` and `1`: WholeNumber and YesNo do not."""
    settings = roles()[role].settings
    for name, field in settings.model_fields.items():
        if field.annotation in (int, bool, float):
            for loose in ("0022", "1_000", "no", "1.0"):
                with pytest.raises(ValueError, match=name):
                    settings.model_validate({name: loose})


def test_the_schema_holds_every_role_and_refuses_others():
    server = organisation_schema()["$defs"]["ServerEntry"]["properties"]["roles"]

    assert set(server["properties"]) == set(roles())
    assert server["additionalProperties"] is False


def test_everything_in_the_schema_is_described_for_whoever_points_at_it():
    schema = organisation_schema()

    for name, group in {"org.yml": schema, **schema["$defs"]}.items():
        assert group["description"], name
        for setting, described in group.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, f"{name}: {setting}"
