"""A hundred ordinary tasks, as data, and the files that they put on a server.

`as_pyinfra.py`, `as_playbook.py` and `as_primitives.py` say the same in three languages, and end in the same state.
"""

from __future__ import annotations

from pathlib import Path

HOME = "/srv/bench"
PACKAGES = ("bc", "cron", "jq", "less", "lsof", "psmisc", "rsync", "tree", "unzip", "zip")
GROUPS = ("bench-read", "bench-write", "bench-admin")
USERS = {f"bench-{number}": GROUPS[number % 3] for number in range(1, 6)}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada@lantern.example"
WITH_KEY = ("bench-1", "bench-2")
DIRECTORIES = (HOME, *(f"{HOME}/{number:02}" for number in range(1, 15)))
TEMPLATES = tuple(f"{HOME}/{number % 14 + 1:02}/template-{number:02}.conf" for number in range(25))
UNITS = tuple(f"bench-{number}.service" for number in range(1, 6))
PLAIN_FILES = tuple(f"{HOME}/{number + 1:02}/file-{number:02}.txt" for number in range(10))
ABSENT = tuple(f"{HOME}/old-{number}" for number in range(1, 9))
LINKS = {f"{HOME}/link-{number}": f"{HOME}/{number:02}" for number in range(1, 6)}
LINES = {f"{HOME}/lines-{number}.conf": f"setting = {number}" for number in range(1, 6)}
CRON_COMMAND = "/bin/true"

TEMPLATE = "# One of many settings.\n" + "".join(f"name-{n} = {{{{ value }}}}-{n}\n" for n in range(20))
UNIT = """\
[Unit]
Description=One of several daemons ({name})

[Service]
ExecStart=/usr/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""


def files() -> dict[str, str]:
    """Return what is put as it is: path on the server -> text."""
    units = {f"/etc/systemd/system/{name}": UNIT.format(name=name) for name in UNITS}
    return units | {path: f"{path}\n" * 50 for path in PLAIN_FILES}


def values(changed: int, value: str) -> dict[str, str]:
    """Return the value that each template is given: the first `changed` of them a new one."""
    return {path: value if number < changed else "first" for number, path in enumerate(TEMPLATES)}


def write_sources(folder: Path) -> None:
    """Write the sources that pyinfra and Ansible read: one template, and each file by its name alone."""
    folder.mkdir(exist_ok=True)
    (folder / "template.j2").write_text(TEMPLATE)
    for path, text in files().items():
        (folder / Path(path).name).write_text(text)


def many(number: int) -> dict[str, str]:
    """Return so many small files: path on the server -> text."""
    return {f"{HOME}/many-{each:03}.txt": f"file {each}\n" * 20 for each in range(number)}
