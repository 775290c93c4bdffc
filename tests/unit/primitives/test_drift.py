"""What others changed on a server since the last deploy, and who: from the texts that servers print."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Port, Release, Unit, User
from coopinfra.roles.primitives.additions import SCRIPT, ServerAdditions, unexpected
from coopinfra.roles.primitives.culprits import SudoLog, with_culprits
from coopinfra.roles.primitives.drift import Drift, since_last_deploy
from coopinfra.roles.primitives.file_states import FilesFound, Found
from coopinfra.roles.primitives.manifest import Manifest, digest, manifest_of, read_manifest
from coopinfra.roles.primitives.neighbours import Neighbours
from coopinfra.roles.primitives.packages import PackageCandidates, packages_missing
from coopinfra.roles.primitives.release_scripts import parse_releases
from coopinfra.roles.primitives.unit_states import UnitFound
from coopinfra.roles.primitives.units import units_that_will
from coopinfra.roles.primitives.users import UserFound

ADA = User("ada", "Ada", ("operators",), "/bin/bash", "/home/ada", system=False)
LEFT = manifest_of(
    [File("/etc/a", b"deployed"), Directory("/etc/d")],
    [ADA],
    [Unit("nginx.service")],
    [Release("main", "/srv/main", folder="main")],
    ports=[Port(443)],
    baseline=("key /root/.ssh/authorized_keys aa",),
)
FILE = Found("0644", "root", "root", "regular file", digest(b"deployed"), 100)
FOLDER = Found("0755", "root", "root", "directory", "", 100)
FINE = UnitFound(True, True, True, False, False, 1, 0, 0, False, "active")
NOBODY = Neighbours()
THERE = UserFound("Ada", "/home/ada", "/bin/bash", frozenset({"operators"}))


def drift(manifest=LEFT, *, file=FILE, folder=FOLDER, user=THERE, unit=FINE, release="new new old", neighbours=NOBODY):
    paths = {path: each for path, each in (("/etc/a", file), ("/etc/d", folder)) if each}
    users, units = {"ada": user} if user else {}, {"nginx.service": unit} if unit else {}
    releases = parse_releases([f"/srv/main {release}"])
    return [str(each) for each in since_last_deploy(FilesFound(manifest, paths), users, units, releases, neighbours)]


def test_a_server_that_is_as_the_last_deploy_left_it_has_no_drift():
    assert drift() == []


def test_a_file_drifts_by_content_rights_and_absence():
    assert drift(file=replace(FILE, digest=digest(b"by hand"))) == ["file /etc/a (content)"]
    assert drift(file=replace(FILE, mode="0666")) == ["file /etc/a (root:root 0666, was root:root 0644)"]
    assert drift(file=None, folder=None) == ["file /etc/a (removed)", "directory /etc/d (removed)"]
    assert drift(folder=replace(FOLDER, user="ada")) == ["directory /etc/d (ada:root 0755, was root:root 0755)"]


def test_a_site_drifts_by_the_release_that_its_link_leads_to():
    assert drift(release="old new old") == ["release /srv/main/current (old is served, was new)"]
    assert drift(release="/tmp/new new old") == ["release /srv/main/current (/tmp/new is served, was new)"]
    assert drift(release="- new old") == ["release /srv/main/current (nothing is served, was new)"]
    assert drift(release="-") == ["release /srv/main/current (nothing is served)"]


def test_a_site_that_people_push_has_not_drifted_before_they_have():
    waits = replace(LEFT, directories=("/srv/main/releases",))

    def found(release):
        return [each for each in drift(waits, release=release) if each.startswith("release")]

    assert found("-") == []
    assert found("- new old") == ["release /srv/main/current (nothing is served, was new)"]


def test_after_an_interrupted_deploy_nobody_knows_what_was_changed_by_hand():
    assert drift(replace(LEFT, finished=False), file=None) == []


def test_an_account_drifts_by_groups_and_shell_and_absence():
    with_sudo = replace(THERE, groups=frozenset({"operators", "sudo"}))

    assert drift(user=with_sudo) == ["account ada (/bin/bash in operators,sudo, was /bin/bash in operators)"]
    assert drift(user=replace(THERE, shell="/bin/sh")) == [
        "account ada (/bin/sh in operators, was /bin/bash in operators)"
    ]
    assert drift(user=None) == ["account ada (removed)"]


def test_a_unit_drifts_when_it_was_stopped_disabled_or_masked():
    stopped = replace(FINE, active=False, state="inactive")

    assert drift(unit=stopped) == ["unit nginx.service (inactive)"]
    assert drift(unit=replace(stopped, loaded=False, state="masked")) == ["unit nginx.service (masked)"]
    assert drift(unit=replace(FINE, enabled=False)) == ["unit nginx.service (disabled)"]
    assert drift(unit=replace(stopped, condition_failed=True)) == []


def test_a_manifest_of_an_older_release_tells_what_it_knows():
    old = Manifest(files={"/etc/a": digest(b"deployed")}, users=("ada",), units=("nginx.service",))

    assert drift(old, file=replace(FILE, mode="0600"), user=None) == []
    assert drift(old, file=replace(FILE, digest="x")) == ["file /etc/a (content)"]


def test_what_a_manifest_keeps_comes_back():
    assert read_manifest(LEFT.text()) == LEFT
    assert read_manifest(Manifest().text()).baseline is None


def additions(states=(), **given):
    names = ("sums", "packaged", "people", "groups", "sockets", "units")
    sections = (states, *(given.pop(name, ()) for name in names))
    assert not given
    return ServerAdditions().process([line for section in sections for line in (*section, "=")][:-1])


def named(found, old=LEFT, new=LEFT, neighbours=NOBODY):
    return [str(each) for each in unexpected(found, old, new, [ADA], neighbours)]


def file(path, owner="root", target=""):
    kind, leads = ("symbolic link", f" -> '{target}'") if target else ("regular file", "")
    return f"100|{owner}|{kind}|'{path}'{leads}"


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/home/eve/.ssh/authorized_keys2", "key"),
        ("/etc/ssh/authorized_keys.d/eve", "key"),
        ("/etc/sudoers.d/eve", "sudo rule"),
        ("/etc/cron.daily/eve", "cron job"),
        ("/var/spool/cron/crontabs/root", "cron job"),
        ("/etc/systemd/system/eve.timer", "unit"),
        ("/usr/lib/systemd/system/eve.service", "unit"),
    ],
)
def test_what_nobody_declared_is_named(path, what):
    assert named(additions([file(path)])) == [f"{what} {path} (owned by root)"]


def test_what_is_declared_a_packages_or_was_there_before_is_not_named():
    found = additions(
        [
            file("/etc/a"),
            file("/etc/cron.d/certbot"),
            file("/root/.ssh/authorized_keys"),
            file("/etc/systemd/system/x.wants/nginx.service", target="/usr/lib/systemd/system/nginx.service"),
            file("/etc/systemd/system/x.wants/a.service", target="/etc/a"),
        ],
        sums=["aa  /root/.ssh/authorized_keys"],
        packaged=["/etc/cron.d/certbot: OK"],
    )

    assert named(found) == []


def test_what_was_there_before_and_was_changed_since_is_named():
    found = additions([file("/root/.ssh/authorized_keys")], sums=["bb  /root/.ssh/authorized_keys"])

    assert named(found) == ["key /root/.ssh/authorized_keys (owned by root)"]


def test_a_packages_file_that_was_changed_is_named():
    found = additions([file("/etc/sudoers")], packaged=["/etc/sudoers: FAILED"])

    assert named(found) == ["sudo rule /etc/sudoers (not as its package brought it)"]


def test_a_link_that_starts_something_of_somebodys_is_named():
    found = additions([file("/etc/systemd/system/x.wants/x.service", target="/home/eve/x.service")])

    assert named(found) == ["unit /etc/systemd/system/x.wants/x.service (leads to /home/eve/x.service)"]


def test_a_name_with_a_line_break_cannot_pass_for_another():
    found = additions(["100|root|regular file|'/etc/cron.d/a'$'\\n''100|root|regular file|'"])

    assert len(named(found)) == 1


def test_whoever_is_as_good_as_root_or_among_the_operators_and_not_declared_is_named():
    found = additions(
        people=["root:0:0", "ada:1000:1000", "toor:0:1001", "eve:1002:27"],
        groups=[
            "root:x:0:",
            "sudo:x:27:",
            "operators:x:990:ada,mallory",
            "ada:x:1000:",
            "toor:x:1001:",
            "video:x:44:eve",
        ],
    )

    assert named(found) == ["account mallory (operators)", "account toor (uid 0)", "account eve (sudo)"]


def socket(protocol, address, process, pid):
    return f'{protocol} LISTEN 0 128 {address} 0.0.0.0:* users:(("{process}",pid={pid},fd=3))'


def test_a_listener_is_named_unless_it_is_declared_a_packages_or_for_this_machine_alone():
    found = additions(
        sockets=[
            socket("tcp", "0.0.0.0:443", "nginx", 1),
            socket("tcp", "0.0.0.0:4444", "nginx", 1),
            socket("tcp", "127.0.0.1:9000", "perl", 2),
            socket("tcp", "[::1]:9000", "perl", 2),
            socket("udp", "0.0.0.0:68", "systemd-network", 3),
            socket("tcp", "*:8080", "perl", 2),
            socket("tcp", "0.0.0.0:443", "nc", 4),
            socket("tcp", "127.0.0.53%lo:53", "resolved", 3),
        ],
        units=["1 package nginx.service", "2 hand listener.service", "3 package systemd-networkd.service"],
    )

    assert named(found) == [
        "listener tcp 0.0.0.0:4444 (nginx in nginx.service)",
        "listener tcp *:8080 (perl in listener.service)",
        "listener tcp 0.0.0.0:443 (nc in no unit)",
    ]


def test_what_waits_is_expected_as_much_as_what_was_deployed():
    found = additions(
        [file("/etc/a")], sockets=[socket("tcp", "0.0.0.0:443", "nginx", 1)], units=["1 package nginx.service"]
    )

    assert named(found, new=Manifest()) == []
    assert named(found, old=Manifest()) == []
    assert len(named(found, old=replace(LEFT, ports=()), new=replace(LEFT, ports=()))) == 1


def test_what_a_neighbour_has_is_expected_and_what_nobody_has_is_not():
    found = additions(
        [file("/etc/cron.d/theirs"), file("/etc/cron.d/noted")],
        sums=["aa  /etc/cron.d/noted"],
        sockets=[socket("tcp", "0.0.0.0:25", "master", 1)],
        units=["1 hand theirs.service"],
    )
    theirs = manifest_of(
        [File("/etc/cron.d/theirs", b"")],
        [],
        [Unit("theirs.service")],
        [],
        ports=[Port(25)],
        baseline=("cron job /etc/cron.d/noted aa",),
    )

    assert named(found, neighbours=Neighbours({"birch": theirs})) == []
    assert len(named(found)) == 3


def test_a_file_that_several_have_may_be_as_the_last_deploy_of_any_of_them_left_it():
    newer = replace(LEFT, files={"/etc/a": digest(b"newer")})
    neighbours = Neighbours({"birch": newer})
    changed, stranger = replace(FILE, digest=digest(b"newer")), replace(FILE, digest=digest(b"by hand"))

    assert drift(file=changed, neighbours=neighbours) == []
    assert drift(file=changed) == ["file /etc/a (content)"]
    assert drift(file=stranger, neighbours=neighbours) == ["file /etc/a (content)"]
    assert drift(file=replace(changed, mode="0666"), neighbours=neighbours) == [
        "file /etc/a (content, root:root 0666, was root:root 0644)"
    ]


def test_a_deploy_notes_what_was_there_only_once():
    found = additions([file("/etc/cron.d/eve")], sums=["aa  /etc/cron.d/eve"])
    first = unexpected(found, Manifest(), Manifest(), [], NOBODY)

    noted = found.noted(first)

    assert noted == ("cron job /etc/cron.d/eve aa",)
    assert named(found, old=replace(LEFT, baseline=noted)) == []
    assert named(found, old=replace(LEFT, baseline=())) == ["cron job /etc/cron.d/eve (owned by root)"]


def test_the_script_that_looks_is_sound():
    assert subprocess.run(["sh", "-n", SCRIPT], check=False).returncode == 0
    assert "mktemp" not in Path(SCRIPT).read_text(), "it reads only"


LOG = SudoLog().process(
    [
        "1000.5 sudo[1]:      ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/usr/bin/vim /etc/a",
        "1030.5 sudo[2]:    bruno : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/apt update",
        "1040.5 sudo[3]:    bruno : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/systemctl stop nginx",
        "1040.6 sudo[3]: pam_unix(sudo:session): session opened for user root(uid=0) by bruno(uid=1001)",
    ]
)


def by(what, subject, at=0.0):
    return with_culprits([Drift(what, subject, "", at)], LOG)[0].by


def test_who_named_the_thing_is_named_and_else_who_was_there_shortly_before():
    assert by("file", "/etc/a", 1060) == "changed 1970-01-01 00:17 UTC; ada ran `sudo vim /etc/a` a minute before"
    assert (
        by("file", "/etc/ab", 1041)
        == "changed 1970-01-01 00:17 UTC; bruno ran `sudo systemctl stop nginx` right before"
    )
    assert by("unit", "nginx.service") == "bruno ran `sudo systemctl stop nginx` on 1970-01-01 00:17 UTC"


def test_nobody_is_named_for_what_happened_long_after_or_before():
    assert by("file", "/etc/a", 900) == "changed 1970-01-01 00:15 UTC"
    assert by("file", "/etc/a", 9000) == "changed 1970-01-01 02:30 UTC"
    assert by("account", "eve") == ""


def test_a_unit_is_foretold_to_reload_or_restart_by_what_will_change():
    nginx = Unit("nginx.service", reads=("/etc/nginx",), reload=True)

    def foretold(*paths):
        return [str(each) for each in units_that_will([nginx], paths)]

    assert foretold("/etc/nginx/nginx.conf") == ["reload unit nginx.service (/etc/nginx/nginx.conf changes)"]
    assert foretold("/etc/nginx/a", "/etc/nginx/b") == ["reload unit nginx.service (/etc/nginx/a, /etc/nginx/b change)"]
    assert foretold("/etc/systemd/system/nginx.service.d/x.conf") == [
        "restart unit nginx.service (/etc/systemd/system/nginx.service.d/x.conf changes)"
    ]
    assert foretold("/etc/nginx2/a", "/etc/systemd/system/nginx.service2") == []


def test_a_missing_package_comes_with_its_version_where_the_server_knows_one():
    known = PackageCandidates().process(
        ["nginx:", "  Installed: (none)", "  Candidate: 1.26.3-3", "git:", "  Candidate: (none)"]
    )

    assert [str(each) for each in packages_missing(["nginx", "git"], [], known)] == [
        "install package git",
        "install package nginx (1.26.3-3)",
    ]
