"""The lab itself: what it promises to everything that stands on it, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coopinfra.deploy.lab import cgroups, host, image, internet, sources
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.box import init_of, link
from coopinfra.deploy.lab.processes import end, marked, running
from coopinfra.deploy.lab.state import RUN, Lab, blank
from coopinfra.deploy.organisation.problems import InputError

pytestmark = pytest.mark.skipif(bool(host.why_not()), reason=host.why_not() or "boxes can run here")

WEB = labs.BoxSpec("web1", "203.0.113.10", "2001:db8::10", organisation="highbeam")
ISLAND = labs.BoxSpec("island", "203.0.113.77", way_out=False)
CLOUD = labs.BoxSpec("cloud", "203.0.113.78", image="provider", first_boot_seconds=12)
MIRROR = urlsplit(sources.read().archive).hostname

# Some networks accept a connection to any address; only what is said there tells who answers.
BANNER = """
import socket, sys
with socket.create_connection((sys.argv[1], 22), timeout=2) as connection:
    print(connection.recv(4).decode(), end="")
"""


@pytest.fixture(scope="module")
def lab(state_home, tmp_path_factory):
    inventories = tmp_path_factory.mktemp("inventories")
    (inventories / "highbeam").mkdir()
    (inventories / "highbeam/known_hosts").write_text("203.0.113.10 ssh-ed25519 OLD\n203.0.113.99 ssh-ed25519 OTHER\n")
    (inventories / "collective.yml").write_text("name: Us\noperators:\n    ada:\n        ssh_keys: [x]\n")
    yield labs.up("first", (WEB, ISLAND), inventories, print)
    labs.down("first")


def shell(lab, box, command):
    return labs.shell(lab, box, command, check=False)


def on_this_machine(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def over_ssh(lab, box, command):
    return labs.run(lab, labs.ssh_argv(lab, box, command))


def until(is_true, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def traces(lab):
    """Everything of a lab that can be seen on this machine."""
    links = json.loads(subprocess.check_output(["ip", "-json", "link"]))
    tables = subprocess.check_output(["nft", "list", "tables"], text=True).split()
    return {
        "links": [link["ifname"] for link in links if link["ifname"] == lab.key],
        "tables": [word for word in tables if word == lab.key],
        "namespaces": [path.name for path in RUN.glob(lab.key)],
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if lab.key in line],
        "processes": [path.name for path in running() if names_lab(path, lab)],
        "files": [str(lab.folder)] if lab.folder.exists() else [],
        "cgroups": [str(path) for tree in cgroups.TREES for path in Path(tree).glob(link(lab.key, "*"))],
    }


def names_lab(process, lab):
    with suppress(OSError):
        return str(lab.folder).encode() in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    return False


NOTHING = {"links": [], "tables": [], "namespaces": [], "mounts": [], "processes": [], "files": [], "cgroups": []}


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="this machine's systemd gives each box its own")
def test_no_two_boxes_share_a_cgroup(lab):
    """In a common one each guest's systemd removes what another's has made; both have a unit of the same name."""
    inits = [init_of(lab, name) for name in ("web1", "internet")]
    found = [Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1] for pid in inits]

    assert all(inits)
    assert all(f"/vb-{lab.key}-" in each for each in found), found
    assert len(set(found)) == 2


def test_a_box_answers_at_its_addresses_inside_the_lab_only(lab):
    inside = over_ssh(lab, "web1", "systemctl is-system-running --wait; hostname")
    six = labs.run(lab, (sys.executable, "-c", "import socket; socket.create_connection(('2001:db8::10', 22), 5)"))

    assert (inside.stdout.split(), inside.stderr) == (["running", "web1"], "")
    assert six.returncode == 0, six.stderr
    assert labs.run(lab, (sys.executable, "-c", BANNER, WEB.address)).stdout == "SSH-"
    assert on_this_machine(sys.executable, "-c", BANNER, WEB.address) == ""


def test_only_the_lab_has_the_labs_names(lab):
    before = Path("/etc/resolv.conf").read_text()

    asked = ("getent", "ahostsv4", internet.AUTHORITY_NAME)
    inside, outside = labs.run(lab, asked).stdout, on_this_machine(*asked)

    assert internet.AUTHORITY in inside
    assert internet.AUTHORITY not in outside
    assert Path("/etc/resolv.conf").read_text() == before


def test_commands_in_the_lab_find_its_inventories_and_key(lab):
    told = labs.run(
        lab, ("sh", "-c", 'cat "$COOPINFRA_INVENTORIES/highbeam/known_hosts" "$COOPINFRA_SSH_KEY.pub"')
    ).stdout

    assert f"203.0.113.10 {lab.box('web1').host_key}\n" in told
    assert "OLD" not in told
    assert "203.0.113.99 ssh-ed25519 OTHER\n" in told
    collective = (lab.inventories / "collective.yml").read_text()
    assert collective.index("    demo:\n") < collective.index("    ada:\n")
    assert told.splitlines()[-1] in collective


def test_a_box_without_a_way_out_reaches_the_lab_and_nothing_else(lab):
    out = f"timeout 5 bash -c '</dev/tcp/{MIRROR}/80'"
    near = f"timeout 5 bash -c '</dev/tcp/{WEB.address}/22'"

    assert shell(lab, "web1", out).returncode == 0
    assert shell(lab, "island", out).returncode == 1
    assert shell(lab, "island", near).returncode == 0


def test_a_published_zone_is_served_and_can_be_changed(lab):
    asked = ("getent", "ahostsv4", "www.highbeam.example")
    before = labs.run(lab, asked)

    labs.publish(lab, "highbeam.example", f"www A {WEB.address}\n")
    first = labs.run(lab, asked).stdout
    labs.publish(lab, "highbeam.example", f"www A {ISLAND.address}\n")
    second = labs.run(lab, asked).stdout

    assert before.returncode == 2
    assert WEB.address in first
    assert ISLAND.address in second
    assert WEB.address not in second


def test_a_broken_zone_is_refused_and_the_old_one_stays(lab):
    labs.publish(lab, "other.example", "www A 203.0.113.20\n")

    with pytest.raises(InputError, match="invalid IPv4 address"):
        labs.publish(lab, "other.example", "www A 999.0.0.1\n")

    assert "203.0.113.20" in labs.run(lab, ("getent", "ahostsv4", "www.other.example")).stdout


def test_apt_works_and_certbot_gets_a_certificate_with_no_setting(lab):
    labs.publish(lab, "shop.example", f"www A {WEB.address}\n")
    install = "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq install -y certbot >/dev/null"
    ask = "certbot certonly --standalone --non-interactive --agree-tos --register-unsafely-without-email -d {}"

    installed = shell(lab, "web1", install)
    asked = shell(lab, "web1", ask.format("www.shop.example"))
    refused = shell(lab, "web1", ask.format("nobody.shop.example"))

    assert installed.returncode == 0, installed.stderr
    assert asked.returncode == 0, asked.stderr
    verify = "openssl verify -untrusted chain.pem cert.pem"
    assert "cert.pem: OK" in shell(lab, "web1", f"cd /etc/letsencrypt/live/www.shop.example && {verify}").stdout
    assert refused.returncode == 1


def test_a_box_survives_a_reboot_and_a_pulled_plug(lab):
    shell(lab, "web1", "echo kept > /root/note")

    labs.reboot(lab, "web1")
    after_reboot = over_ssh(lab, "web1", "cat /root/note; cat /proc/sys/kernel/random/boot_id").stdout
    labs.kill(lab, "web1")
    was_off = not labs.runs(lab, "web1")
    labs.start(lab, "web1")

    assert after_reboot.startswith("kept\n")
    assert was_off
    assert over_ssh(lab, "web1", "cat /root/note").stdout == "kept\n"


def test_two_labs_with_the_same_addresses_do_not_meet(lab):
    second = labs.up("second", (WEB,))

    labs.shell(second, "web1", "hostname other")
    names = [over_ssh(each, "web1", "hostname").stdout for each in (lab, second)]

    assert names == ["web1\n", "other\n"]
    assert lab.box("web1").host_key != second.box("web1").host_key
    assert all(traces(second).values()), "while it is up, every kind of trace is seen"
    labs.down("second")
    assert traces(second) == NOTHING
    assert over_ssh(lab, "web1", "hostname").stdout == "web1\n"


def test_a_box_can_be_added_and_removed(lab):
    more = labs.add_box(lab, labs.BoxSpec("extra", "203.0.113.79"))

    answered = over_ssh(more, "extra", "hostname").stdout
    less = labs.remove_box(more, "extra")

    assert answered == "extra\n"
    assert [box.name for box in less.boxes] == ["internet", "web1", "island"]
    assert not less.home("extra").exists()
    assert over_ssh(less, "web1", "hostname").stdout == "web1\n"


def test_a_providers_image_is_as_unhandy_as_a_real_one(lab):
    made = labs.add_box(lab, CLOUD)
    locked = "sudo -n sh -c 'apt-get -qq -o DPkg::Lock::Timeout=0 install -y --reinstall netbase' 2>&1"

    until(lambda: over_ssh(made, "cloud", "true").returncode == 0)
    first = over_ssh(made, "cloud", locked).stdout
    as_root = labs.run(made, tuple(w.replace("debian@", "root@") for w in labs.ssh_argv(made, "cloud", "id -u")))

    assert "Could not get lock /var/lib/dpkg/lock-frontend" in first
    assert "Please login as the user" in as_root.stdout
    assert over_ssh(made, "cloud", "id -un; sudo -n id -un").stdout == "debian\nroot\n"
    assert "cloud" in over_ssh(made, "cloud", "hostname").stdout
    assert over_ssh(made, "cloud", "sudo cloud-init status --wait").stdout.split()[-1] == "done"
    assert over_ssh(made, "cloud", "ls /etc/ssh/sshd_config.d").stdout == "50-cloud-init.conf\n"
    until(lambda: "Could not get lock" not in over_ssh(made, "cloud", locked).stdout)
    labs.remove_box(made, "cloud")


def folder_is_there(lab):
    return lab.folder.exists()


def network_is_there(lab):
    return lab.key in Path("/proc/self/mountinfo").read_text()


def way_out_is_there(lab):
    return Path(f"/sys/class/net/{lab.key}").exists()


def internet_boots(lab):
    return bool(init_of(lab, "internet"))


def box_boots(lab):
    return bool(init_of(lab, "web1"))


@pytest.mark.parametrize("moment", [folder_is_there, network_is_there, way_out_is_there, internet_boots, box_boots])
def test_nothing_is_left_of_a_lab_whose_up_was_killed(moment):
    lab = blank("killed")
    code = "from coopinfra.deploy.lab import lab as l; l.up('killed', (l.BoxSpec('web1', '203.0.113.10'),))"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        until(lambda: moment(lab))
        os.kill(process.pid, signal.SIGKILL)
    left = traces(lab)

    labs.down("killed")

    assert left["files"]
    assert traces(lab) == NOTHING


@contextmanager
def maker(lab, *argv):
    """Another user, who makes a lab; stopped when it has a network and perhaps no box yet."""
    code = f"from coopinfra.deploy.lab import lab as l; l.up('{lab.name}', ())"
    env = {**os.environ, "XDG_STATE_HOME": str(lab.folder.parents[2])}
    with subprocess.Popen([*argv, sys.executable, "-c", code], start_new_session=True, env=env) as process:
        try:
            # Later than the hold on what all labs of this machine share, for which `prune` would wait.
            until(lambda: traces(lab)["tables"])
            os.kill(process.pid, signal.SIGSTOP)
            yield process
        finally:
            process.kill()


def be_somebody_else(monkeypatch, folder):
    """Whose labs and images are none of those that others work with on this machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


