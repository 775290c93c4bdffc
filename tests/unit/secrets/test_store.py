"""Secrets at rest: made once, readable for whom they are meant, and refused by name wherever something is wrong."""

import shutil
import subprocess
from dataclasses import replace

import bcrypt
import pyrage
import pytest

from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.secrets.envelope import Envelope, SecretError, seal, unseal
from coopinfra.deploy.secrets.making import put_with_derived, refuse_missing
from coopinfra.deploy.secrets.readers import readers_of, refuse_one_reader
from coopinfra.roles.contract import File
from coopinfra.roles.primitives.markers import markers_in, reveal
from keeping import HTPASSWD, PASSWORD, keeper, swap


@pytest.fixture
def kept(tmp_path):
    made = keeper(tmp_path, "ada", "bruno")
    made.generate()
    return made


def problems(kept, name="ada", paths=(PASSWORD, HTPASSWD, "web1/website/blog-password", "web1/website/blog-htpasswd")):
    with pytest.raises(SecretError) as caught:
        kept.store.read(paths, kept.identities(name))
    return [(each.file, each.message) for each in caught.value.problems]


def test_what_is_missing_is_made_once_and_never_replaced(kept):
    before = {path: kept.file(path).read_bytes() for path in kept.store.on_disk()}

    assert sorted(before) == sorted(path for path, _ in kept.store.declared)
    assert kept.generate() == ()
    assert before == {path: kept.file(path).read_bytes() for path in kept.store.on_disk()}


def test_a_deploy_makes_what_is_new_and_never_what_was_there_and_is_gone(kept):
    at = "web1/website/main-{}".format
    known = frozenset({at("password"), at("htpasswd")})
    refuse_missing(kept.store, known)
    kept.file(at("htpasswd")).unlink()
    refuse_missing(kept.store, frozenset())  # nothing tells it from one that was never made

    with pytest.raises(SecretError) as by_git:
        refuse_missing(kept.store, known)
    kept.generate()
    kept.file(at("password")).unlink()
    with pytest.raises(SecretError) as by_what_was_made_from_it:
        refuse_missing(kept.store, frozenset())

    assert [
        (each.file, each.message) for error in (by_git, by_what_was_made_from_it) for each in error.value.problems
    ] == [
        (f"highbeam/secrets/{at('htpasswd')}.age", "this secret was there, and is missing"),
        (f"highbeam/secrets/{at('password')}.age", "this secret was there, and is missing"),
    ]


def test_everybody_who_is_listed_reads_the_same(kept):
    ada, bruno = (kept.store.read((PASSWORD,), kept.identities(name)) for name in ("ada", "bruno"))

    assert ada == bruno
    assert ada[PASSWORD].readers == readers_of(kept.org).all


def test_what_is_made_from_another_follows_it(kept):
    secret = kept.store.secret(PASSWORD)
    written = put_with_derived(kept.store, PASSWORD, secret, b"a new one", readers_of(kept.org).all)

    found = kept.store.read((PASSWORD, HTPASSWD), kept.identities())
    assert written == (PASSWORD, HTPASSWD)
    user, _, hashed = found[HTPASSWD].value.partition(b":")
    assert user == b"preview"
    assert bcrypt.checkpw(b"a new one", hashed)


def test_every_file_that_is_not_right_is_refused_by_name_and_all_at_once(kept):
    kept.file(PASSWORD).unlink()
    swap(kept.file("web1/website/blog-password"), kept.file("web1/website/blog-htpasswd"))
    flipped = bytearray(pyrage_binary(kept.file(HTPASSWD)))
    flipped[-1] ^= 1
    kept.file(HTPASSWD).write_bytes(flipped)

    found = problems(kept)

    assert [file.rpartition("/")[2] for file, _ in found] == [
        "main-password.age",
        "main-htpasswd.age",
        "blog-password.age",
        "blog-htpasswd.age",
    ]
    assert [message.split(" (")[0] for _, message in found] == [
        "this secret is missing",
        "it cannot be decrypted",
        "it is the secret `highbeam/web1/website/blog-htpasswd`, which belongs elsewhere",
        "it is the secret `highbeam/web1/website/blog-password`, which belongs elsewhere",
    ]


def pyrage_binary(path):
    import base64

    lines = path.read_text().splitlines()
    return base64.b64decode("".join(lines[1:-1]))


def test_a_foreign_key_reads_nothing(kept):
    kept.people["mallory"] = pyrage.x25519.Identity.generate()

    assert [message for _, message in problems(kept, "mallory", (PASSWORD,))] == ["it was not encrypted for you"]


