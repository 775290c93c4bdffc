"""Secrets on a real server: made before it exists, never seen, rotated with proof, refused when anything is wrong."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest

from boxes import kill
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.secrets import kinds
from coopinfra.roles.declarations import Secret
from faults import locked_by_bruno, on_box, wait_for

pytestmark = pytest.mark.timeout(480)

PASSWORD, HTPASSWD = "web1/website/main-password", "web1/website/main-htpasswd"
SITE = "https://www.highbeam.example/"
ON_SERVER = "/etc/coopinfra/sites/highbeam-main/htpasswd"
# Letters that change when they are put into a link or a form, so that those forms are really looked for.
CANARY = "Kanarienvogel/+ä&=?7391"


@pytest.fixture(scope="module")
def operator(machine):
    """One server for the whole story, whose site has a password that we know: the canary."""
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().rstrip() + "\n            preview_password: true\n")
    machine.publish()
    given(machine, CANARY, "secrets", "set", "highbeam", PASSWORD)
    return machine


def given(operator, text, *words):
    ran = labs.run(operator.lab, operator.argv(*words), given=text)
    assert ran.returncode == 0, ran.stderr
    return ran


def shell(operator, command, given):
    """Run a command as root on the server, with something on its standard input; return what it says."""
    return labs.shell(operator.lab, "web1", command, given=given).stdout


def asks(operator, password):
    """What the site answers to somebody with this password; curl reads it from its configuration, not from argv."""
    given_ = f'user = "preview:{password}"\n'
    command = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "-K", "-", SITE)
    return labs.run(operator.lab, command, given=given_).stdout


def forms(value):
    """How a value may look after it went through somebody's hands."""
    plain = value.encode()
    shifted = [base64.b64encode(b"x" * shift + plain).decode().strip("=") for shift in range(3)]
    # The letters at both ends are made of neighbours too.
    inner = [text[4:-4] for text in shifted]
    return [
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        *inner,
        *(t.replace("+", "-") for t in inner),
    ]


def traces(text, values):
    return [form for value in values for form in forms(value) if form in text]


class Watcher(threading.Thread):
    """Reads again and again what every process, here and on the server, shows of its arguments and environment."""

    def __init__(self, operator):
        super().__init__(daemon=True)
        self.operator, self.ended = operator, threading.Event()
        self.seen = {"cmdline": set(), "environ": set()}

    def run(self):
        # The server's processes are in the host's /proc too.
        while not self.ended.wait(0.02):
            for what, seen in self.seen.items():
                command = f"cat /proc/[0-9]*/{what} 2>/dev/null | tr '\\0' '\\n'"
                ran = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
                seen |= set(ran.stdout.decode(errors="replace").splitlines())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


HERE = ("output", "arguments", "plain files and book", "inventory", "logs of the runs", "temporary files")
THERE = ("environments", "journals", "state", "temporary files of the server", "everything else")


def decoy(place):
    """A value that lies in one place on purpose, and how: as base64, or as part of a link."""
    value = f"Lockvogel/+ä&=?{place}"
    return value, quote(value) if place in HERE else base64.b64encode(f"preview:{value}".encode()).decode()


def plant(operator, folder):
    """Lay the decoys, each where somebody careless would leave a secret."""
    text = {place: decoy(place)[1] for place in (*HERE, *THERE)}
    for place, path in {
        "plain files and book": folder / "book/decoy",
        "inventory": operator.lab.inventories / "decoy",
        "logs of the runs": operator.lab.folder / "state/decoy",
        "temporary files": folder / "temporary/decoy",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text[place])
    for place, path in {
        "state": "/var/lib/coopinfra/decoy",
        "temporary files of the server": "/var/tmp/decoy",
        "everything else": "/srv/decoy",
    }.items():
        operator.root(f"echo '{text[place]}' >{path}")
    operator.root(f"systemd-cat echo '{text['journals']}'")
    # By a file, as on this way alone it is in no argument.
    shell(operator, "cat >/run/decoy", f"DECOY={text['environments']}")
    operator.root("systemd-run --quiet --unit=decoy -p EnvironmentFile=/run/decoy sleep infinity")
    return operator.start("sh", "-c", "sleep 600; :", text["arguments"])


