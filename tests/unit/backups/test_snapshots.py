"""Which backup somebody means."""

from __future__ import annotations

import json

import pytest

from coopinfra.deploy.backups.snapshots import Snapshot, choose, read_snapshots
from coopinfra.deploy.organisation.problems import InputError

TEXT = json.dumps(
    [
        {"id": "aaaa" * 16, "time": "2026-11-24T10:00:00.123456789Z"},
        {"id": "bbbb" * 16, "time": "2026-11-25T12:00:00+02:00", "summary": {"total_files_processed": 7}},
        {"id": "abcd" * 16, "time": "2026-11-23T10:00:00Z"},
    ]
)


@pytest.fixture
def found() -> tuple[Snapshot, ...]:
    return read_snapshots(TEXT, "web1", "vault1")


def test_the_newest_is_the_first_whatever_the_time_zone(found: tuple[Snapshot, ...]) -> None:
    assert [each.id[:4] for each in found] == ["bbbb", "aaaa", "abcd"]
    assert (found[0].time.hour, found[0].files) == (10, 7)
    assert choose(found) is found[0]


@pytest.mark.parametrize(
    ("at", "wanted"),
    [("aaaaaaaa", "aaaa"), ("2026-11-25T09:59", "aaaa"), ("2026-11-25T10:00", "bbbb"), ("2026-11-24", "abcd")],
)
def test_one_is_named_by_id_or_by_a_time_that_it_is_not_later_than(
    found: tuple[Snapshot, ...], at: str, wanted: str
) -> None:
    assert choose(found, at).id.startswith(wanted)


@pytest.mark.parametrize(
    ("at", "said"),
    [("cccc", "no backup `cccc`"), ("2020-01-01", "no backup from before"), ("soon", "no backup `soon`")],
)
def test_what_is_not_there_is_refused(found: tuple[Snapshot, ...], at: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose(found, at)


def test_without_any_it_says_how_to_make_one() -> None:
    with pytest.raises(InputError, match="no backup yet"):
        choose(())
