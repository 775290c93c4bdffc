"""Where a site's files come from."""

import subprocess
import tarfile

import pytest

from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.source import SourceError, find_source


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "org/sites/main/img").mkdir(parents=True)
    (tmp_path / "org/sites/main/index.html").write_text("hello")
    (tmp_path / "org/sites/main/img/a.svg").write_text("<svg/>")
    return tmp_path / "org"


FOLDER = Release("main", "/srv/sites/x-main", folder="sites/main")


def test_the_id_of_a_folder_follows_from_its_content_alone(home):
    first = find_source(FOLDER, home)
    (home / "sites/main/index.html").touch()
    again = find_source(FOLDER, home)
    (home / "sites/main/index.html").write_text("hello!")
    changed = find_source(FOLDER, home)

    assert first.id == again.id != changed.id
    assert [name for name, _ in first.files] == ["img/a.svg", "index.html"]


def test_a_name_that_moves_to_the_end_of_another_content_is_another_release(home):
    first = find_source(FOLDER, home).id
    (home / "sites/main/index.html").rename(home / "sites/main/index.htm")

    assert find_source(FOLDER, home).id != first


def test_an_archive_is_owned_by_root_and_readable_by_all(home):
    with find_source(FOLDER, home).archive() as stream, tarfile.open(fileobj=stream) as archive:
        members = archive.getmembers()

    assert [(m.name, m.uid, m.mode) for m in members] == [("img/a.svg", 0, 0o644), ("index.html", 0, 0o644)]


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/passwd"), lambda p: p.symlink_to("/etc")])
def test_links_are_refused(home, make):
    make(home / "sites/main/secrets")

    with pytest.raises(SourceError, match="is a link or no plain file"):
        find_source(FOLDER, home)


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        command = ["git", "-C", tmp_path / "repo", "-c", "user.name=A", "-c", "user.email=a@b.example", *words]
        subprocess.run(command, check=True, capture_output=True)

    (tmp_path / "repo").mkdir()
    git("init", "-b", "main")
    (tmp_path / "repo/index.html").write_text("one")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "v1")
    (tmp_path / "repo/index.html").write_text("two")
    git("commit", "-am", "two")
    return f"file://{tmp_path}/repo"


def test_a_repository_is_read_at_its_branch_or_tag(home, repository):
    newest = find_source(Release("main", "/srv/x", git=repository, ref="main"), home)
    tagged = find_source(Release("main", "/srv/x", git=repository, ref="v1"), home)

    assert [path.read_text() for _, path in newest.files] == ["two"]
    assert [path.read_text() for _, path in tagged.files] == ["one"]
    assert newest.id != tagged.id


def test_a_repository_or_ref_that_is_not_there_says_what_git_said(home, repository):
    for release in (
        Release("main", "/srv/x", git=repository, ref="nowhere"),
        Release("main", "/srv/x", git=f"{repository}-gone", ref="main"),
    ):
        with pytest.raises(SourceError, match="git says: "):
            find_source(release, home)
