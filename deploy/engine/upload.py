"""What goes over a channel as the input of a command."""

from __future__ import annotations

import os
import secrets
import shlex
from io import BytesIO
from typing import IO, Any


def upload_script(destination: str, size: int) -> str:
    """Return the shell script that puts `size` bytes of its input in place, or fails and leaves nothing."""
    path = shlex.quote(destination)
    # In a shell of its own, whose `set -e` holds although `||` follows. The size tells what was cut short by a line
    # that broke, of which the server sees no more than an end.
    script = (
        f'set -eu; umask 077; mkdir -p "$(dirname {path})"; new=$(mktemp {path}.XXXXXX); '
        f'trap \'rm -f "$new"\' EXIT; cat >"$new"; '
        f'[ "$(stat -c %s "$new")" = {size} ] || {{ echo it arrived cut short >&2; exit 1; }}; '
        f'mv -fT "$new" {path}; trap - EXIT'
    )
    return f"sh -c {shlex.quote(script)}"


def before(command: str, destination: str, source: IO[bytes]) -> tuple[str, str]:
    """Return the script that uploads its input before a command, and what it prints in the place of both on failure."""
    refused = f"={secrets.token_hex(12)}="
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return f"{upload_script(destination, size)} || {{ echo {refused}; exit 1; }}\n{command}", refused


def as_stream(stdin: Any) -> IO[bytes] | None:
    """Return what pyinfra gives to a command, as bytes; each text is a line."""
    if stdin is None:
        return None
    lines = [stdin] if isinstance(stdin, (str, bytes)) else list(stdin)
    return BytesIO(b"".join(line.encode() + b"\n" if isinstance(line, str) else line for line in lines))
