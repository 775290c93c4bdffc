"""Only what somebody signed whom the list deployed before had allowed is deployed; real git, real keys."""

import subprocess

import pytest

from coopinfra.deploy.secrets.authenticity import Deployed, NotSigned, check_signatures, head
from keeping import keeper


class Repository:
    """An inventory in git, and somebody's signing keys."""

    def __init__(self, folder):
        self.kept, self.home, self.keys = keeper(folder, "ada"), folder / "inventories", folder
        for name in ("ada", "mallory"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        self.sign_for("ada")
        self.git("init", "--quiet")

    def sign_for(self, *names):
        keys = ", ".join((self.keys / f"{name}.pub").read_text().strip() for name in names)
        self.kept.list_people(ada=f"signing_keys: [{keys}]")

    def git(self, *words, key=""):
        sign = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={self.keys / key}") if key else ()
        who = ("-c", "user.name=x", "-c", "user.email=x@lantern.example", "-c", "commit.gpgsign=false")
        ran = subprocess.run(["git", "-C", self.home, *who, *sign, *words], check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def commit(self, message, key=""):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, *(["-S"] if key else []), key=key)
        return self.git("rev-parse", "HEAD")

    def touch(self, text="touched"):
        path = self.home / "highbeam/known_hosts"
        path.write_text(text)

    def refused(self, deployed):
        try:
            check_signatures(self.kept.org, [Deployed("web1", deployed, signed=True)])
        except NotSigned as error:
            return "; ".join(problem.message for problem in error.problems)
        return ""


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def test_signed_by_one_of_ours_goes_on_and_unsigned_does_not(repository):
    first = repository.commit("First", key="ada")
    assert repository.refused("") == ""
    repository.touch()
    repository.commit("Signed", key="ada")
    assert repository.refused(first) == ""

    repository.touch("again")
    repository.commit("Not signed")

    assert "Not signed is not signed by anybody that" in repository.refused(first)
    assert "Not signed" in repository.refused("")


def test_a_push_that_brings_its_own_signer_is_refused_and_one_that_ours_bring_is_not(repository):
    first = repository.commit("First", key="ada")
    repository.sign_for("mallory")
    repository.commit("My own key", key="mallory")
    assert "My own key" in repository.refused(first)

    repository.git("reset", "--hard", "--quiet", first)
    repository.sign_for("ada", "mallory")
    second = repository.commit("A colleague", key="ada")
    repository.touch()
    repository.commit("By the colleague", key="mallory")

    assert "By the colleague" in repository.refused(first), "deploy what names them first"
    assert repository.refused(second) == ""


def test_a_forged_commit_stays_forged_when_it_is_undone(repository):
    first = repository.commit("First", key="ada")
    repository.touch()
    repository.commit("Forged")
    repository.git("revert", "--no-edit", "HEAD")
    repository.commit("On top", key="ada")

    assert "Forged" in repository.refused(first)


def test_a_merge_that_brings_back_an_older_state_must_be_signed_too(repository):
    first = repository.commit("First", key="ada")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.touch()
    repository.commit("Somebody leaves", key="ada")
    repository.git("checkout", "--quiet", "-")
    repository.git("merge", "--quiet", "--no-ff", "-s", "ours", "-m", "Merge", "side")

    assert "Merge is not signed" in repository.refused(first)


def test_other_files_need_no_signature(repository):
    first = repository.commit("First", key="ada")
    (repository.home / "highbeam/sites/main/news.html").write_text("<p>News</p>")
    repository.commit("A page")

    assert repository.refused(first) == ""


def test_history_that_was_rewritten_is_refused(repository):
    first = repository.commit("First", key="ada")
    repository.git("commit", "--quiet", "--amend", "-m", "Rewritten", "-S", key="ada")

    assert f"{first[:12]}, which is not in this history" in repository.refused(first)


def test_what_is_not_committed_is_refused_by_name(repository):
    repository.commit("First", key="ada")
    repository.touch()

    with pytest.raises(NotSigned, match="`highbeam/known_hosts` is not committed"):
        head(repository.kept.org)


def test_what_this_run_made_itself_need_not_be_committed_yet_and_nothing_else(repository):
    first = repository.commit("First", key="ada")
    repository.kept.generate()
    made = repository.kept.store.on_disk()

    assert head(repository.kept.org, made) == first
    with pytest.raises(NotSigned, match="is not committed"):
        head(repository.kept.org, made[1:])