@pytest.mark.parametrize("argv", [(), ("unshare", "--mount")], ids=["beside", "within"])
def test_prune_spares_a_lab_of_another_user_while_it_is_made_and_while_it_is_up(argv, tmp_path, monkeypatch):
    lab = Lab("made", tmp_path / "theirs/coopinfra/labs/made")
    with maker(lab, *argv) as process:
        be_somebody_else(monkeypatch, tmp_path)
        while_made = labs.prune().strays
        os.kill(process.pid, signal.SIGCONT)
        process.wait(timeout=60)
    while_up = labs.prune().strays
    end(lab.folder)

    assert process.returncode == 0
    assert lab.key not in while_made + while_up
    assert lab.key in labs.prune().strays
    assert not lab.network.exists()


@pytest.mark.parametrize("argv", [(), ("unshare", "--mount")], ids=["beside", "within"])
def test_prune_takes_what_a_killed_maker_has_left(argv, tmp_path, monkeypatch):
    lab = Lab("made", tmp_path / "theirs/coopinfra/labs/made")
    with maker(lab, *argv):
        be_somebody_else(monkeypatch, tmp_path)
    end(lab.folder)

    assert lab.key in labs.prune().strays
    assert not lab.network.exists()


@pytest.mark.parametrize("state", ["", '{"subnet": "10.9', None])
def test_nothing_is_left_of_a_lab_whose_state_is_broken(state):
    lab = labs.up("broken", ())
    (lab.folder / "lab.json").unlink()
    if state is not None:
        (lab.folder / "lab.json").write_text(state)

    labs.down("broken")

    assert traces(lab) == NOTHING


