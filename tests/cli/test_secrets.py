"""`coopinfra secrets` as people use it: what is made, shown and refused; whole output where it is short."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.secrets.identity import open_identity
from entry import run_command
from keeping import PASSWORD, keeper, swap

ALL = [f"web1/website/{site}-{what}" for site in ("main", "blog") for what in ("password", "htpasswd")]


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """An inventory of two people; ada is at the keyboard, with an identity that needs no passphrase."""
    made = keeper(tmp_path, "ada", "bruno")
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(made.inventories))
    monkeypatch.setenv("COOPINFRA_AGE_IDENTITY", str(tmp_path / "identity"))
    (tmp_path / "identity").write_text(f"{made.people['ada']}\n")
    return made


@pytest.fixture
def run(kept):
    """Run the command in a process of its own, with something on standard input."""

    def in_a_process(*words, given="", **environment):
        ran = subprocess.run(
            [sys.executable, "-m", "coopinfra.cli.main", *words],
            input=given,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
        return ran.returncode, ran.stdout, ran.stderr

    return in_a_process


@pytest.fixture
def secrets(run):
    return lambda *words, **more: run("secrets", words[0], "highbeam", *words[1:], **more)


def value_of(kept, path=PASSWORD):
    return kept.store.read((path,), kept.identities())[path].text


def test_list_needs_no_identity_and_says_what_is_there_and_where_it_goes(secrets, kept):
    code, out, err = secrets("list", COOPINFRA_AGE_IDENTITY="/nonexistent")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "web1/website/main-password  password  missing  stays with the operators",
        (
            "web1/website/main-htpasswd  htpasswd  missing  goes into /etc/coopinfra/sites/highbeam-main/htpasswd"
            "  made from main-password"
        ),
    ]

    kept.generate()
    (kept.folder / "secrets/web1/website/old.age").write_text("x")
    found = json.loads(secrets("list", "--json")[1])
    assert [(each["path"], each["made"]) for each in found["secrets"]] == [(path, True) for path in ALL]
    assert found["not declared"] == ["web1/website/old"]


@pytest.mark.parametrize("words", [("validate", "highbeam"), ("plan", "highbeam", "--offline"), ("dns", "highbeam")])
def test_what_shows_no_secret_needs_no_identity(run, words):
    code, _, err = run(*words, COOPINFRA_AGE_IDENTITY="/nonexistent")

    assert code == 0, err


def test_generate_says_what_it_made_and_where_it_lies_and_then_that_nothing_is_missing(secrets):
    code, out, err = secrets("generate", COOPINFRA_AGE_IDENTITY="/nonexistent")

    assert (code, out) == (0, "")
    assert sorted(err.splitlines()) == sorted(f"wrote highbeam/secrets/{path}.age" for path in ALL)
    assert secrets("generate") == (0, "", "nothing is missing\n")


def test_show_asks_and_is_noted_with_who_and_when(secrets, kept):
    kept.generate()
    code, out, err = secrets("show", PASSWORD)
    assert (code, out) == (3, "")
    assert "nobody is there to say yes" in err
    assert not (kept.folder / "secrets/shown.log").exists()

    assert secrets("show", PASSWORD, "--yes") == (0, f"{value_of(kept)}\n", "")
    (note,) = (kept.folder / "secrets/shown.log").read_text().splitlines()
    assert json.loads(note)["path"] == PASSWORD


def test_set_takes_what_is_typed_and_makes_anew_what_is_made_from_it(secrets, kept):
    kept.generate()

    code, out, err = secrets("set", PASSWORD, given="correct horse\n")

    assert (code, out) == (0, "")
    assert err.count("wrote highbeam/secrets/") == 2
    assert "correct horse" not in err
    assert value_of(kept) == "correct horse"


@pytest.mark.parametrize("typed", ["", "\n", "  \n"])
def test_enter_erases_nothing(secrets, kept, typed):
    kept.generate()
    before = kept.file(PASSWORD).read_bytes()

    code, _, err = secrets("set", PASSWORD, given=typed)

    assert code == 2
    assert "the secret stays as it is" in err
    assert kept.file(PASSWORD).read_bytes() == before


def test_what_is_made_from_another_cannot_be_typed_in(secrets):
    code, _, err = secrets("set", "web1/website/main-htpasswd", given="x")

    assert code == 2
    assert f"is made from `{PASSWORD}`" in err


def test_a_secret_that_is_not_declared_is_named_with_the_one_that_was_meant(secrets):
    code, _, err = secrets("show", "web1/website/main-pasword", "--yes")

    assert code == 2
    assert f"did you mean `{PASSWORD}`" in err


def test_edit_shows_it_in_an_editor_in_memory_only_and_leaves_nothing_behind(secrets, kept, tmp_path):
    kept.generate()
    old = value_of(kept)
    editor = tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\necho "$1" >{tmp_path}/where; stat -f -c %T "$1" >{tmp_path}/kind\n'
        f'cat "$1" >{tmp_path}/seen; printf "edited by hand" >"$1"\n'
    )
    editor.chmod(0o700)

    code, out, err = secrets("edit", PASSWORD, EDITOR=str(editor), VISUAL="")

    assert (code, out) == (0, ""), err
    assert (tmp_path / "seen").read_text() == old
    assert (tmp_path / "kind").read_text() == "tmpfs\n"
    assert value_of(kept) == "edited by hand"
    assert not Path((tmp_path / "where").read_text().strip()).parent.exists()


def test_a_foreign_identity_and_swapped_files_are_refused_by_name(secrets, kept, tmp_path):
    kept.generate()
    (tmp_path / "foreign").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    code, _, err = secrets("verify", COOPINFRA_AGE_IDENTITY=str(tmp_path / "foreign"))
    assert code == 2
    assert err.count("it was not encrypted for you") == len(ALL)
    assert secrets("verify") == (0, "", "4 secrets are in order\n")

    swap(kept.file(ALL[0]), kept.file(ALL[1]))
    code, _, err = secrets("verify")
    assert code == 2
    assert err.count("which belongs elsewhere") == 2


def test_a_deploy_makes_what_is_missing_and_stops_while_one_person_alone_could_read_it(run, kept):
    kept.people.pop("bruno")
    kept.list_people()
    code, _, err = run("deploy", "highbeam", "--yes")
    assert code == 2
    assert "only `ada` can read the secrets of `highbeam`" in err
    assert "--one-reader" in err
    assert kept.store.on_disk() == ()

    # It goes on to the next thing that is not there: an SSH key.
    _, _, err = run("deploy", "highbeam", "--yes", "--one-reader", HOME="/nonexistent", SSH_AUTH_SOCK="")
    assert "made the secret web1/website/main-password: highbeam/secrets/web1/website/main-password.age" in err
    assert "only `ada`" not in err
    assert len(kept.store.on_disk()) == len(ALL)


def test_a_deploy_refuses_all_that_is_not_right_by_name_at_once_and_asks_no_server(run, kept):
    kept.generate()
    whole = {path: kept.file(path).read_bytes() for path in ALL}
    foreign = pyrage.x25519.Identity.generate().to_public()
    at = (f"web1/website/{name}" for name in ("main-htpasswd", "blog-htpasswd"))
    main, blog = at

    def deploy():
        # Without a key there is no way to a server: whoever gets so far says that.
        code, _, err = run("deploy", "highbeam", "--yes", HOME="/nonexistent", SSH_AUTH_SOCK="")
        return code, err

    def damaged(**files):
        for path, content in {**whole, **files}.items():
            kept.file(path).write_bytes(content)
        return deploy()

    assert "COOPINFRA_SSH_KEY" in damaged()[1], "the control: with files that are right it goes on to the servers"
    swapped = damaged(**{main: whole[blog], blog: whole[main]})
    flipped = damaged(
        **{main: whole[main].replace(b"\n", b"\nA", 2), blog: pyrage.encrypt(b"x", [foreign], armored=True)}
    )
    damaged()
    kept.file(main).unlink()
    kept.file(PASSWORD).unlink()
    (kept.folder / f"secrets/{main}.pub").write_text("a trace")
    missing = deploy()

    for (code, err), says in (
        (swapped, ("which belongs elsewhere", "which belongs elsewhere")),
        (flipped, ("it cannot be decrypted", "it was not encrypted for you")),
    ):
        assert code == 2
        for path, words in zip((main, blog), says, strict=True):
            assert f"error: highbeam/secrets/{path}.age: it" in err
            assert words in err
        assert "COOPINFRA_SSH_KEY" not in err
    assert missing[0] == 2
    assert f"highbeam/secrets/{main}.age: this secret was there, and is missing" in missing[1]
    assert "COOPINFRA_SSH_KEY" not in missing[1]
    assert not kept.file(main).exists()


def test_a_wrapped_identity_is_made_opened_with_its_passphrase_and_never_replaced(monkeypatch, capsys, tmp_path):
    def typed(_words):
        return "correct horse battery"

    monkeypatch.setenv("COOPINFRA_AGE_IDENTITY", str(tmp_path / "wrapped"))
    monkeypatch.setattr("coopinfra.deploy.secrets.identity.ask_passphrase", typed)
    code, out, _ = run_command(monkeypatch, capsys, "secrets", "identity")
    assert (code, out[:4]) == (0, "age1")
    assert b"AGE-SECRET-KEY" not in (tmp_path / "wrapped").read_bytes()
    assert (tmp_path / "wrapped").stat().st_mode & 0o777 == 0o600
    code, _, err = run_command(monkeypatch, capsys, "secrets", "identity")
    assert code == 2
    assert "is there already, and was not touched" in err

    (found,) = open_identity(typed)
    assert str(found.to_public()) == out.strip()
    with pytest.raises(InputError, match="not the passphrase"):
        open_identity(lambda _: "wrong")


def test_secrets_are_handed_over_for_one_key_alone(secrets, kept, tmp_path):
    kept.generate()
    heir = pyrage.x25519.Identity.generate()

    code, out, err = secrets("export", "--to", str(heir.to_public()), "--out", str(tmp_path / "out"), "--yes")

    assert code == 0, err
    assert len(out.splitlines()) == len(ALL)
    for line in out.splitlines():
        assert b"value" in pyrage.decrypt(Path(line).read_bytes(), [heir])
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(Path(line).read_bytes(), [kept.people["ada"]])


def test_what_cannot_be_handed_over_whole_or_to_somebody_is_refused(secrets, kept, tmp_path):
    to = ("--to", str(pyrage.x25519.Identity.generate().to_public()), "--out", str(tmp_path / "out"))
    assert "this secret is missing" in secrets("export", *to, "--yes")[2]
    kept.generate()
    code, _, err = secrets("export", *to)
    assert (code, "nobody is there to say yes" in err) == (3, True)
    private = str(pyrage.x25519.Identity.generate())
    code, _, err = secrets("export", "--to", private, "--out", str(tmp_path / "out"), "--yes")
    assert (code, "is no public age key" in err, private in err) == (2, True, False)
    assert not (tmp_path / "out").exists()
    assert not (kept.folder / "secrets/shown.log").exists()

    assert secrets("export", *to, "--yes")[0] == 0
    assert json.loads((kept.folder / "secrets/shown.log").read_text())["who"] == to[1]
    assert "not empty" in secrets("export", *to, "--yes")[2]


def test_the_recovery_sheet_is_printed_once_and_its_line_opens_everything(secrets, kept, tmp_path):
    kept.generate()
    code, out, err = secrets("recovery-sheet")
    assert code == 0, err
    line = next(line.strip() for line in out.splitlines() if "AGE-SECRET-KEY-1" in line)
    (tmp_path / "typed").write_text(line)

    assert secrets("verify", COOPINFRA_AGE_IDENTITY=str(tmp_path / "typed")) == (0, "", "4 secrets are in order\n")
    assert secrets("recovery-sheet")[0] == 2
    assert not any(line in path.read_text() for path in kept.inventories.rglob("*") if path.is_file())


def test_a_rotation_that_could_prove_nothing_is_refused_and_changes_nothing(secrets, kept):
    kept.generate()
    before = kept.file(PASSWORD).read_bytes()

    code, _, err = secrets("rotate", PASSWORD, "--yes")

    assert code == 1
    assert "does not accept" in err
    assert kept.file(PASSWORD).read_bytes() == before
