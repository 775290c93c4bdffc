"""The launcher, with a Python that only pretends to make environments: the real one is proven by tests/fresh."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# It answers as Python does, writes down what pip is asked for, and waits in pip as long as the file `gate` is there.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
    "-c "*ensurepip*) [ ! -e "$SCENE/no-venv" ] ;;
    "-c "*) exec "{sys.executable}" "$@" ;;
    "-m venv") mkdir -p "$3/bin" && ln -s "$SCENE/python" "$3/bin/python" ;;
    "-m pip")
        echo "$*" >>"$SCENE/pip.txt"
        while [ -e "$SCENE/gate" ]; do sleep 0.05; done
        if [ -e "$SCENE/no-network" ]; then echo "no network" >&2; exit 1; fi
        echo "Collecting something==1.0 (from -r lock)"
        printf '#!/bin/sh\\necho "real $*"; exit 7\\n' >"${{0%python}}coopinfra"
        chmod +x "${{0%python}}coopinfra" ;;
    *run.py*) shift; echo "tests $*" ;;
esac
"""


@dataclass
class Scene:
    """A checkout with nothing in it but what the launcher reads."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.folder / "a checkout with spaces"

    @property
    def pip_calls(self) -> list[str]:
        log = self.folder / "pip.txt"
        return log.read_text().splitlines() if log.exists() else []

    def start(self, *arguments: str, by: Path | None = None, cwd: str = "/") -> subprocess.Popen[str]:
        environ = {"PATH": "/usr/bin:/bin", "SCENE": str(self.folder), "COOPINFRA_PYTHON": f"{self.folder}/python"}
        return subprocess.Popen(
            [by or self.checkout / "coopinfra", *arguments],
            cwd=cwd,
            env=environ | self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, by: Path | None = None, cwd: str = "/") -> tuple[int, str, str]:
        process = self.start(*arguments, by=by, cwd=cwd)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def change(self, name: str) -> None:
        path = self.checkout / name
        path.write_text(path.read_text() + "# changed\n")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    scene.checkout.mkdir()
    shutil.copy(ROOT / "coopinfra", scene.checkout)
    for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        (scene.checkout / name).write_text(f"# {name}\n")
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    yield scene
    (tmp_path / "gate").unlink(missing_ok=True)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_the_first_use_sets_up_and_becomes_the_real_command(scene: Scene) -> None:
    code, out, err = scene.run("plan", "two words")

    assert (code, out) == (7, "real plan two words\n")
    assert "setting up" in err
    assert "  something==1.0\n" in err
    assert ["--require-hashes" in call for call in scene.pip_calls] == [True, False]
    assert "--no-build-isolation" in scene.pip_calls[1]


def test_the_second_use_asks_pip_nothing_and_says_nothing(scene: Scene) -> None:
    scene.run()
    calls = scene.pip_calls

    assert scene.run("check") == (7, "real check\n", "")
    assert scene.pip_calls == calls


def test_it_finds_its_checkout_through_links_and_from_anywhere(scene: Scene) -> None:
    link = scene.folder / "bin" / "coopinfra"
    link.parent.mkdir()
    link.symlink_to("../through")
    (scene.folder / "through").symlink_to(scene.checkout / "coopinfra")

    assert scene.run("x", by=link, cwd=str(scene.folder))[:2] == (7, "real x\n")
    assert (scene.checkout / ".venv/stamp").is_file()


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_lock_or_package_makes_a_new_environment_beside_the_old(scene: Scene, name: str) -> None:
    scene.run()
    first = (scene.checkout / ".venv").resolve()
    scene.change(name)

    assert scene.run("x")[:2] == (7, "real x\n")
    assert (scene.checkout / ".venv").resolve() != first
    # Something may still be running from it; it goes with the next change.
    assert first.is_dir()
    scene.change(name)
    scene.run()
    assert not first.exists()


def test_a_moved_checkout_sets_up_anew(scene: Scene) -> None:
    scene.run()
    calls = len(scene.pip_calls)
    moved = scene.checkout.rename(scene.folder / "moved")

    assert scene.run("x", by=moved / "coopinfra")[:2] == (7, "real x\n")
    assert len(scene.pip_calls) == 2 * calls


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_set_up_is_repaired_by_the_next_run(scene: Scene, how: signal.Signals) -> None:
    (scene.folder / "gate").touch()
    process = scene.start("x")
    until(lambda: bool(scene.pip_calls))

    def ended() -> bool:
        # A shell between two of its children may miss an interrupt; people press the keys again.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        return process.poll() is not None

    until(ended)
    process.communicate(timeout=30)
    assert process.returncode not in (0, 7)
    assert not (scene.checkout / ".venv").exists()

    (scene.folder / "gate").unlink()

    assert scene.run("x")[:2] == (7, "real x\n")
    assert len([path for path in (scene.checkout / ".venvs").iterdir() if path.is_dir()]) == 1


def test_two_at_once_set_up_once(scene: Scene) -> None:
    (scene.folder / "gate").touch()
    first = scene.start("first")
    until(lambda: bool(scene.pip_calls))
    second = scene.start("second")
    assert second.stderr is not None
    assert "waiting for another coopinfra" in second.stderr.readline()

    (scene.folder / "gate").unlink()

    assert first.communicate(timeout=20)[0] == "real first\n"
    assert second.communicate(timeout=20)[0] == "real second\n"
    assert len(scene.pip_calls) == 2


def test_what_the_tests_need_comes_only_with_the_tests(scene: Scene) -> None:
    scene.run("check")
    assert not any("requirements-dev.txt" in call for call in scene.pip_calls)

    assert scene.run("test", "unit", "-k", "x")[1] == "tests unit -k x\n"
    calls = scene.pip_calls
    assert "requirements-dev.txt" in calls[-1]
    assert scene.run("test") == (0, "tests \n", "")
    assert scene.pip_calls == calls


def test_without_a_network_it_says_so_and_tries_again_next_time(scene: Scene) -> None:
    (scene.folder / "no-network").touch()

    code, out, err = scene.run("x")

    assert (code, out) == (3, "")
    assert "no network\n" in err
    assert "error: the packages of `requirements.txt` could not be installed\n  hint: " in err
    (scene.folder / "no-network").unlink()
    assert scene.run("x")[:2] == (7, "real x\n")


def test_without_venv_and_root_it_names_the_command_for_the_administrator(scene: Scene) -> None:
    (scene.folder / "no-venv").touch()
    tools = scene.folder / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "cksum", "dirname", "readlink", "sed"):
        (tools / name).symlink_to(shutil.which(name) or name)
    for name, text in {"id": "echo 1000", "apt-get": "echo called >>$SCENE/apt.txt"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    scene.environ["PATH"] = str(tools)

    code, _, err = scene.run("x")

    assert code == 3
    assert "let an administrator run: apt-get update && apt-get install --yes" in err
    assert "python3-venv\n" in err
    assert not (scene.folder / "apt.txt").exists()


def test_an_environment_of_somebody_else_is_put_aside(scene: Scene) -> None:
    (scene.checkout / ".venv").mkdir()
    (scene.checkout / ".venv" / "mine").touch()

    _, out, err = scene.run("x")

    assert out == "real x\n"
    assert "was not made by coopinfra" in err
    assert [path.name for path in scene.checkout.glob(".venv.before-*/mine")] == ["mine"]


def test_a_new_environment_keeps_what_the_tests_need(scene: Scene) -> None:
    scene.run("test")
    scene.change("requirements.txt")

    scene.run("check")

    assert "requirements-dev.txt" in scene.pip_calls[-1]