def test_who_is_removed_reads_nothing_that_is_encrypted_anew_but_still_the_old_file(kept):
    old = kept.file(PASSWORD).read_bytes()
    gone = kept.people.pop("bruno")
    kept.list_people()
    envelope = kept.store.read((PASSWORD,), kept.identities())[PASSWORD]

    kept.store.write(PASSWORD, envelope, "", readers_of(kept.org).all)

    new = kept.file(PASSWORD).read_bytes()
    where = ("highbeam/" + PASSWORD, "it")
    with pytest.raises(SecretError):
        unseal(new, (gone,), *where)
    assert unseal(old, (gone,), *where).value == envelope.value, "this is why what he could read must be rotated"


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        ("until: 2020-01-01", False),
        ("since: 2999-01-01", False),
        ("organisations: [another]", False),
        ("organisations: [highbeam]", True),
        ("until: 2999-01-01", True),
    ],
)
def test_recipients_follow_from_collective_yml(kept, line, reads):
    kept.list_people(bruno=line)

    assert ("bruno" in readers_of(kept.org).owners) is reads
    assert ("bruno" in [each.login for each in kept.plan.collective.operators]) is reads


def test_one_reader_alone_is_refused_and_told_what_to_do(kept):
    readers = readers_of(kept.org)
    refuse_one_reader(kept.org, readers)

    with pytest.raises(InputError, match="only `ada` can read"):
        refuse_one_reader(kept.org, replace(readers, keys=readers.keys[:1]))


def test_a_plan_needs_no_identity_and_holds_markers_alone(kept):
    files = [each for each in kept.plan.servers[0].files if isinstance(each, File)]
    sealed = [file for file in files if file.sealed]

    assert [markers_in(file.content) for file in sealed] == [(HTPASSWD,), ("web1/website/blog-htpasswd",)]
    assert not any(markers_in(file.content) for file in files if file not in sealed)
    kept.file(HTPASSWD).unlink()
    changed = [file for file in kept.plan.servers[0].files if isinstance(file, File) and file.sealed]
    assert changed[0].sealed != sealed[0].sealed
    assert changed[1] == sealed[1]


def test_a_marker_becomes_its_value_and_one_without_value_is_an_error(kept):
    file = next(each for each in kept.plan.servers[0].files if isinstance(each, File) and each.sealed)

    assert reveal(file.content, {HTPASSWD: b"\\1 secret"}).endswith(b"\n\\1 secret\n")
    with pytest.raises(KeyError):
        reveal(file.content, {})


def test_a_value_is_not_shown_by_accident(kept):
    envelope = kept.store.read((PASSWORD,), kept.identities())[PASSWORD]

    assert envelope.text not in repr(envelope)
    assert envelope.text not in str(kept.store)


def test_what_is_no_secret_of_ours_is_refused_without_showing_it(kept):
    readers = [pyrage.x25519.Recipient.from_str(each) for each in readers_of(kept.org).all]
    for text in (b"just: text", b"\tcanary", b"- canary", b"coopinfra-secret: 2", b"{", b"coopinfra-secret: 1"):
        kept.file(PASSWORD).write_bytes(pyrage.encrypt(text, readers, armored=True))
        ((_, message),) = problems(kept, paths=(PASSWORD,))
        assert "canary" not in message


def test_bytes_that_are_no_text_come_back_as_they_were(kept):
    envelope = kept.store.read((PASSWORD,), kept.identities())[PASSWORD]
    for value in (bytes(range(256)), b"", b"trailing \n", "é\u2028".encode(), b"a\r\nb", b"2026-01-01"):
        sealed = seal(replace(envelope, value=value), readers_of(kept.org).all)
        found = unseal(sealed, (kept.people["ada"],), envelope.path, "it")
        assert isinstance(found, Envelope)
        assert found.value == value


@pytest.mark.skipif(not shutil.which("age"), reason="the age command is not installed")
def test_the_age_command_reads_ours_and_we_read_its(kept, tmp_path):
    (tmp_path / "identity").write_text(f"{kept.people['ada']}\n")

    text = subprocess.run(
        ["age", "--decrypt", "-i", tmp_path / "identity", kept.file(PASSWORD)], capture_output=True, check=True
    ).stdout
    assert b"path: highbeam/" + PASSWORD.encode() in text
    readers = [word for each in readers_of(kept.org).all for word in ("-r", each)]
    subprocess.run(["age", "--armor", *readers, "-o", kept.file(PASSWORD)], input=text, check=True)
    assert kept.store.read((PASSWORD,), kept.identities("bruno"))[PASSWORD].text.encode() in text
