"""The scripts that publish a release, run for real in a folder of this machine."""

import io
import os
import subprocess
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.release_scripts import (
    ReleasesFound,
    activate_command,
    parse_releases,
    publish_command,
    releases_command,
    serve_command,
)
from coopinfra.roles.primitives.source import Source


@pytest.fixture
def release(tmp_path: Path) -> Release:
    # The server's tools; a folder of pytest's may have characters that no path of ours has.
    link = Path("/tmp") / f"coopinfra-releases-{os.getpid()}"
    link.symlink_to(tmp_path)
    try:
        yield Release("main", str(link), folder="unused", keep=2)
    finally:
        link.unlink()


def upload(release: Release, **files: str) -> None:
    (Path(release.path) / "releases").mkdir(exist_ok=True)
    with tarfile.open(Path(release.path) / "incoming.tar", "w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)


def publish(release: Release, identifier: str, **files: str) -> subprocess.CompletedProcess[str]:
    upload(release, **files)
    made = run(publish_command(release, identifier))
    return run(serve_command(release, identifier)) if made.returncode == 0 else made


def state(release: Release) -> tuple[str, list[str]]:
    found = parse_releases(run(releases_command([release.path])).stdout.splitlines())[release.path]
    return found.current, sorted(found.kept)


def served(release: Release, name: str) -> str:
    return (Path(release.path) / "current" / name).read_text()


def test_a_release_is_served_once_it_is_whole_and_the_oldest_is_forgotten(release):
    for identifier in ("one", "two", "three"):
        assert publish(release, identifier, page=identifier).returncode == 0

    assert served(release, "page") == "three"
    assert state(release) == ("three", ["three", "two"])


def test_files_are_as_old_as_their_release_and_not_of_1970_as_their_archive_says(release):
    before = int(time.time())
    publish(release, "one", page="one")

    with tarfile.open(fileobj=Source("two", (("page", Path(release.path) / "current/page"),)).archive()) as archive:
        assert archive.getmember("page").mtime == 0, "the control"
    assert (Path(release.path) / "current/page").stat().st_mtime >= before


def test_going_back_is_one_step(release):
    publish(release, "one", page="one")
    publish(release, "two", page="two")

    assert run(activate_command(release.path, "one")).returncode == 0
    assert served(release, "page") == "one"


def found(release: Release) -> ReleasesFound:
    return parse_releases(run(releases_command([release.path])).stdout.splitlines())[release.path]


def test_a_link_that_we_did_not_make_is_seen_and_ours_are_not(release, tmp_path):
    publish(release, "one", page="one")
    publish(release, "two", page="two")
    run(activate_command(release.path, "one"))
    upload(release, page="three")
    run(publish_command(release, "three"))
    assert found(release).is_as_left, "the control: also where an upload was never served"

    for target in ("releases/two", str(tmp_path), "nowhere"):
        run(f"ln -sfn {target} {release.path}/current")
        assert not found(release).is_as_left, target


@pytest.mark.parametrize(("step", "says"), [("build", "it could not be built"), ("trial", "it did not pass its trial")])
def test_a_release_that_fails_never_is_and_the_one_before_stays(release, step, says):
    publish(release, "one", page="one")
    before = Path(f"{release.path}/releases/one").stat()

    refused = publish(replace(release, **{step: "false"}), "two", page="two")

    assert refused.returncode == 1
    assert f"{says}; the release before is served still" in refused.stderr
    assert served(release, "page") == "one"
    assert state(release) == ("one", ["one"])
    assert not (Path(release.path) / "releases/.incoming").exists()
    assert Path(f"{release.path}/releases/one").stat() == before


def test_what_is_built_is_what_is_tried_and_served(release, tmp_path):
    build, trial = tmp_path / "build", tmp_path / "trial"
    build.write_text('set -e\necho "built of $(cat "$1/page") as $2" >"$1/built"\n')
    trial.write_text('grep -q "built of two as two" "$1/built"\n')
    whole = replace(release, build=f"sh {build}", trial=f"sh {trial}")

    assert publish(whole, "two", page="two").returncode == 0
    assert served(release, "built") == "built of two as two\n"
    assert publish(whole, "three", page="three").returncode == 1
    assert state(release)[0] == "two"


@pytest.mark.parametrize(("reads", "mode"), [(False, 0o755), (True, 0o750)])
def test_what_one_group_alone_may_read_is_shut_to_all_others(release: Release, reads: bool, mode: int) -> None:
    group = str(os.getgid()) if reads else ""

    publish(replace(release, reader=group), "r1", **{"a.txt": "a"})

    there = Path(release.path) / "releases/r1"
    assert there.stat().st_mode & 0o777 == mode
    assert (there / "a.txt").stat().st_mode & 0o777 == mode & 0o666