def look(operator, folder, said, watcher, values):
    """Read every place in which a secret could be seen."""
    patterns = "\n".join(form for value in values for form in forms(value))
    everything = shell(operator, "grep -raF -f - /etc /var /run /srv /usr/local /opt /boot; :", patterns)

    def files(home):
        return "".join(path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())

    return {
        "output": "\n".join(ran.stdout + ran.stderr for ran in said),
        "arguments": "\n".join(watcher.seen["cmdline"]),
        "environments": "\n".join(watcher.seen["environ"]),
        "plain files and book": files(folder / "book"),
        "inventory": files(operator.lab.inventories),
        "logs of the runs": files(operator.lab.folder / "state"),
        "temporary files": files(folder / "temporary"),
        "journals": operator.root("journalctl --no-pager -o export"),
        "state": operator.root("cat $(find /var/lib/coopinfra /run/coopinfra -type f)"),
        "temporary files of the server": operator.root(
            "find /tmp /var/tmp /dev/shm /root /home -xdev -type f -exec cat {} +"
        ),
        "everything else": "\n".join(line for line in everything.splitlines() if not line.startswith(f"{ON_SERVER}:")),
    }


def test_a_full_deploy_as_talkative_as_can_be_shows_no_secret_anywhere(operator, tmp_path):
    (tmp_path / "temporary").mkdir()
    talks = replace(operator, program=("env", f"TMPDIR={tmp_path}/temporary", *operator.program))
    with Watcher(operator) as watcher:
        said = [talks.ok("deploy", "highbeam", "--yes", "--json")]
        careless = plant(operator, tmp_path)
        said += [talks.ok("plan", "highbeam"), talks.ok("plan", "highbeam", "--json")]
        said += [talks.ok("plan", "highbeam", "--offline", "--out", str(tmp_path / "book/plain"))]
        said += [talks.ok("runbook", "highbeam", "--out", str(tmp_path / "book/book"))]
        said += [talks.ok("secrets", "list", "highbeam"), talks.ok("secrets", "verify", "highbeam")]
        operator.root(f"rm {ON_SERVER}")
        said += [talks.plain_pyinfra("demo", "-vvv", "--debug")]
    assert said[-1].returncode == 0, said[-1].stderr
    said += [operator.outside("echo", decoy("output")[1])]
    hashed = operator.root(f"sed -n s/^preview://p {ON_SERVER}").strip()
    values, decoys = [CANARY, hashed], {place: decoy(place)[0] for place in (*HERE, *THERE)}

    places = look(operator, tmp_path, said, watcher, [*values, *decoys.values()])

    assert set(places) == set(decoys)
    for place, text in places.items():
        assert traces(text, values) == [], place
        assert traces(text, [decoys[place]]), f"the control: the look at {place} finds nothing"
    # The deploy did bring the secret there, and what stands for it is seen.
    assert "main-htpasswd" in places["plain files and book"]
    assert "Write files" in places["logs of the runs"]
    assert any("coopinfra.cli.main" in line for line in watcher.seen["cmdline"])
    assert traces(operator.root(f"cat {ON_SERVER}"), values) == [hashed]
    assert asks(operator, CANARY) == "200"
    kill(careless)
    operator.root("systemctl stop decoy; rm /run/decoy /var/lib/coopinfra/decoy /var/tmp/decoy /srv/decoy")
    for path in (operator.lab.inventories / "decoy", operator.lab.folder / "state/decoy"):
        path.unlink()


def test_it_is_readable_by_its_one_user_and_asked_for_by_the_site(operator):
    assert operator.root(f"stat -c '%a %U' {ON_SERVER}") == "400 www-data\n"
    assert asks(operator, "another") == "401"
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_a_plan_needs_no_identity_and_sees_what_was_changed_by_hand(operator):
    nobody = ("env", "-u", "COOPINFRA_AGE_IDENTITY", "HOME=/nonexistent", *operator.argv("plan", "highbeam"))
    assert labs.run(operator.lab, nobody).stdout == "web1: nothing to change\n"

    operator.root(f"echo 'intruder:x' >>{ON_SERVER}")
    ran = labs.run(operator.lab, nobody)

    assert ran.returncode == 1
    assert f"file {ON_SERVER}" in ran.stdout
    assert "intruder" not in ran.stdout, "what is on the server holds secrets"
    operator.ok("deploy", "highbeam", "--yes")
    assert labs.run(operator.lab, nobody).stdout == "web1: nothing to change\n"


