"""`coopinfra init`, as it is typed: an interview, or options alone; what it writes is valid."""

from __future__ import annotations

import io
import os

import pytest

from coopinfra.deploy.organisation.load import load_org
from entry import run_command

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOEbUxiPMeph/YNpOc0awm5a2QbfOXeOHPyZDhqei9H ada@laptop"
ANSWERS = {
    "called": "", "kind": "", "domain": "acme.example", "languages": "es, en", "time zone": "Europe/Madrid",
    "contact": "Ana Gil", "email": "ana@acme.example", "phone": "", "address": "203.0.113.20", "ipv6": "",
    "first login": "debian", "site": "", "collective": "Lantern", "operator": "Ada Moreno", "login": "ada",
    "operator email": "", "key": KEY,
}  # fmt: skip


@pytest.fixture
def coopinfra(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder of somebody without keys; return exit code, stdout and stderr."""
    monkeypatch.delenv("COOPINFRA_INVENTORIES", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.chdir(tmp_path)

    def run(*arguments, answers=()):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
        return run_command(monkeypatch, capsys, *arguments)

    return run


def test_the_interview_ends_with_files_that_are_valid(coopinfra, tmp_path):
    code, out, err = coopinfra("init", "acme", answers=ANSWERS.values())

    assert (code, out) == (0, "")
    org = load_org(tmp_path / "inventories" / "acme")
    assert (org.name, org.domain, org.languages) == ("Acme", "acme.example", ("es", "en"))
    assert (org.contacts[0].name, org.contacts[0].email) == ("Ana Gil", "ana@acme.example")
    assert (org.servers["web1"].address, org.servers["web1"].first_login) == ("203.0.113.20", "debian")
    site = org.servers["web1"].roles["website"].sites["main"]
    assert (site.domain, site.redirects_from) == ("www.acme.example", ("acme.example",))
    assert org.collective.operators["ada"].ssh_keys == (KEY,)
    assert coopinfra("validate") == (0, "", "ok: acme (1 server, 1 role)\n")
    for step in ("coopinfra trust acme web1", "coopinfra plan acme", "coopinfra deploy acme"):
        assert step in err


def test_an_answer_that_cannot_be_is_explained_and_asked_again(coopinfra, tmp_path):
    answers = list(ANSWERS.values())
    answers[2:3] = ["", "https://acme.example/", "acme.example"]

    code, _, err = coopinfra("init", "acme", answers=answers)

    assert code == 0
    assert "this has to be known" in err
    assert "a whole link\n  hint: write `acme.example`\n" in err
    assert load_org(tmp_path / "inventories" / "acme").domain == "acme.example"


def test_answers_that_end_early_leave_nothing_behind(coopinfra, tmp_path):
    code, _, err = coopinfra("init", "acme", answers=["Acme", "co-op"])

    assert code == 2
    assert "error: the answers ended at: What is its domain?" in err
    assert not (tmp_path / "inventories").exists()


def test_without_questions_everything_that_is_missing_or_wrong_is_told_at_once(coopinfra, tmp_path):
    code, _, err = coopinfra("init", "acme", "--yes", "--address", "web1", "--contact", "Ana Gil", "--operator", "Ada")

    assert code == 2
    assert err == (
        "error: `--domain` is missing\n"
        "  hint: What is its domain?\n"
        "error: `--address`: `web1` is not an IPv4 address\n"
        "  hint: it looks like `203.0.113.10`; a name does not do here\n"
        "error: `--collective` is missing\n"
        "  hint: What are you called, who run the servers?\n"
        "error: `--login` is missing\n"
        "  hint: Which account do you want on the servers?\n"
        "error: `--ssh-key` is missing\n"
        "  hint: What is your public SSH key?\n"
    )
    assert not (tmp_path / "inventories").exists()


OPTIONS = ["--domain", "acme.example", "--contact", "Ana Gil", "--address", "203.0.113.20"]
OWN = ["--collective", "Lantern", "--operator", "Ada", "--login", "ada", "--ssh-key", KEY]


def test_a_second_organisation_needs_no_collective_and_changes_none(coopinfra, tmp_path):
    assert coopinfra("init", "acme", "--yes", *OPTIONS, *OWN)[0] == 0
    collective = (tmp_path / "inventories" / "collective.yml").read_bytes()

    code, _, _ = coopinfra("init", "second", "--yes", *OPTIONS)

    assert code == 0
    assert (tmp_path / "inventories" / "collective.yml").read_bytes() == collective


def test_what_exists_is_never_changed(coopinfra, tmp_path):
    coopinfra("init", "acme", "--yes", *OPTIONS, *OWN)
    before = (tmp_path / "inventories" / "acme" / "org.yml").read_bytes()

    code, _, err = coopinfra("init", "acme", "--yes", *OPTIONS)

    assert code == 2
    assert "is there already" in err
    assert (tmp_path / "inventories" / "acme" / "org.yml").read_bytes() == before


def test_the_own_public_key_is_found(coopinfra, tmp_path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "broken.pub").write_text("no key\n")
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text(f"{KEY}\n")

    code, _, _ = coopinfra("init", "acme", "--yes", *OPTIONS, *OWN[:-2])

    assert code == 0
    assert KEY in (tmp_path / "inventories" / "collective.yml").read_text()


@pytest.mark.parametrize(
    "called", ['Ann\'s "Café": #1 {tea}', "yes", "1984", "- dash", "*star", "~", "a: b", "<b>x</b>"]
)
def test_names_of_any_spelling_arrive_as_they_were_typed(called, coopinfra, tmp_path):
    code, _, err = coopinfra("init", "acme", "--yes", *OPTIONS, *OWN, "--called", called, "--kind", called)

    assert code == 0, err
    org = load_org(tmp_path / "inventories" / "acme")
    assert (org.name, org.kind) == (called, called)
    page = (tmp_path / "inventories" / "acme" / "sites" / "main" / "index.html").read_text()
    assert "<b>" not in page


def test_a_name_that_leads_elsewhere_is_refused(coopinfra, tmp_path):
    code, _, err = coopinfra("init", "../acme", "--yes", *OPTIONS, *OWN)

    assert code == 2
    assert "not a short name" in err
    assert list(tmp_path.iterdir()) == []
