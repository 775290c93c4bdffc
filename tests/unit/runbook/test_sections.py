"""What becomes of a role's own section."""

from __future__ import annotations

from coopinfra.deploy.runbook.page import anchor, as_html
from coopinfra.deploy.runbook.sections import with_headings_below


def test_headings_of_a_section_stand_below_the_frame_s() -> None:
    assert with_headings_below("## Start\n\n### Stop\n", 4) == "#### Start\n\n##### Stop"


def test_comments_in_commands_are_no_headings() -> None:
    code = "```sh\n# look\nls\n```"

    assert with_headings_below(f"# Look\n\n{code}", 4) == f"#### Look\n\n{code}"


def test_headings_with_one_name_get_names_of_their_own() -> None:
    assert as_html("# A b!\n\n# A b!\n") == '<h1 id="a-b">A b!</h1>\n<h1 id="a-b-1">A b!</h1>\n'
    assert anchor("Qué pasa, si…") == "qué-pasa-si"
