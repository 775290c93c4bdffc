"""Whatever stands in org.yml: it is accepted or refused with problems, soon, and nothing else ever happens."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.organisation.places import SHIPPED
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.planning.make import make_plan

GOOD = (SHIPPED / "highbeam" / "org.yml").read_text()
GOOD_COLLECTIVE = (SHIPPED / "collective.yml").read_text()
PIECES = st.sampled_from(
    ["\t", "  ", "\n", ": ", "- ", "'", '"', "[", "]", "{", "}", "&a", "*a", "!", "!!int ", "<<: ", "? ", "| ", "---\n",
     "#", "%", "@", "\\", "\0", "\x85", "\u2028", "\ufeff", "é", "null", "~", "true", "no", "0022", "1e3", ".inf",
     "2027-13-01", "web1", "9" * 5000, '"\\UFFFFFFFF"', "\ud7ff"]
)  # fmt: skip
SCALARS = st.one_of(
    st.text(max_size=12), st.sampled_from(["true", "0022", "22", "a.example", "203.0.113.10", "", "[]"])
)
NAMES = st.sampled_from(
    ["name", "domain", "servers", "contacts", "languages", "owns", "address", "roles", "website", "sites", "source",
     "port", "paid_until", "kind", "time_zone", "quiet_hours", "base", "folder", "x"]
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=25,
)
LIMITED = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)


def outcome(content: bytes, collective: bytes = GOOD_COLLECTIVE.encode()) -> str:
    """Load and plan an organisation of this content; any exception but an InputError is a failure."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "highbeam"
        folder.mkdir()
        (folder / "org.yml").write_bytes(content)
        (folder.parent / "collective.yml").write_bytes(collective)
        (folder / "sites" / "main").mkdir(parents=True)
        (folder / "sites" / "main" / "index.html").touch()
        try:
            org = load_org(folder)
            make_plan(org)
        except InputError as error:
            for problem in error.problems:
                assert problem.message
                assert problem.file in ("highbeam/org.yml", "collective.yml")
                assert problem.line is None or 1 <= problem.line <= content.count(b"\n") + content.count(b"\r") + 2
                # Nothing that was in the file may steer the terminal it is shown on.
                assert (problem.message + problem.hint).isprintable()
            return "refused"
        hash(org)
        return "accepted"


def in_one_line(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {in_one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_one_line(item) for item in value) + "]"
    return "'" + str(value).replace("'", "''") + "'" if value else "''"


@LIMITED
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content):
    assert outcome(content) == "refused"


@LIMITED
@given(st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_text_is_refused(content):
    assert outcome(content) == "refused"


@LIMITED
@given(st.dictionaries(NAMES, TREES, max_size=6))
def test_any_tree_of_our_own_words_is_accepted_or_refused(tree):
    assert outcome(in_one_line(tree).encode("utf-8", "surrogatepass")) in ("accepted", "refused")


@LIMITED
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 6), PIECES), min_size=1, max_size=4))
def test_any_damage_to_the_good_file_is_accepted_or_refused(damages):
    text = GOOD
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]

    assert outcome(text.encode()) in ("accepted", "refused")


@LIMITED
@given(st.lists(st.tuples(st.integers(0, len(GOOD_COLLECTIVE)), st.integers(0, 6), PIECES), min_size=1, max_size=4))
def test_any_damage_to_the_collective_is_accepted_or_refused(damages):
    text = GOOD_COLLECTIVE
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]

    assert outcome(GOOD.encode(), text.encode()) in ("accepted", "refused")


def test_the_good_files_are_accepted():
    assert outcome(GOOD.encode()) == "accepted"
    assert outcome(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == "accepted"


@pytest.mark.parametrize(
    "content",
    ["[" * 240_000, "- " * 120_000, "? " * 120_000, "a: &a [*a]\n" * 3_000, "'" + "''" * 120_000 + "'", "a:\n" * 8_000],
    ids=["brackets", "lists", "keys", "references", "quotes", "repeated"],
)
@pytest.mark.timeout(60)
def test_a_file_made_to_hurt_is_refused_soon(content):
    assert outcome(content.encode()) == "refused"
