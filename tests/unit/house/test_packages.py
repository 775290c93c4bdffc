"""What is shipped, and what it is locked to."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = ("cli", "deploy", "inventories", "roles", "templates")
LOCKS = ("requirements.txt", "requirements-dev.txt")


def pins(text: str) -> dict[str, tuple[str, int]]:
    """Read a lock: the version of each package and the number of its hashes."""
    found: dict[str, tuple[str, int]] = {}
    for block in re.split(r"\n(?=\S)", text):
        if match := re.match(r"([a-z0-9-]+)==(\S+)", block):
            found[match[1]] = (match[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block)))
    return found


def addresses(text: str) -> list[str]:
    """Find what would tie a lock to one machine or one index."""
    return re.findall(r"\S*://\S*|^--?(?!hash)\S+|@ \S+|(?<=[ =])/\S+", text, re.MULTILINE)


def git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout


def build(source: Path, kind: str, to: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", to]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = to.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last commit, so that half-written files of the moment do not matter."""
    folder = tmp_path_factory.mktemp("clone") / "coopinfra"
    git("clone", "--quiet", str(ROOT), str(folder))
    return folder


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_version_and_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert len(pins(text)) > 30
    # A wheel and the source, at least: whoever has another platform or mirror installs the same.
    assert {name: count for name, (_, count) in pins(text).items() if count < 2} == {}
    assert addresses(text) == []


def test_an_address_in_a_lock_would_be_seen() -> None:
    bad = "--index-url https://mirror.example/simple\nx==1 \\\n    --hash=sha256:aa\n"
    bad += "y @ file:///srv/y.whl\nz==1 # from /srv/z\n"

    assert [found[:9] for found in addresses(bad)] == ["--index-u", "https://m", "@ file://", "/srv/z"]


def test_the_locks_hold_what_pyproject_asks_for_and_agree() -> None:
    locked, dev = (pins((ROOT / lock).read_text()) for lock in LOCKS)
    groups = PROJECT["dependency-groups"]
    names = {
        key: {re.split(r"[^a-z0-9-]", one)[0] for one in ones}
        for key, ones in {"run": PROJECT["project"]["dependencies"], **groups}.items()
    }

    assert names["run"] | names["build"] <= locked.keys()
    assert names["dev"] <= dev.keys()
    assert not names["dev"] - {"types-paramiko"} & locked.keys()
    assert {name: version for name, version in locked.items() if dev.get(name) != version} == {}


@pytest.mark.parametrize("way", ["from the checkout", "from the sdist"])
def test_a_wheel_holds_every_tracked_file_of_the_package(way: str, clone: Path, tmp_path: Path) -> None:
    source = clone
    if way == "from the sdist":
        with tarfile.open(build(clone, "sdist", tmp_path / "sdist")) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        (source,) = (tmp_path / "unpacked").iterdir()

    with zipfile.ZipFile(build(source, "wheel", tmp_path / "wheel")) as wheel:
        shipped = {name.removeprefix("coopinfra/") for name in wheel.namelist() if name.startswith("coopinfra/")}
        entry_points = wheel.read(f"coopinfra-{PROJECT['project']['version']}.dist-info/entry_points.txt").decode()

    tracked = set(git("ls-tree", "-r", "--name-only", "HEAD", *FOLDERS).splitlines())
    assert shipped == tracked
    assert "coopinfra = coopinfra.cli.main:main" in entry_points
    assert "[pyinfra.connectors]\ncoop = coopinfra.deploy.engine.connector:Connector" in entry_points


def test_it_installs_from_git(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", tmp_path, f"git+file://{ROOT}"], check=True, capture_output=True)

    for path in ("cli/main.py", "roles/primitives/bundle.sh", "deploy/engine/connector.py"):
        assert (tmp_path / "coopinfra" / path).is_file()


def test_this_environment_knows_the_connector_by_name() -> None:
    from importlib.metadata import entry_points

    (connector,) = entry_points(group="pyinfra.connectors", name="coop")

    assert connector.load().__name__ == "Connector"


def test_the_licence_is_the_affero_one() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert text.split()[:6] == ["GNU", "AFFERO", "GENERAL", "PUBLIC", "LICENSE", "Version"]
    assert "13. Remote Network Interaction" in text
    assert PROJECT["project"]["license"] == "AGPL-3.0-or-later"


def test_the_readme_begins_with_the_two_commands_and_ci_runs_the_second() -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    assert [block.strip() for block in blocks[:2]] == ["./coopinfra demo", "./coopinfra test"]
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec ./coopinfra test </dev/null"
