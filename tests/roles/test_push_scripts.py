"""The scripts between a key and a release, with a real git and no server: what they take, and what they refuse."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from coopinfra.roles.contract import File
from coopinfra.roles.registry import roles
from examples import Example

EXAMPLE = Example(roles()["website"], roles()["website"].folder / "examples/push.yml")
HOME = "/etc/coopinfra/sites/highbeam-main"
# In the place of sshd, and of sudo with the script that makes a release.
SSH = "#!/bin/sh\nfor last; do :; done\nSSH_ORIGINAL_COMMAND=$last exec {folder}/git-shell-commands/receive rosa\n"
SUDO = """#!/bin/sh
echo "$*" >>{folder}/calls
cat >{folder}/archive
echo as it is told
exit $(cat {folder}/code 2>/dev/null || echo 0)
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Lay out the scripts of the main site among stand-ins."""
    folder = tmp_path / "server"
    for each in EXAMPLE.role.files(EXAMPLE.part):
        if isinstance(each, File) and each.path.startswith(f"{HOME}/"):
            path = folder / each.path.removeprefix(f"{HOME}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = each.content.decode().replace(HOME, str(folder)).replace("/srv/data", str(tmp_path))
            path.write_text(text.replace("PATH=/usr/bin:/bin", f"PATH={folder}/bin:/usr/bin:/bin"))
            path.chmod(0o755)
    (folder / "bin").mkdir()
    for name, text in (("bin/sudo", SUDO), ("ssh", SSH)):
        (folder / name).write_text(text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the site, with one commit."""
    folder = tmp_path / "copy"
    folder.mkdir()
    run(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "index.html").write_text("<p>first\n")
    run(folder, "add", "--all")
    run(folder, "commit", "--quiet", "--message=first")
    return folder


def run(folder: Path, *words: str, server: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    who = {f"GIT_{who}_{what}": "rosa" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_SSH": f"{server}/ssh", **more}
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, env=environ, check=False)


def push(copy: Path, server: Path, *refs: str, to: str = "main") -> subprocess.CompletedProcess[str]:
    return run(copy, "push", f"ssh://login@server/{to}", *(refs or ("main",)), server=server)


def handed(server: Path) -> dict[str, str]:
    """Return what the publisher was given, by name."""
    with tarfile.open(server / "archive") as archive:
        members = [each for each in archive.getmembers() if each.isfile()]
        return {each.name: (archive.extractfile(each) or io.BytesIO()).read().decode() for each in members}


def test_a_push_hands_its_files_and_who_pushed_them_to_the_publisher(copy: Path, server: Path) -> None:
    ran = push(copy, server)

    commit = run(copy, "rev-parse", "HEAD").stdout.strip()
    assert ran.returncode == 0, ran.stderr
    assert "remote: as it is told" in ran.stderr
    assert (server / "calls").read_text() == f"-n {server}/publish {commit} rosa\n"
    assert handed(server) == {"index.html": "<p>first\n"}


def test_what_the_publisher_refuses_is_not_kept(copy: Path, server: Path) -> None:
    (server / "code").write_text("1")

    refused = push(copy, server)
    (server / "code").write_text("0")
    went = push(copy, server)

    assert refused.returncode == 1
    assert "pre-receive hook declined" in refused.stderr
    assert "[new branch]" in went.stderr


@pytest.mark.parametrize(
    ("refs", "said"),
    [
        (("main:other",), "the site is made of the branch main, and this is other"),
        (("main:refs/tags/v1",), "this is v1"),
        (("main", "main:other"), "several branches or tags"),
    ],
)
def test_one_branch_counts(copy: Path, server: Path, refs: tuple[str, ...], said: str) -> None:
    ran = push(copy, server, *refs)

    assert ran.returncode == 1
    assert said in ran.stderr
    assert not (server / "calls").exists()


def test_nothing_that_was_pushed_is_taken_away(copy: Path, server: Path) -> None:
    push(copy, server)
    run(copy, "commit", "--quiet", "--amend", "--message=another")

    forced, removed = push(copy, server, "+main"), push(copy, server, ":main")
    fetched = run(copy, "fetch", "ssh://login@server/main", "main", server=server)

    assert "this would take away what was pushed before" in forced.stderr
    assert "cannot be removed" in removed.stderr
    assert fetched.returncode == 0, fetched.stderr


@pytest.mark.parametrize("to", ["letters", "main.git", "../main", "main;id", "srv/data/highbeam-main.git"])
def test_a_key_reaches_its_own_site_alone(copy: Path, server: Path, to: str) -> None:
    ran = push(copy, server, to=to)

    assert ran.returncode != 0
    assert "this key is for the site main and nothing else" in ran.stderr


def test_git_obeys_nothing_but_its_own_settings(copy: Path, server: Path, tmp_path: Path) -> None:
    """Also where the other side has set variables, or somebody has written into the repository's own settings."""
    push(copy, server)
    planted = f"{tmp_path}/planted"
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-receive").write_text(f"#!/bin/sh\ntouch {planted}\n")
    (tmp_path / "hooks/pre-receive").chmod(0o755)
    repository = tmp_path / "highbeam-main.git"
    run(repository, "config", "core.hooksPath", f"{tmp_path}/hooks")
    run(copy, "commit", "--quiet", "--allow-empty", "--message=second")
    settings = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": f"{tmp_path}/hooks",
    }

    ran = run(copy, "push", "ssh://login@server/main", "main", server=server, **settings)
    by_hand = run(copy, "push", str(repository), "main:other")

    assert ran.returncode == 0, ran.stderr
    assert len((server / "calls").read_text().splitlines()) == 2
    assert by_hand.returncode == 0, by_hand.stderr
    assert Path(planted).exists(), "the control: without our scripts git obeys"


def test_attributes_run_nothing_and_what_they_say_of_files_is_what_git_archive_has(copy: Path, server: Path) -> None:
    (copy / ".gitattributes").write_text("*.txt filter=theirs diff=theirs export-subst\nkept.txt export-ignore\n")
    run(copy, "config", "filter.theirs.clean", "cat")
    for name, text in (("a.txt", "$Format:%s$\n"), ("kept.txt", "for us\n")):
        (copy / name).write_text(text)
    run(copy, "add", "--all")
    run(copy, "commit", "--quiet", "--message=a subject")

    ran = push(copy, server)

    assert ran.returncode == 0, ran.stderr
    assert {name for name in handed(server) if not name.startswith(".")} == {"a.txt", "index.html"}
    assert handed(server)["a.txt"] == "a subject\n"


@pytest.mark.parametrize(
    ("script", "limit", "said"),
    [
        ("hooks/pre-receive", "bytes > 524288000", "it has more than 500 MB"),
        ("hooks/pre-receive", "files > 50000", "it has more than 50000 files"),
        ("git-shell-commands/receive", "maxInputSize=524288000", "pack exceeds maximum allowed size"),
    ],
)
def test_what_is_too_much_is_refused(copy: Path, server: Path, script: str, limit: str, said: str) -> None:
    """With limits of one byte or file in the place of the real ones."""
    path = server / script
    assert limit in path.read_text()
    path.write_text(path.read_text().replace(limit, limit.rstrip("0123456789") + "1"))
    (copy / "more.txt").write_text("x" * 10)
    run(copy, "add", "--all")
    run(copy, "commit", "--quiet", "--message=more")

    ran = push(copy, server)

    assert ran.returncode == 1
    assert said in ran.stderr, ran.stderr
    assert not (server / "calls").exists()
