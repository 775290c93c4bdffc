"""What must be done about secrets is told from who could ever read them, and from the files as they are."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pyrage
import pytest

from coopinfra.deploy.jobs.secrets import Keeping, recover, reencrypt
from coopinfra.deploy.jobs.secrets_audit import audit, verify
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.secrets.envelope import SecretError
from coopinfra.deploy.secrets.readers import readers_of
from keeping import HTPASSWD, PASSWORD, keeper


@pytest.fixture
def kept(tmp_path):
    made = keeper(tmp_path, "ada", "bruno")
    made.generate()
    return made


def keeping(kept):
    return Keeping(kept.org, kept.plan, kept.store, cache(kept.identities()))


def commit(kept):
    git = ("git", "-C", kept.inventories, "-c", "user.name=x", "-c", "user.email=x@lantern.example")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "x", "--no-gpg-sign")):
        subprocess.run([*git, *words], check=True, capture_output=True)


def silent(_done, _of):
    pass


def test_without_a_history_nothing_is_said_about_who_could_read(kept):
    with pytest.raises(InputError, match="no git history"):
        audit(keeping(kept))


def test_who_left_is_named_until_what_they_could_read_is_rotated(kept):
    commit(kept)
    assert audit(keeping(kept)) == ()
    kept.people.pop("bruno")
    kept.list_people()
    commit(kept)
    reencrypt(keeping(kept), silent)

    found = audit(keeping(kept))

    assert {(each.path, each.todo) for each in found} == {(path, "rotate") for path, _ in kept.store.declared}
    assert all("bruno could read it" in each.why for each in found), "today's list alone would say that all is well"
    after = datetime.now(UTC) + timedelta(seconds=1)
    for path, envelope in kept.store.read(kept.store.on_disk(), kept.identities()).items():
        kept.store.write(path, replace(envelope, value=b"anew", created=after), "", readers_of(kept.org).all)
    assert audit(keeping(kept)) == ()


def test_a_new_key_of_the_same_person_is_another_reader(kept):
    commit(kept)
    kept.people["bruno"] = pyrage.x25519.Identity.generate()
    kept.list_people()

    assert {each.todo for each in audit(keeping(kept))} == {"rotate"}


def test_somebody_new_can_read_after_it_is_encrypted_anew(kept):
    kept.people["cleo"] = pyrage.x25519.Identity.generate()
    kept.list_people()
    commit(kept)
    assert {(each.todo, each.why) for each in audit(keeping(kept))} == {("reencrypt", "cleo cannot read it yet")}
    with pytest.raises(SecretError, match="not encrypted for cleo"):
        verify(keeping(kept))

    reencrypt(keeping(kept), silent)

    assert audit(keeping(kept)) == ()
    assert verify(keeping(kept)) == 4
    assert kept.store.read((PASSWORD,), kept.identities("cleo"))


def test_verify_names_all_that_does_not_fit_together(kept):
    readers = readers_of(kept.org).all
    secret = kept.store.secret(PASSWORD)
    kept.store.write(PASSWORD, kept.store.envelope(PASSWORD, secret, b"alone"), "", readers)
    kept.file("web1/website/blog-htpasswd").unlink()

    with pytest.raises(SecretError) as caught:
        verify(keeping(kept))

    assert [(each.file, each.message) for each in caught.value.problems] == [
        ("highbeam/secrets/web1/website/blog-htpasswd.age", "this secret is missing"),
        (f"highbeam/secrets/{HTPASSWD}.age", "it was made from another `main-password` than there is now"),
    ]


def test_with_the_recovery_sheet_alone_everything_is_had_back(kept):
    before = kept.store.read(kept.store.on_disk(), kept.identities())

    made = recover(keeping(kept), silent)

    kept.people = {"recovery": pyrage.x25519.Identity.from_str(made.private)}
    found = kept.store.read(kept.store.on_disk(), kept.identities("recovery"))
    assert {path: each.value for path, each in found.items()} == {path: each.value for path, each in before.items()}
    assert made.private not in repr(made)
    assert "recovery" in readers_of(kept.org).owners


def test_a_second_sheet_is_refused(kept):
    recover(keeping(kept), silent)

    with pytest.raises(InputError, match="printed once only"):
        recover(keeping(kept), silent)


def test_a_thousand_are_encrypted_anew_for_ten_and_say_how_far_they_are(kept, record_property):
    for number in range(8):
        kept.people[f"reader{number}"] = pyrage.x25519.Identity.generate()
    kept.list_people()
    readers = readers_of(kept.org).all
    envelope = kept.store.read((PASSWORD,), kept.identities())[PASSWORD]
    for number in range(996):
        path = f"web1/website/extra{number}"
        kept.store.write(path, kept.store.envelope(path, kept.store.secret(PASSWORD), envelope.value), "", readers)
    said = []
    started = datetime.now(UTC)

    count = reencrypt(keeping(kept), lambda done, of: said.append((done, of)))

    # A figure, not a limit: how busy the machine is says more about it than we do.
    record_property("seconds", (datetime.now(UTC) - started).total_seconds())
    assert (count, len(readers), said[-1]) == (1000, 10, (1000, 1000))
