"""Secrets typed in at a terminal: Enter erases nothing, nothing that is typed is shown, nothing stays behind."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pyrage
import pytest
import yaml

from keeping import ORG as WEBSITES
from keeping import keeper
from terminal import PATIENCE, Terminal

ROOT = Path(__file__).resolve().parents[2]
COOPINFRA = (sys.executable, "-m", "coopinfra.cli.main")
TOKEN = "web1/tokens/api"
ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1: {address: 203.0.113.10, roles: {tokens: {}}}
"""
ROLE = {
    "__init__.py": """\
from coopinfra.roles.settings import Settings
from coopinfra.roles.declarations import Secret

class TokensSettings(Settings):
    "Nothing to choose."

SETTINGS = TokensSettings
PROVIDES = ()

def declare(part):
    yield Secret("api", "given")
""",
    "files.py": """\
from coopinfra.roles.primitives.rendering import template

def files(part):
    yield template(part, "api.j2", to="/etc/api", mode="0400")
""",
    "checks.py": "def checks(part):\n    return ()\n",
    "templates/api.j2": "# Written by coopinfra; changes here are lost.\n{{ secret('api') }}\n",
}


@pytest.fixture
def kept(tmp_path):
    """An organisation with a token of some provider, which coopinfra cannot make, and nobody has typed in yet."""
    package = tmp_path / "source/coopinfra"
    package.mkdir(parents=True)
    for name in ("cli", "deploy", "templates"):
        (package / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "roles", package / "roles", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in ROLE.items():
        path = package / "roles/tokens" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made = keeper(tmp_path, "ada", "bruno")
    (made.folder / "org.yml").write_text(ORG)
    (tmp_path / "identity").write_text(f"{made.people['ada']}\n")
    return made


@pytest.fixture
def terminal(kept, tmp_path):
    """Start `coopinfra secrets VERB highbeam ...` or `coopinfra deploy highbeam ...` at a terminal."""

    def start(*words, **environment):
        ours = {
            "PYTHONPATH": str(tmp_path / "source"),
            "COOPINFRA_INVENTORIES": str(kept.inventories),
            "COOPINFRA_AGE_IDENTITY": str(tmp_path / "identity"),
            # With no key, and so with no way to a server.
            "HOME": "/nonexistent",
            "SSH_AUTH_SOCK": "",
            "VISUAL": "",
        }
        verb = ("deploy",) if words[0] == "deploy" else ("secrets", words[0])
        return Terminal((*COOPINFRA, *verb, "highbeam", *words[1:]), {**ours, **environment})

    return start


@pytest.fixture
def token(terminal, kept):
    """Type the token in for the first time."""
    at = terminal("set", TOKEN)
    at.waits_for(f"New value of {TOKEN} (not shown)")
    at.types("sk-first")
    assert at.ends() == 0, at.said
    assert "sk-first" not in at.said
    assert value_of(kept) == b"sk-first"
    return kept.file(TOKEN)


def value_of(kept):
    text = pyrage.decrypt(kept.file(TOKEN).read_bytes(), [kept.people["ada"]])
    return yaml.safe_load(text)["value"].encode()


@pytest.mark.parametrize("typed", ["", "   "])
@pytest.mark.parametrize("words", [("set", TOKEN), ("rotate", TOKEN, "--yes", "--unproven")], ids=["set", "rotate"])
def test_enter_erases_nothing(terminal, token, words, typed):
    before = token.read_bytes()
    at = terminal(*words)
    at.waits_for("not shown")

    at.types(typed)

    assert at.ends() == 2
    assert "nothing was typed in, and the secret stays as it is" in at.said
    assert "Traceback" not in at.said
    assert token.read_bytes() == before


@pytest.mark.parametrize("words", [("set", TOKEN), ("rotate", TOKEN, "--yes", "--unproven")], ids=["set", "rotate"])
def test_the_value_that_it_has_already_does_not_count_as_new(terminal, token, words):
    before = token.read_bytes()
    at = terminal(*words)
    at.waits_for("not shown")

    at.types("sk-first")

    assert at.ends() == 2
    assert "that is the value it has already" in at.said
    assert token.read_bytes() == before, "`audit` would take it for rotated"


def test_a_rotation_that_reaches_no_server_leaves_the_inventory_byte_by_byte_as_it_was(terminal, token, kept):
    before = {path: path.read_bytes() for path in kept.folder.rglob("*") if path.is_file()}
    at = terminal("rotate", TOKEN, "--unproven")
    at.waits_for(f"Replace {TOKEN} and deploy web1?")
    at.types("y")
    at.waits_for("not shown")

    at.types("sk-second")

    assert at.ends() == 2
    assert "nothing was changed" in at.said
    assert "sk-second" not in at.said
    assert {path: path.read_bytes() for path in kept.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("answer", ["", "n"])
def test_who_does_not_say_yes_is_shown_nothing_and_changes_nothing(terminal, token, kept, answer):
    before = token.read_bytes()
    for words, question in ((("show", TOKEN), "note that you saw it?"), (("rotate", TOKEN, "--unproven"), "Replace")):
        at = terminal(*words)
        at.waits_for(question)
        at.types(answer)
        assert at.ends() == 3
        assert "nothing was done" in at.said
        assert "sk-first" not in at.said
    assert token.read_bytes() == before
    assert not (kept.folder / "secrets/shown.log").exists()


def test_what_nobody_typed_in_yet_can_be_edited_and_is_not_rotated(terminal, kept, tmp_path):
    at = terminal("rotate", TOKEN, "--yes", "--unproven")
    assert at.ends() == 2
    assert f"type it in: `coopinfra secrets set highbeam {TOKEN}`" in at.said

    at = terminal("edit", TOKEN, EDITOR=program(tmp_path, 'echo sk-edited >"$1"'))

    assert at.ends() == 0, at.said
    assert value_of(kept) == b"sk-edited"


@pytest.mark.parametrize(
    ("does", "ends"),
    [
        (':>"$1"', (2, "nothing was typed in")),
        ("exit 1", (2, "ended with 1, and nothing was changed")),
        ("", (0, "nothing was changed")),
        ('echo >>"$1"', (0, "nothing was changed")),  # as editors do
    ],
    ids=["emptied", "failed", "only looked", "a new line at the end"],
)
def test_an_editor_that_changes_nothing_changes_nothing(terminal, token, tmp_path, does, ends):
    before = token.read_bytes()

    at = terminal("edit", TOKEN, EDITOR=program(tmp_path, does))

    code, said = ends
    assert at.ends() == code
    assert said in at.said
    assert token.read_bytes() == before


def test_what_is_edited_lies_in_memory_for_nobody_else_and_is_gone_when_we_are_killed(terminal, token, tmp_path):
    editor = program(
        tmp_path,
        f'cd {tmp_path}; echo "$1" >where; stat -c %a "$1" "${{1%/*}}" >modes; stat -f -c %T "$1" >>modes\n'
        'cp "$1" "$1.swp"; echo opened; sleep 600',
    )
    at = terminal("edit", TOKEN, EDITOR=editor)
    at.waits_for("opened")
    file = Path((tmp_path / "where").read_text().strip())
    assert (tmp_path / "modes").read_text().split() == ["600", "700", "tmpfs"]
    assert file.read_text() == "sk-first", "the control: it is there"

    os.kill(at.pid, signal.SIGKILL)

    deadline = time.monotonic() + PATIENCE
    while file.parent.exists():
        assert time.monotonic() < deadline, "it stays behind"
        time.sleep(0.05)
    assert not file.with_suffix(".swp").exists()


def test_a_wrapped_identity_is_made_and_its_passphrase_asked_for_once(terminal, kept, tmp_path):
    wrapped = {"COOPINFRA_AGE_IDENTITY": str(tmp_path / "wrapped")}
    made = Terminal((*COOPINFRA, "secrets", "identity"), wrapped)
    for question in ("New passphrase", "The same again"):
        made.waits_for(question)
        made.types("correct horse battery")
    assert made.ends() == 0, made.said
    assert "correct horse" not in made.said
    public = next(word for word in made.said.split() if word.startswith("age1"))
    assert (tmp_path / "wrapped").read_bytes().startswith((b"age-encryption.org/", b"-----BEGIN AGE"))
    text = (kept.inventories / "collective.yml").read_text()
    (kept.inventories / "collective.yml").write_text(f"{text}  dana:\n    name: Dana\n    age_keys: [{public}]\n")
    (kept.folder / "org.yml").write_text(WEBSITES)
    making = terminal("generate")
    assert making.ends() == 0, making.said

    kept.file("web1/website/main-htpasswd").unlink()

    # It makes one secret from another, and reads others for the files: both need the identity.
    at = terminal("deploy", "--yes", **wrapped)
    at.waits_for(f"Passphrase of {tmp_path}/wrapped")
    at.types("correct horse battery")
    at.ends()

    assert "made the secret web1/website/main-htpasswd" in at.said
    assert "COOPINFRA_SSH_KEY" in at.said, "it went on until it had no key for a server"
    assert at.said.count("Passphrase") == 1


def program(folder, does):
    """Write a program that takes the editor's place."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o700)
    return str(path)
