"""When nothing may be removed: forged times, floods, gaps; and what the rule itself would do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from coopinfra.deploy.backups.pruning import read_arrivals, read_forget, reasons_not_to
from coopinfra.deploy.backups.snapshots import Snapshot

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def snapshot(number: int, **ago: float) -> Snapshot:
    return Snapshot(f"{number:064x}", NOW - timedelta(**ago), "web1", "vault1", 1, 1)


DAILY = tuple(snapshot(day, days=day, minutes=5) for day in range(40))


def reasons(snapshots, came=None, every=24):
    times = {each.id: each.time.timestamp() + 60 for each in snapshots} | (came or {})
    return list(reasons_not_to(snapshots, times, NOW, every))


def test_backups_that_came_when_they_say_may_be_pruned():
    assert reasons(DAILY) == []


@pytest.mark.parametrize(
    ("forged", "came", "said"),
    [
        (snapshot(99, days=-60), NOW, "which is in the future"),
        (snapshot(99, minutes=-6), NOW, "which is in the future"),
        (snapshot(99, days=9, hours=-11), NOW, "and came at 2026-11-25 12:00 UTC"),
        (snapshot(99, days=1, hours=1), NOW, "and came at 2026-11-25 12:00 UTC"),
        (snapshot(99, hours=1), NOW - timedelta(hours=2), "and came at 2026-11-25 10:00 UTC"),
    ],
)
def test_one_that_cannot_be_what_it_says_stops_everything(forged, came, said):
    (found,) = reasons((*DAILY, forged), {forged.id: came.timestamp()})

    assert said in found
    assert forged.id[:8] in found


def test_a_clock_that_is_off_by_minutes_and_a_backup_that_takes_a_day_stop_nothing():
    fast, slow = snapshot(98, minutes=-4), snapshot(99, hours=25)

    assert reasons((*DAILY, fast, slow), {slow.id: (NOW - timedelta(hours=2)).timestamp()}) == []


def test_one_that_the_keeper_does_not_know_stops_everything():
    assert "knows of none" in next(reasons_not_to(DAILY[:1], {}, NOW, 24))


@pytest.mark.parametrize(
    ("snapshots", "every", "said"),
    [
        ((), 24, "there is no backup"),
        (tuple(snapshot(number, minutes=number * 10 + 1) for number in range(500)), 24, "500 backups"),
        (DAILY, 2, "7 backups were made in the last 7 days, and 84 should be"),
        (DAILY[8:], 24, "0 backups were made in the last 7 days, and 7 should be"),
    ],
)
def test_more_or_fewer_than_are_made_stop_everything(snapshots, every, said):
    assert any(said in each for each in reasons(snapshots, every=every))


def test_a_server_of_yesterday_has_few():
    assert reasons(DAILY[:2]) == []


def test_what_restic_would_remove_is_read_from_all_groups():
    text = json.dumps([{"remove": [{"id": DAILY[3].id}]}, {"remove": None}])

    found = read_forget(text, DAILY)

    assert found.goes == (DAILY[3],)
    assert len(found.stays) == 39
    assert read_forget("null", DAILY).goes == ()
    assert read_arrivals(f"{DAILY[0].id} 1764072000.5\n") == {DAILY[0].id: 1764072000.5}
