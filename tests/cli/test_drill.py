"""`coopinfra backup drill`, as it is typed: whom it drills, and that a red one stops no other; boxes are a stand-in."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from coopinfra.deploy.backups.findings import Drill, Finding, of_promise
from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.jobs import drill
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.places import SHIPPED
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.make import make_plan
from entry import run_command
from test_backup import ORG

NOW = datetime.now(UTC)
NAMES = ("highbeam", "lowtide", "nightowl")


@pytest.fixture
def inventories(tmp_path, monkeypatch):
    """Three organisations with backups, and one without."""
    folder = tmp_path / "inventories"
    shutil.copytree(SHIPPED, folder)
    for name in (*NAMES, "plain"):
        (folder / name).mkdir(exist_ok=True)
        text = ORG if name != "plain" else ORG.replace("{backups: {to: [vault1]}}", "{}")
        (folder / name / "org.yml").write_text(text.replace("highbeam.example", f"{name}.example"))
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(folder))
    return folder


@pytest.fixture
def outcomes(monkeypatch):
    """What a drill of each organisation comes to: a finding, or an error."""
    found = dict.fromkeys(NAMES, "")

    def keep(name):
        org = load_named(name)
        return SimpleNamespace(org=org, plan=make_plan(org))

    def one(kept, copy, report):
        if isinstance(found[kept.org.id], Exception):
            raise found[kept.org.id]
        findings = (Finding("all came back", found[kept.org.id]),)
        return Drill(kept.org.id, copy.server.server.id, copy.kept.place, NOW, findings, minutes=2)

    monkeypatch.setattr(drill, "_one", one)
    monkeypatch.setattr(drill, "keep", keep)
    monkeypatch.setattr(drill, "write", lambda plan, _: SimpleNamespace(path=f"{plan.organisation.id}/drill-1.json"))
    monkeypatch.setattr(drill, "require_plugged_in", lambda _: None)
    monkeypatch.setattr(drill.host, "require", lambda *_: None)
    monkeypatch.setattr("coopinfra.deploy.jobs.fleet.find_identity", lambda _: None)
    return found


@pytest.fixture
def coopinfra(inventories, outcomes, monkeypatch, capsys):
    return lambda *words: run_command(monkeypatch, capsys, "backup", "drill", *words)


def _receipt(folder, days, result="green"):
    data = {"server": "web1", "began": (NOW - timedelta(days=days)).isoformat(), "result": result, "minutes": 2}
    folder.mkdir()
    (folder / "drill-1.json").write_text(json.dumps(data))


def test_all_are_drilled_also_after_a_red_one_and_one_that_cannot_be(coopinfra, outcomes):
    outcomes["highbeam"] = "a table is missing"
    outcomes["lowtide"] = InputError(Problem("no identity reads its secrets"))

    code, out, err = coopinfra("--all", "--json")

    assert code == 2, "the worst of all counts"
    assert [(each["organisation"], each["result"]) for each in json.loads(out)] == [
        ("highbeam", "red"),
        ("nightowl", "green"),
    ]
    assert "RED: all came back: a table is missing" in err
    assert "error: no identity reads its secrets" in err
    assert err.endswith("2 servers drilled, 1 red: highbeam/web1; 1 could not be drilled\n")


def test_where_all_came_back_it_ends_with_0(coopinfra):
    code, _, err = coopinfra("--all")

    assert code == 0
    assert err.endswith("3 servers drilled, 0 red\n")


def test_those_are_due_that_nobody_tried_lately_or_that_were_red(coopinfra, inventories):
    _receipt(inventories / "highbeam/receipts", 34)
    _receipt(inventories / "lowtide/receipts", 35)
    _receipt(inventories / "nightowl/receipts", 1, "red")

    code, out, _ = coopinfra("--due", "--json")
    alone = coopinfra("highbeam", "--due")

    assert code == 0
    assert [each["organisation"] for each in json.loads(out)] == ["lowtide", "nightowl"]
    assert alone[0] == 0
    assert "nothing was due" in alone[2]


@pytest.fixture
def disk(inventories):
    org = inventories / "highbeam/org.yml"
    org.write_text(org.read_text().replace("[web1]}", "[web1], disk: drawer}"))


@pytest.mark.parametrize(
    ("words", "place"),
    [((), "vault1"), (("--place", "drawer"), "vault1/drawer"), (("--place", "vault1/drawer"), "vault1/drawer")],
)
@pytest.mark.usefixtures("disk")
def test_a_disk_is_drilled_by_its_label(coopinfra, words, place):
    code, out, _ = coopinfra("highbeam", *words, "--json")

    assert code == 0
    assert [each["place"] for each in json.loads(out)] == [place]


@pytest.mark.usefixtures("disk")
def test_a_disk_that_is_not_plugged_in_is_an_error_and_leaves_no_receipt(coopinfra, monkeypatch):
    def missing(_):
        raise ServerError(Problem("vault1: the disk drawer is not plugged in"))

    written = []
    monkeypatch.setattr(drill, "write", lambda *words: written.append(words))
    monkeypatch.setattr(drill, "require_plugged_in", missing)

    code, out, err = coopinfra("highbeam", "--place", "drawer", "--json")

    assert (code, json.loads(out), written) == (3, [], [])
    assert "the disk drawer is not plugged in" in err


@pytest.mark.usefixtures("disk")
def test_a_place_that_is_not_there_is_refused_with_those_that_are(coopinfra):
    code, _, err = coopinfra("highbeam", "--place", "shelf")

    assert code == 2
    assert "there are `vault1`, `vault1/drawer`" in err


@pytest.mark.parametrize("words", [(), ("highbeam", "--all")])
def test_it_has_to_be_clear_whom_to_drill(coopinfra, words):
    code, _, err = coopinfra(*words)

    assert code == 2
    assert "it is not clear whom to drill" in err


@pytest.mark.parametrize(("minutes", "found"), [(239, ""), (241, "it took 4 hours"), (60, "")])
def test_who_is_back_too_late_has_not_kept_the_promise(minutes, found):
    (finding,) = of_promise(minutes, timedelta(hours=4))

    assert finding == Finding("the server was back within 4 hours, as promised", found)
    assert not list(of_promise(minutes, None))
