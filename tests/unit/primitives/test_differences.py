"""What differs between a plan and a server, from the texts that servers print."""

import json
import os
import subprocess

import pytest

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Release, Unit, User
from coopinfra.roles.primitives.file_states import ServerFiles, files_that_differ
from coopinfra.roles.primitives.manifest import Manifest, digest, manifest_of, manifest_path, read_manifest
from coopinfra.roles.primitives.packages import PackageStates, packages_missing
from coopinfra.roles.primitives.release_scripts import parse_releases
from coopinfra.roles.primitives.releases import release_change
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.unit_states import UnitStates
from coopinfra.roles.primitives.units import units_that_differ
from coopinfra.roles.primitives.users import UserStates, users_that_differ


def words(pairs):
    return [str(change) for _, change in pairs]


def test_a_file_differs_by_content_owner_mode_and_kind():
    same = digest(b"same")
    output = [
        *Manifest().text().splitlines(),
        "=",
        "0644|root|root|regular file|100|/same",
        "0600|ada|root|regular file|100|/owned",
        "0755|root|root|directory|100|/kind",
        "=",
        f"{same}  /same",
        f"{same}  /owned",
    ]
    files = [File(path, b"same") for path in ("/same", "/owned", "/kind", "/absent")]

    differing = files_that_differ(files, ServerFiles().process(output))

    assert words(differing) == [
        "change file /owned (owner ada:root, mode 0600)",
        "change file /kind (is a directory, content, mode 0755)",
        "create file /absent",
    ]


def test_a_server_without_a_manifest_and_without_the_files_wants_them_all():
    found = ServerFiles().process(["", "=", "="])

    assert words(files_that_differ([Directory("/d"), File("/d/f", b"")], found)) == [
        "create directory /d",
        "create file /d/f",
    ]


def test_an_empty_file_is_a_file():
    found = ServerFiles().process(["", "=", "0644|root|root|regular empty file|100|/f", "=", f"{digest(b'')}  /f"])

    assert files_that_differ([File("/f", b"")], found) == ()


def test_services_and_timers_whose_own_files_go_are_known():
    folder = "/etc/systemd/system"
    names = ("a.service", "a@job.timer", "t@.service", "mariadb.service.d/coopinfra.conf", "a.socket")
    written = manifest_of([File(f"{folder}/{name}", b"") for name in names] + [File("/usr/b.service", b"")], (), (), ())

    assert written.unit_files == ("a.service", "a@job.timer")


def test_what_the_last_deploy_wrote_is_looked_at_though_nobody_declares_it(tmp_path):
    """Somebody who leaves a shared machine declares nothing; what the others still have is not gone for that."""
    wrote = [Directory(f"{tmp_path}/folder"), File(f"{tmp_path}/file", b"here"), File(f"{tmp_path}/gone", b"")]
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("here")
    (tmp_path / "manifest.json").write_text(manifest_of(wrote, (), (), ()).text())
    command = (
        ServerFiles()
        .command("highbeam", (str(tmp_path),))
        .replace(manifest_path("highbeam"), f"{tmp_path}/manifest.json")
    )

    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    found = ServerFiles().process(ran.stdout.splitlines()).paths

    assert {path: each.kind for path, each in found.items()} == {
        str(tmp_path): "directory",
        f"{tmp_path}/folder": "directory",
        f"{tmp_path}/file": "regular file",
    }
    assert found[f"{tmp_path}/file"].digest == digest(b"here")


def test_what_the_last_deploy_wrote_and_nobody_declares_is_removed():
    old = manifest_of([File("/kept", b""), File("/gone", b"", access=True)], [User("ada"), User("eve")], (), ())
    new = manifest_of([File("/kept", b"")], [User("ada")], (), ())

    gone = old.without(new)

    assert (tuple(gone.files), gone.access, gone.users) == (("/gone",), ("/gone",), ("eve",))
    assert new.without(new) == Manifest(), "the control: what is still declared stays"


def test_a_manifest_of_the_first_release_can_be_read():
    text = manifest_of([File("/kept", b"", access=True)], (), (), ()).text()
    first = json.loads(text)
    del first["access"]

    assert tuple(read_manifest(json.dumps(first)).files) == ("/kept",)


def test_while_a_deploy_runs_the_manifest_knows_the_old_and_the_new():
    old = manifest_of([File("/old", b"")], [User("ada")], [], [])
    new = manifest_of([File("/new", b"")], [], [Unit("a.service")], [Release("main", "/srv/a")])

    both = read_manifest(old.joined(new).text())

    assert set(both.files) == {"/old", "/new"}
    assert (both.users, both.units, both.releases) == (("ada",), ("a.service",), ("/srv/a",))
    assert not both.finished


def test_a_broken_manifest_removes_nothing():
    for text in ("", "{", "[]", '{"files": 1}', '{"files": {"/etc/passwd": "x"}}'):
        assert read_manifest(text) == Manifest()


def test_packages_are_missing_unless_installed_whole():
    installed = PackageStates().process(["nginx installed", "certbot config-files", "sudo half-installed"])

    assert [change.subject for change in packages_missing(["nginx", "certbot", "sudo", "git"], installed)] == [
        "certbot",
        "git",
        "sudo",
    ]


