"""The script that makes and tries a release says what went wrong, leaves nothing running, and hears signals at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coopinfra.roles.contract import File
from coopinfra.roles.registry import roles
from examples import Example

EXAMPLE = Example(roles()["website"], roles()["website"].folder / "examples/applications.yml")
# Stand in for the server's programs: each call is written down, and what a test has put into a file is the answer.
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>{calls}
case "$1 $2" in
    "start highbeam-shop@$(cat {folder}/fails 2>/dev/null).service") exit 1 ;;
    "start highbeam-shop@$(cat {folder}/hangs 2>/dev/null).service") exec sleep 30 ;;
    "show -p") [ "$3" = Result ] || exit 0; cat {folder}/result ;;
    "is-active --quiet") exit 1 ;;
esac
exit 0
"""
OTHERS = {
    "chown": "exit 0",
    "journalctl": "case $1 in --sync) ;; *) cat {folder}/journal ;; esac",
    "curl": "cat {folder}/answer; exit $(cat {folder}/code 2>/dev/null || echo 0)",
}


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., list[str]]:
    """Lay out the script of the shop among stand-ins; return what runs it."""
    content = next(
        each.content
        for each in EXAMPLE.role.files(EXAMPLE.part)
        if isinstance(each, File) and each.path.endswith("highbeam-shop/release")
    )
    (tmp_path / "highbeam-shop/releases/new").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "journal").write_text("the last words\n")
    path = tmp_path / "release"
    path.write_text(content.decode().replace("/srv/sites", str(tmp_path)))
    stands = {"systemctl": SYSTEMCTL, **{name: f"#!/bin/sh\n{text}\n" for name, text in OTHERS.items()}}
    for name, text in stands.items():
        (tmp_path / "bin" / name).write_text(
            text.replace("{folder}", str(tmp_path)).replace("{calls}", f"{tmp_path}/calls")
        )
        (tmp_path / "bin" / name).chmod(0o755)

    def argv(verb: str, **answers: str) -> list[str]:
        for name, answer in answers.items():
            (tmp_path / name).write_text(answer)
        folder = f"{tmp_path}/highbeam-shop/releases/new"
        return ["env", f"PATH={tmp_path}/bin:{os.environ['PATH']}", "sh", str(path), verb, folder, "new"]

    return argv


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_release_is_fetched_built_and_migrated_in_this_order(script, tmp_path):
    ran = run(script("build"))

    calls = (tmp_path / "calls").read_text().splitlines()
    assert ran.returncode == 0, ran.stderr
    starts = [line.split()[2] for line in calls if line.startswith("systemctl start")]
    assert starts == [f"highbeam-shop@{step}.service" for step in ("fetch", "build", "migrate")]
    assert calls[0].startswith("systemctl stop"), "what a killed run has left ends first"
    assert not (tmp_path / "highbeam-shop/trial").is_symlink()


@pytest.mark.parametrize(
    ("step", "result", "journal", "said"),
    [
        (
            "fetch",
            "exit-code",
            "there is no requirements.txt",
            "there is no requirements.txt\nfetching what it needs failed",
        ),
        ("build", "timeout", "working", "its build did not end within 5 minutes, and was ended"),
        ("build", "oom-kill", "", "its build needed more memory than 1G"),
        (
            "fetch",
            "exit-code",
            "OSError: [Errno 28] No space left on device",
            "fetching what it needs found the disk full",
        ),
        ("migrate", "exit-code", "no such table", "no such table\nwhat it runs before it is served (migrate) failed"),
    ],
)
def test_each_way_to_fail_has_its_own_message_and_ends_what_was_begun(script, step, result, journal, said):
    ran = run(script("build", fails=step, result=result, journal=f"{journal}\n"))

    assert ran.returncode == 1
    assert said in ran.stderr
    folder = Path(script("build")[-2]).parents[1]
    assert "systemctl stop" in (folder.parent / "calls").read_text().splitlines()[-2]
    assert not (folder / "trial").is_symlink()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_build_that_hangs_at_once(script, tmp_path, number):
    # Whoever runs the tests by `nohup` hands a signal on that is ignored.
    argv = ("env", "--default-signal", *script("build", hangs="build"))
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while (
            "start highbeam-shop@build" not in (tmp_path / "calls").read_text("utf-8")
            if (tmp_path / "calls").exists()
            else True
        ):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        process.wait(timeout=20)

    calls = (tmp_path / "calls").read_text().splitlines()
    assert process.returncode == 1
    assert calls[-2].startswith("systemctl stop highbeam-shop@fetch.service highbeam-shop@build.service")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("200", "0", ""),
        ("302", "0", ""),
        ("500", "0", "answers with 500"),
        ("curl: (56) reset000", "56", "curl: (56) reset"),
    ],
)
def test_a_release_is_well_if_it_answers_so(script, answer, code, said):
    ran = run(script("try", answer=answer, code=code))

    assert ran.returncode == int(bool(said))
    assert said in ran.stderr
    assert ("the last words" in ran.stderr) is bool(said)