def test_what_is_only_encrypted_anew_is_noted_and_not_written(operator):
    before = operator.root(f"stat -c %z {ON_SERVER}")
    operator.ok("secrets", "reencrypt", "highbeam")

    assert "only how its secrets are encrypted" in operator.ok("plan", "highbeam").stdout
    operator.ok("deploy", "highbeam", "--yes")

    assert operator.root(f"stat -c %z {ON_SERVER}") == before
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


def test_a_rotation_proves_that_the_old_value_is_dead_and_the_new_one_lives(operator):
    assert asks(operator, CANARY) == "200"

    ran = operator.ok("secrets", "rotate", "highbeam", PASSWORD, "--yes")

    new = operator.ok("secrets", "show", "highbeam", PASSWORD, "--yes").stdout.strip()
    assert "proven on the server" in ran.stderr
    assert new not in ran.stderr + ran.stdout
    assert (asks(operator, CANARY), asks(operator, new)) == ("401", "200")
    assert json.loads((operator.folder / "secrets/shown.log").read_text().splitlines()[-1])["path"] == PASSWORD


def test_a_rotation_that_its_server_refuses_says_which_value_is_where_and_the_next_deploy_finishes_it(operator):
    old = operator.ok("secrets", "show", "highbeam", PASSWORD, "--yes").stdout.strip()
    with locked_by_bruno(operator):
        ran = operator.run("secrets", "rotate", "highbeam", PASSWORD, "--yes")
    assert ran.returncode == 3
    assert "is locked by bruno" in ran.stderr
    assert f"`{PASSWORD}` is the new one in the inventory, and the server accepts the old one" in ran.stderr
    assert asks(operator, old) == "200"

    operator.ok("deploy", "highbeam", "--yes")

    new = operator.ok("secrets", "show", "highbeam", PASSWORD, "--yes").stdout.strip()
    assert new != old
    assert (asks(operator, old), asks(operator, new)) == ("401", "200")
    assert new not in ran.stderr


def test_tor_finds_the_address_that_we_found(operator):
    secret = Secret("it", "onion-key")
    ours, other = kinds.make(secret), kinds.make(secret)
    operator.root("ln -s /dev/null /etc/systemd/system/tor.service")
    operator.root("DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends tor >/dev/null 2>&1")

    def says(key):
        tor = "tor --hush --DisableNetwork 1 --SocksPort 0 --DataDirectory /run/t/data --HiddenServiceDir /run/t/onion"
        shell(
            operator,
            "rm -rf /run/t; install -d -m 0700 /run/t /run/t/data /run/t/onion;"
            " base64 -d >/run/t/onion/hs_ed25519_secret_key",
            base64.b64encode(key).decode(),
        )
        operator.root(f"systemd-run --quiet --collect --unit=onion {tor} --HiddenServicePort '80 127.0.0.1:80'")
        wait_for("the address", lambda: on_box(operator, "[ -s /run/t/onion/hostname ]"))
        return operator.root("systemctl stop onion; cat /run/t/onion/hostname").strip()

    assert says(ours) == kinds.public_half(secret, ours)
    assert says(other) not in (kinds.public_half(secret, ours), "")
    operator.root("apt-get purge -qq tor >/dev/null 2>&1; rm -rf /run/t /etc/systemd/system/tor.service /var/lib/tor")


def test_a_rotation_that_could_prove_nothing_is_refused(operator):
    right = operator.root(f"cat {ON_SERVER}")
    operator.root(f": >{ON_SERVER}")

    ran = operator.run("secrets", "rotate", "highbeam", PASSWORD, "--yes")

    assert ran.returncode == 1
    assert "does not accept" in ran.stderr
    operator.root(f"cat >{ON_SERVER} <<'END'\n{right}END\n")
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