def test_users_differ_by_name_home_shell_and_groups():
    found = UserStates().process(
        [
            "ada:x:1000:1000:Ada L:/home/ada:/bin/bash",
            "ada operators",
            "eve:x:1001:1001:,,,:/home/eve:/bin/sh",
            "eve sudo",
        ]
    )
    people = [
        User(name, full, ("operators",), "/bin/bash", f"/home/{name}", system=False)
        for name, full in (("ada", "Ada L"), ("eve", ""), ("new", "New"))
    ]

    assert words(users_that_differ(people, found)) == ["change user eve (shell, groups)", "create user new"]


EVIDENCE = {
    "Stamp": "stamp {} /run/coopinfra/units/nginx.service",
    "Newest": "newest {} /etc/nginx",
    "Definition": "definition {} /lib/nginx.service",
    "Program": "program {} /proc/7/exe",
}


def unit(**properties):
    block = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "UnitFileState": "enabled",
        "ActiveEnterTimestamp": "@100",
        "ConditionTimestamp": "@100",
        "ConditionResult": "yes",
        "NeedDaemonReload": "no",
        "FragmentPath": "/lib/nginx.service",
        "MainPID": "7",
        "Newest": "90.5",
        "Definition": "80.5",
        "Program": "/usr/sbin/nginx",
        **properties,
    }
    lines = ["Name=nginx.service", "reads nginx.service /etc/nginx"]
    lines += [EVIDENCE[key].format(value) if key in EVIDENCE else f"{key}={value}" for key, value in block.items()]
    return UnitStates().process(lines)


def test_the_evidence_is_gathered_for_each_unit(tmp_path, monkeypatch):
    for name in ("a.service", "a.conf", "old", "folder"):
        (tmp_path / name).touch() if name != "folder" else (tmp_path / name).mkdir()
    (tmp_path / "folder/new").touch()
    shown = f"""LoadState=loaded
ActiveState=active
FragmentPath={tmp_path}/a.service
DropInPaths={tmp_path}/a.conf
MainPID={os.getpid()}

LoadState=not-found
ActiveState=inactive
MainPID=0
"""
    (tmp_path / "shown").write_text(shown)
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\ncat {tmp_path}/shown\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    units = (("a.service", (f"{tmp_path}/old", f"{tmp_path}/folder", f"{tmp_path}/missing")), ("b.service", ()))

    said = subprocess.run(
        ["sh", "-c", UnitStates.command(UnitStates(), units)], capture_output=True, text=True, check=True
    )
    found = UnitStates().process(said.stdout.splitlines())

    assert found["a.service"].newest_change == pytest.approx((tmp_path / "folder/new").stat().st_ctime, abs=1e-5)
    assert found["a.service"].definition_changed == pytest.approx((tmp_path / "a.conf").stat().st_ctime, abs=1e-5)
    assert found["a.service"].loaded
    assert not found["a.service"].program_replaced
    assert (found["b.service"].loaded, found["b.service"].newest_change) == (False, 0)


def act(found, **options):
    return words(units_that_differ([Unit("nginx.service", reads=("/etc/nginx",), **options)], found))


def test_a_unit_that_runs_newer_than_its_files_is_left_alone():
    assert act(unit()) == []


def test_a_unit_older_than_its_files_is_reloaded_or_restarted():
    assert act(unit(Newest="100.7")) == ["restart unit nginx.service (it runs older than its files)"]
    assert act(unit(Newest="100.7"), reload=True) == ["reload unit nginx.service (it runs older than its files)"]


def test_our_own_reload_counts_as_new():
    assert act(unit(Newest="100.7", Stamp="100.9")) == []


def test_a_replaced_program_is_restarted_even_where_a_reload_would_do():
    found = unit(Program="/usr/sbin/nginx (deleted)")

    assert act(found, reload=True) == ["restart unit nginx.service (its program was replaced)"]


def test_a_changed_definition_is_restarted_also_when_systemd_has_read_it_already():
    assert act(unit(Definition="100.7"), reload=True) == ["restart unit nginx.service (its unit file changed)"]


def test_a_unit_that_is_absent_or_stopped_is_started():
    assert act(unit(LoadState="not-found", ActiveState="inactive")) == ["start unit nginx.service"]
    assert act(unit(ActiveState="failed")) == ["start unit nginx.service"]


def test_a_unit_whose_condition_says_no_is_fine_once_it_was_asked():
    assert act(unit(ActiveState="inactive", ConditionResult="no")) == []
    assert act(unit(ActiveState="inactive", ConditionResult="no", ConditionTimestamp="")) == [
        "start unit nginx.service"
    ]


def test_a_release_is_published_unless_it_is_served():
    release, source = Release("main", "/srv/main"), Source("abc", ())

    assert release_change(release, source, parse_releases(["/srv/main abc abc old"])) is None
    assert "abc replaces old" in str(release_change(release, source, parse_releases(["/srv/main old abc old"])))
    assert release_change(release, source, parse_releases(["/srv/main -"])) is not None
