"""Public SSH keys: whole, of a kind that servers still accept, and never the private half."""

from __future__ import annotations

import base64
import re
from typing import Annotated

from pydantic import AfterValidator

from coopinfra.roles.types import quoted, refuse

KINDS = re.compile(r"(sk-)?(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa)(@openssh\.com)?")
SHORTEST_RSA = 3072


def check_ssh_key(value: str) -> str:
    """Return a public SSH key on one line, or refuse it; what may be a private key is never repeated."""
    if "PRIVATE KEY" in value:
        refuse(
            "this is a private key", "delete it here and replace it; the public half is in the file ending in `.pub`"
        )
    words = value.split(None, 2)
    if "\n" in value.strip():
        refuse("this is more than one line", "write each key as an item of its own: `- ssh-ed25519 AAAA…`")
    if not words or not KINDS.fullmatch(words[0]):
        later = next((word for word in words[1:] if KINDS.fullmatch(word)), "")
        hint = f"start with `{later}`, without options" if later else "copy the line of `~/.ssh/id_ed25519.pub`"
        refuse(f"{quoted(value)} is not a public SSH key that servers still accept", hint)
    try:
        fields = _key_fields(base64.b64decode(words[1], validate=True))
    except (IndexError, ValueError):
        fields = []
    if len(fields) < 2 or fields[0] != words[0].encode():
        refuse(f"{quoted(value)} is not a whole SSH key", "copy the line again, to its end")
    if words[0] == "ssh-rsa" and len(fields[-1].lstrip(b"\0")) * 8 < SHORTEST_RSA:
        refuse(f"{quoted(value)} is an RSA key of less than 3072 bits", "make a new one: `ssh-keygen -t ed25519`")
    if not value.isprintable():
        refuse(f"{quoted(value)} has characters that cannot be seen", "copy the line again")
    return value.strip()


def _key_fields(blob: bytes) -> list[bytes]:
    """Split what a key consists of: lengths of four bytes, each with its content."""
    fields = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            raise ValueError("cut short")
        fields.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return fields


def same_key(value: str) -> str:
    """Return what makes two keys the same: all but the comment."""
    return " ".join(value.split()[:2])


SshKey = Annotated[str, AfterValidator(check_ssh_key)]