def test_broken_secrets_are_refused_by_name_before_a_server_is_asked(operator):
    files = {path: operator.folder / "secrets" / f"{path}.age" for path in (PASSWORD, HTPASSWD)}
    kept = {path: file.read_bytes() for path, file in files.items()}
    files[HTPASSWD].write_bytes(kept[PASSWORD])

    ran = operator.run("deploy", "highbeam", "--yes")

    assert ran.returncode == 2
    assert f"highbeam/secrets/{HTPASSWD}.age: it is the secret `highbeam/{PASSWORD}`" in ran.stderr
    assert "connecting" not in ran.stderr
    files[HTPASSWD].write_bytes(kept[HTPASSWD])
    assert "nothing to change" in operator.ok("deploy", "highbeam", "--yes").stderr


def test_a_forged_commit_is_refused_and_a_signed_one_deployed(operator, tmp_path):
    home = operator.lab.inventories

    def git(*words, key=""):
        sign = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}") if key else ()
        name = ("-c", "user.name=x", "-c", "user.email=x@lantern.example", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(home), *name, *sign, *words], check=True, capture_output=True)

    def commit(message, key=""):
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "-m", message, *(["-S"] if key else []), key=key)

    for name in ("demo", "mallory"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    ours, theirs = tmp_path / "demo", tmp_path / "mallory"
    collective = home / "collective.yml"
    public = ours.with_suffix(".pub").read_text().strip()
    text = collective.read_text().replace(
        "operators:\n  demo:\n", f"operators:\n  demo:\n    signing_keys: [{public}]\n"
    )
    collective.write_text("require_signed_commits: true\n" + text)
    assert "in no git repository" in operator.run("deploy", "highbeam", "--yes").stderr
    git("init", "--quiet")
    try:
        commit("Ask for signatures", str(ours))
        operator.ok("deploy", "highbeam", "--yes")
        (home / "highbeam/secrets/stray").touch()
        assert "`highbeam/secrets/stray` is not committed" in operator.run("deploy", "highbeam", "--yes").stderr
        (home / "highbeam/secrets/stray").unlink()

        # What a rotation made itself cannot be committed before it; the next deploy asks for that.
        operator.ok("secrets", "rotate", "highbeam", PASSWORD, "--yes")
        assert "main-password.age` is not committed" in operator.run("deploy", "highbeam", "--yes").stderr
        commit("Rotate the password", str(ours))

        # The push that brings its own signer along, signs with it, and asks for signatures no more.
        forged = theirs.with_suffix(".pub").read_text().strip()
        collective.write_text(text.replace(public, forged))
        commit("A friendly change", str(theirs))
        ran = operator.run("deploy", "highbeam", "--yes")
        assert ran.returncode == 2
        assert "A friendly change is not signed by anybody" in ran.stderr

        git("revert", "--no-edit", "HEAD")
        ran = operator.run("deploy", "highbeam", "--yes")
        assert ran.returncode == 2, "the forged commit stays in the history"
        git("reset", "--hard", "--quiet", "HEAD~2")
        commit("By one of ours", str(ours))
        assert "nothing to change" in operator.ok("deploy", "highbeam", "--yes").stderr

        # Whoever may sign may also say that signatures are needed no more.
        collective.write_text(text)
        commit("No more signatures", str(ours))
        operator.ok("deploy", "highbeam", "--yes")
    finally:
        collective.write_text(text)
        subprocess.run(["rm", "-rf", str(home / ".git")], check=True)


def test_a_secret_that_is_no_longer_wanted_leaves_the_server_and_is_not_shown_on_its_way(operator):
    org = operator.folder / "org.yml"
    org.write_text(org.read_text().replace("            preview_password: true\n", ""))
    hashed = operator.root(f"cat {ON_SERVER}").split("preview:")[1].strip()

    planned = operator.ok("plan", "highbeam").stdout
    operator.ok("deploy", "highbeam", "--yes")

    assert f"remove file {ON_SERVER}" in planned
    assert hashed not in planned
    assert operator.root("ls /etc/coopinfra/sites 2>&1; :").count("highbeam-main") == 0
    assert asks(operator, "nobody") == "200"
