"""Every shell script that a role writes passes shellcheck as the server gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coopinfra.roles.contract import File
from examples import Example, examples

SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def scripts() -> list[tuple[str, bytes]]:
    found = {}
    for example in examples():
        for file in _files(example):
            if file.content.startswith(b"#!/bin/sh"):
                found[f"{file.path} ({example.role.name})"] = file.content
    return sorted(found.items())


def _files(example: Example) -> list[File]:
    return [each for each in example.role.files(example.part) if isinstance(each, File)]


def complaints(script: bytes) -> str:
    ran = subprocess.run([SHELLCHECK, "--shell=sh", "-"], input=script, capture_output=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr.decode()
    return ran.stdout.decode()


@pytest.mark.parametrize("script", [pytest.param(content, id=name) for name, content in scripts()])
def test_a_script_passes_shellcheck(script: bytes) -> None:
    assert complaints(script) == ""


def test_shellcheck_is_there_and_complains() -> None:
    assert len(scripts()) >= 3
    assert "SC2086" in complaints(b"#!/bin/sh\nname=$1\nrm $name\n")