def test_a_killed_build_is_swept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = "from coopinfra.deploy.lab import image; image.template('debian', print)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, start_new_session=True) as process:
        until(lambda: [path for path in image.images_folder().glob(".building-*") if marked(path)])
        os.kill(process.pid, signal.SIGKILL)
    building = next(image.images_folder().glob(".building-*"))

    before = marked(building)
    image.sweep()

    assert before
    assert not marked(building)
    assert not building.exists()


@pytest.mark.parametrize(
    ("name", "boxes", "words"),
    [
        ("Capital", (), "cannot be the name of a lab"),
        ("twice", (WEB, labs.BoxSpec("web2", WEB.address)), "two boxes are to have the address"),
        ("taken", (labs.BoxSpec("web1", internet.NAME_SERVER),), "cannot have the address"),
        ("family", (labs.BoxSpec("web1", "2001:db8::10"),), "cannot have the address"),
        ("image", (labs.BoxSpec("web1", "203.0.113.10", image="ubuntu"),), "there is no image"),
        ("first", (), "is up already"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(lab, name, boxes, words):
    before = labs.names()

    with pytest.raises(InputError, match=words):
        labs.up(name, boxes)

    assert labs.names() == before


def test_prune_removes_every_lab_and_each_image_that_no_box_stands_on(tmp_path, monkeypatch):
    lab = labs.up("pruned", ())
    up = traces(lab)
    # Images in use belong to whoever works on this machine: those of another user are pruned here.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (image.images_folder() / "debian-old/etc").mkdir(parents=True)
    (image.images_folder() / "debian-old/etc/big").write_bytes(b"x" * 100_000)

    pruned = labs.prune()

    assert up["files"]
    assert "pruned" in pruned.labs
    assert pruned.bytes >= 100_000
    assert traces(lab) == NOTHING
    assert not image.images_folder().exists()
