"""The script that replaces files on a server, run for real on files of this machine."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.bundle import SCRIPT, _archive

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="chown needs root")


@pytest.fixture
def server(tmp_path):
    """A folder that stands for a server's root, and one for its state."""
    (tmp_path / "state").mkdir()
    (tmp_path / "etc").mkdir()
    return tmp_path


def apply(server: Path, *files: File | Directory, removed=(), emptied=()) -> subprocess.CompletedProcess[str]:
    start(server, *files, removed=removed, emptied=emptied)
    return subprocess.run(arguments(server), capture_output=True, text=True, check=False)


def start(server: Path, *files: File | Directory, removed=(), emptied=()) -> None:
    (server / "state/incoming.tar").write_bytes(_archive(files, removed, emptied))


def arguments(server: Path) -> list[str]:
    return ["sh", "-c", SCRIPT.read_text(), "bundle", str(server / "state")]


def leftovers(server: Path) -> list[str]:
    return sorted(str(path.relative_to(server)) for path in server.rglob("*") if "coopinfra-new" in path.name)


def test_new_files_arrive_with_owner_and_mode(server):
    ran = apply(server, Directory(f"{server}/etc/app", mode="0750"), File(f"{server}/etc/app/a", b"one\n", mode="0600"))

    assert ran.returncode == 0, ran.stderr
    assert (server / "etc/app/a").read_bytes() == b"one\n"
    assert (server / "etc/app/a").stat().st_mode & 0o7777 == 0o600
    assert (server / "etc/app").stat().st_mode & 0o7777 == 0o750
    assert leftovers(server) == []


def test_a_refused_file_leaves_every_file_as_it_was(server):
    (server / "etc/a").write_text("old a")
    (server / "etc/b").write_text("old b")

    ran = apply(
        server,
        File(f"{server}/etc/a", b"new a"),
        File(f"{server}/etc/b", b"new b", validate="grep -q good {file}"),
    )

    assert ran.returncode != 0
    assert "refused by: grep -q good" in ran.stderr
    assert ((server / "etc/a").read_text(), (server / "etc/b").read_text()) == ("old a", "old b")
    assert leftovers(server) == []


def test_a_server_that_refuses_the_whole_gets_its_old_files_back_and_loses_the_new_ones(server):
    (server / "etc/a").write_text("old a")
    check = f"test ! -e {server}/etc/new"

    ran = apply(server, File(f"{server}/etc/a", b"new a"), File(f"{server}/etc/new", b"x", validate=check))

    assert ran.returncode != 0
    assert "every file is as it was before" in ran.stderr
    assert (server / "etc/a").read_text() == "old a"
    assert not (server / "etc/new").exists()


def test_a_check_that_accepts_lets_the_whole_pass(server):
    ran = apply(server, File(f"{server}/etc/new", b"x", validate=f"test -e {server}/etc/new"))

    assert ran.returncode == 0, ran.stderr
    assert (server / "etc/new").read_text() == "x"


def test_removed_files_go_and_only_empty_directories(server):
    for name in ("empty", "full"):
        (server / "etc" / name).mkdir()
        (server / "etc" / name / "ours").touch()
    (server / "etc/full/theirs").touch()

    ran = apply(
        server,
        removed=[f"{server}/etc/empty/ours", f"{server}/etc/full/ours"],
        emptied=[f"{server}/etc/empty", f"{server}/etc/full"],
    )

    assert ran.returncode == 0, ran.stderr
    assert not (server / "etc/empty").exists()
    assert [path.name for path in (server / "etc/full").iterdir()] == ["theirs"]


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(server):
    (server / "precious").write_text("precious")
    (server / "etc/a").symlink_to(server / "precious")

    ran = apply(server, File(f"{server}/etc/a", b"ours"))

    assert ran.returncode == 0, ran.stderr
    assert (server / "precious").read_text() == "precious"
    assert not (server / "etc/a").is_symlink()


def test_a_link_that_lies_in_wait_is_neither_written_through_nor_given_away(server):
    (server / "precious").write_text("precious")
    (server / "folder").mkdir()
    before = [(server / name).stat() for name in ("precious", "folder")]
    (server / "etc/a.coopinfra-new").symlink_to(server / "precious")
    (server / "etc/d").symlink_to(server / "folder")

    ran = apply(
        server,
        Directory(f"{server}/etc/d", user="nobody", mode="0777"),
        File(f"{server}/etc/a", b"ours", user="nobody", mode="0666"),
    )

    assert ran.returncode == 0, ran.stderr
    assert (server / "precious").read_text() == "precious"
    after = [(server / name).stat() for name in ("precious", "folder")]
    assert [(one.st_uid, one.st_mode) for one in after] == [(one.st_uid, one.st_mode) for one in before]
    assert (server / "etc/a").read_text() == "ours"
    assert not (server / "etc/d").is_symlink()


def test_a_full_disk_leaves_the_old_files_whole(server):
    disk = server / "etc"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=True)
    try:
        (disk / "a").write_text("old a")
        ran = apply(server, File(f"{disk}/a", b"new a"), File(f"{disk}/big", b"x" * 200_000))

        assert ran.returncode != 0
        assert "No space left" in ran.stderr
        assert sorted(path.name for path in disk.iterdir()) == ["a"]
        assert (disk / "a").read_text() == "old a"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("milliseconds", [1, 5, 10, 20, 40, 80])
def test_killed_at_any_moment_each_file_is_the_old_or_the_new_one_and_the_next_run_finishes(server, milliseconds):
    files = [File(f"{server}/etc/{n}", b"new" * 1000) for n in range(30)]
    for file in files:
        Path(file.path).write_bytes(b"old" * 1000)

    start(server, *files)
    process = subprocess.Popen(arguments(server), start_new_session=True, stderr=subprocess.DEVNULL)
    time.sleep(milliseconds / 1000)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert {Path(file.path).read_bytes() for file in files} <= {b"old" * 1000, b"new" * 1000}
    ran = apply(server, *files)
    assert ran.returncode == 0, ran.stderr
    assert {Path(file.path).read_bytes() for file in files} == {b"new" * 1000}
    assert leftovers(server) == []


@pytest.mark.parametrize("path", ["etc/a", "/etc/../a", "/etc/a b", "/etc/$(id)", "/etc//a", "/etc/a\n", "/etc/'a"])
def test_paths_that_a_shell_could_misread_are_refused(path):
    with pytest.raises(ValueError, match="not absolute and plain"):
        File(path, b"")
