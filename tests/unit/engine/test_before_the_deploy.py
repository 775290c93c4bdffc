"""What is judged before anything is touched: who we are, and whether the server is fit."""

import subprocess
import time

import pytest

from coopinfra.deploy.engine.batch import Answer
from coopinfra.deploy.engine.identity import find_identity
from coopinfra.deploy.engine.lock import Holder, Interrupted, _holder, _interrupted
from coopinfra.deploy.engine.preflight import PreflightError, preflight, refuse_to_go_back
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.roles.facts import Operator
from coopinfra.roles.primitives import manifest
from coopinfra.roles.primitives.manifest import Manifest


class Server:
    """Stands for a connection: answers every command with the same words."""

    label, login = "highbeam/web1", "ada"

    def __init__(self, **found):
        healthy = {
            "release": "debian 13",
            "clock": str(int(time.time())),
            "space": "/ 9000",
            "inodes": "/ 90000",
            "root": "0",
        }
        self.lines = [f"{key}={value}" for key, value in {**healthy, **found}.items()]

    def run(self, command):
        return Answer(0, "\n".join(self.lines), "")


def test_a_fit_server_passes():
    preflight(Server())


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"release": "debian 12"}, "runs debian 12, not Debian 13"),
        ({"release": "ubuntu 24.04"}, "runs ubuntu 24.04"),
        ({"clock": str(int(time.time()) - 4000)}, "seconds off ours"),
        ({"space": "/var 120"}, "only 120 MB are free on /var, 300 are needed"),
        ({"inodes": "/ 17"}, "only 17 inodes are free on /"),
        ({"root": "1000"}, "`ada` cannot become root"),
    ],
)
def test_an_unfit_server_is_refused_with_the_reason(found, message):
    with pytest.raises(PreflightError, match=message):
        preflight(Server(**found))


def test_all_reasons_come_at_once():
    with pytest.raises(PreflightError) as caught:
        preflight(Server(release="debian 12", space="/ 1", inodes="/ 1"))

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(("key", "value"), [("clock", "\x1b[2J"), ("clock", ""), ("space", "nothing"), ("inodes", "")])
def test_what_makes_no_sense_is_refused_in_a_sentence(key, value):
    with pytest.raises(PreflightError, match="makes no sense"):
        preflight(Server(**{key: value}))


@pytest.mark.parametrize("release", ["99.0", "0.1.1", "0.10.0", "1"])
def test_a_server_that_a_later_release_deployed_is_refused(monkeypatch, release):
    monkeypatch.setattr(manifest, "our_release", lambda: "0.1.0")

    with pytest.raises(PreflightError, match=f"coopinfra {release} was here last"):
        refuse_to_go_back("highbeam/web1", Manifest(release=release))


@pytest.mark.parametrize("release", ["", "0.1.0", "0.0.9", "0.1"])
def test_a_server_that_an_earlier_release_deployed_or_none_is_fit(monkeypatch, release):
    monkeypatch.setattr(manifest, "our_release", lambda: "0.1.0")

    refuse_to_go_back("highbeam/web1", Manifest(release=release))


def test_a_file_system_without_inodes_is_fit():
    preflight(Server(inodes="/ 0"))


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def operator(login, public):
    return Operator(login, login, (public.read_text().strip(),))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch, tmp_path):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("COOPINFRA_SSH_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_operator_is_the_one_whose_key_is_named(key, monkeypatch, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    monkeypatch.setenv("COOPINFRA_SSH_KEY", str(key))

    found = find_identity((operator("bruno", tmp_path / "other.pub"), operator("ada", key.with_suffix(".pub"))))

    assert found.operator.login == "ada"
    assert found.key.get_base64() == key.with_suffix(".pub").read_text().split()[1]


def test_the_operator_is_found_by_the_keys_in_the_home_folder(key, tmp_path):
    (tmp_path / ".ssh").mkdir()
    for path in (key, key.with_suffix(".pub")):
        path.rename(tmp_path / ".ssh" / path.name)

    found = find_identity((operator("ada", tmp_path / ".ssh/id_ed25519.pub"),))

    assert found.operator.login == "ada"


def test_a_key_of_nobody_is_refused(key, monkeypatch, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    monkeypatch.setenv("COOPINFRA_SSH_KEY", str(tmp_path / "other"))

    with pytest.raises(InputError, match=r"belongs to nobody in collective\.yml"):
        find_identity((operator("ada", key.with_suffix(".pub")),))


def test_a_key_with_a_passphrase_says_what_to_do(monkeypatch, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"], check=True)
    monkeypatch.setenv("COOPINFRA_SSH_KEY", str(tmp_path / "locked"))

    with pytest.raises(InputError, match="ssh-add"):
        find_identity((operator("ada", tmp_path / "locked.pub"),))


def test_no_key_at_all_says_where_was_looked(key):
    with pytest.raises(InputError, match=r"none of the keys in your agent or in ~/\.ssh belongs to anybody"):
        find_identity((operator("ada", key.with_suffix(".pub")),))


def test_the_journal_of_an_interrupted_run_names_who_when_and_where():
    lines = [
        'INTERRUPTED {"event": "begin", "operator": "ada", "run": "r1", "since": "noon"}',
        'AT {"event": "step", "name": "Write files"}',
        "LOCKED",
    ]

    assert list(_interrupted(lines)) == [Interrupted(Holder("ada", "r1", "noon"), "Write files")]


@pytest.mark.parametrize("line", ["", "{", "[]", '{"operator": 3}', "\x1b[2J"])
def test_a_lock_that_cannot_be_read_is_held_by_somebody_unknown(line):
    assert "unknown" in (_holder(line).run, _holder(line).operator)
