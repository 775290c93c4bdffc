"""The operator's age identity: a file of theirs, wrapped in a passphrase that is asked for once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from coopinfra.deploy.organisation.problems import InputError, Problem

if TYPE_CHECKING:
    from pyrage import x25519

VARIABLE = "COOPINFRA_AGE_IDENTITY"
HOME = "~/.config/coopinfra/identity.age"
Ask = Callable[[str], str]
"""Asks for a passphrase with these words; tests answer by themselves."""


def identity_file() -> Path:
    """Return where the operator's identity lies, or would lie."""
    return Path(os.environ.get(VARIABLE) or HOME).expanduser()


def ask_passphrase(words: str) -> str:
    """Ask at the terminal without showing what is typed; refuse where there is none."""
    if not sys.stdin.isatty():
        raise InputError(Problem(f"nobody is there to type the {words.lower()}", "run it at a terminal"))
    return getpass(f"{words}: ")


def open_identity(ask: Ask = ask_passphrase) -> tuple[x25519.Identity, ...]:
    """Read the operator's identities, and ask for the passphrase if they are wrapped in one."""
    import pyrage

    path = identity_file()
    if not path.is_file():
        hint = f"`coopinfra secrets identity` makes one; {VARIABLE} names another file"
        raise InputError(Problem(f"there is no age identity at `{path}`", hint))
    text = path.read_bytes()
    if text.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
        try:
            text = pyrage.passphrase.decrypt(text, ask(f"Passphrase of {path}"))
        except pyrage.DecryptError as error:
            raise InputError(Problem(f"that is not the passphrase of `{path}`", "try again")) from error
    lines = (line.strip() for line in text.decode(errors="replace").splitlines())
    try:
        found = tuple(pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-1"))
    except pyrage.IdentityError as error:
        raise InputError(Problem(f"the age identity in `{path}` is damaged", "take it from your backup")) from error
    if not found:
        raise InputError(Problem(f"`{path}` holds no age identity", f"does {VARIABLE} name the right file?"))
    return found


def make_identity(passphrase: str) -> str:
    """Make the operator's identity, wrapped in a passphrase, and return its public half; never replaces one."""
    import pyrage

    path = identity_file()
    if path.exists():
        hint = "what was encrypted for it would be lost to you; move it away first if you mean it"
        raise InputError(Problem(f"`{path}` is there already, and was not touched", hint))
    made = pyrage.x25519.Identity.generate()
    text = f"# public key: {made.to_public()}\n{made}\n".encode()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, made so that nobody else can ever read it
        stream.write(pyrage.passphrase.encrypt(text, passphrase, armored=True))
    return str(made.to_public())
