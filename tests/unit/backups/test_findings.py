"""What a drill makes of clocks, secrets and what a server says; and that nothing looked at is nothing proved."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from coopinfra.deploy.backups.findings import Drill, Finding, of_restore, of_secrets, of_times
from coopinfra.deploy.backups.snapshots import Snapshot

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AGES = "the newest backup is no older than 14 hours"
FUTURE = "the newest backup is not from the future"
CAME = "the newest backup came when it says that it was made"


def wrong(made: datetime, came: datetime | None, taken: datetime | None = None) -> list[str]:
    snapshot = Snapshot("a" * 64, made, "web1", "vault1", 1, 1)
    return [each.sentence for each in of_times(snapshot, taken or made, NOW, came, 14) if not each.is_true]


@pytest.mark.parametrize(
    ("made", "came", "expected"),
    [
        (timedelta(hours=-13), timedelta(hours=-13, minutes=2), []),
        (timedelta(hours=-15), timedelta(hours=-15), [AGES]),
        (timedelta(days=1), timedelta(hours=-1), [FUTURE, CAME]),
        (timedelta(hours=-1), timedelta(hours=-4), [CAME]),
        (timedelta(hours=-1), None, [CAME]),
    ],
)
def test_the_age_is_judged_by_more_than_one_clock(made: timedelta, came: timedelta | None, expected: list[str]) -> None:
    assert wrong(NOW + made, None if came is None else NOW + came) == expected


def test_data_are_as_old_as_when_they_were_copied_and_not_as_when_they_were_sent() -> None:
    sent = NOW - timedelta(hours=1)

    assert wrong(sent, sent, NOW - timedelta(hours=13)) == []
    assert wrong(sent, sent, NOW - timedelta(hours=15)) == [AGES]
    assert wrong(sent, sent, NOW + timedelta(hours=1)) == [FUTURE]


def test_a_secret_that_was_changed_since_is_named_by_its_file() -> None:
    manifest = json.dumps({"sealed": {"/etc/a": "1", "/etc/b": "1"}})

    (same,) = of_secrets(manifest, {"/etc/a": "1", "/etc/new": "9"})
    (other,) = of_secrets(manifest, {"/etc/a": "1", "/etc/b": "2"})

    assert same.is_true
    assert "/etc/b" in other.found


def test_what_came_back_is_said_and_a_failure_is_never_lost() -> None:
    said = ["put back: /srv/shared", "kept aside: /x", "put back: db, 3 tables with the same rows and sums"]

    well, ill = list(of_restore(said, 0, "")), list(of_restore(said, 1, ""))

    assert len(well) == 2
    assert all(each.is_true for each in well)
    assert [each.found for each in ill if not each.is_true] == ["the restore ended with 1"]


def test_a_drill_that_looked_at_nothing_is_red() -> None:
    nothing = Drill("highbeam", "web1", "vault1", NOW)

    assert not nothing.is_green
    assert nothing.as_data()["result"] == "red"
    assert Drill("highbeam", "web1", "vault1", NOW, (Finding("the page shows"),)).is_green
    assert not Drill("highbeam", "web1", "vault1", NOW, (Finding("a"), Finding("b", "not so"))).is_green
