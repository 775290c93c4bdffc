"""Commands that need root ask sudo for it."""

import os
import shutil
import sys

import pytest

from coopinfra.cli.root import become_root


@pytest.fixture
def started(monkeypatch):
    """What would be started in our place, by an ordinary user of a machine with sudo."""
    found = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "execvp", lambda _file, argv: found.append(argv))
    monkeypatch.setattr(sys, "argv", ["coopinfra", "lab", "up", "x"])
    return found


def test_an_ordinary_user_is_asked_by_sudo_and_keeps_home_and_inventories(started):
    become_root()

    (argv,) = started
    assert argv[0] == "sudo"
    assert {"HOME", "COOPINFRA_INVENTORIES"} <= set(argv[1].partition("=")[2].split(","))
    assert argv[-5:] == ["-m", "coopinfra.cli.main", "lab", "up", "x"]


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(os, "geteuid", lambda: 0),
        lambda patch: patch.setattr(shutil, "which", lambda name: None),
        lambda patch: patch.setattr(sys, "argv", ["coopinfra", "lab", "up", "--help"]),
    ],
    ids=["root", "no sudo", "help"],
)
def test_nobody_is_asked_who_need_not_be(started, monkeypatch, change):
    change(monkeypatch)

    become_root()

    assert started == []
