"""The hundred tasks as pyinfra's own operations."""

from __future__ import annotations

from pathlib import Path

from pyinfra.operations import apt, crontab, files, server, systemd

import tasks


def hundred_tasks(sources: Path, changed: int, value: str) -> None:
    """Call one operation for each task."""
    apt.update(name="Read the package lists", cache_time=86400)
    for package in tasks.PACKAGES:
        apt.packages(name=f"Install {package}", packages=[package], no_recommends=True)
    for group in tasks.GROUPS:
        server.group(name=f"Make the group {group}", group=group)
    for user, group in tasks.USERS.items():
        server.user(name=f"Make {user}", user=user, shell="/bin/bash", groups=[group], create_home=True)
    for path in tasks.DIRECTORIES:
        files.directory(name=f"Make {path}", path=path, user="root", group="root", mode="755")
    for path, word in tasks.values(changed, value).items():
        template = str(sources / "template.j2")
        files.template(name=f"Render {path}", src=template, dest=path, mode="644", value=word)
    for path in tasks.files():
        source = str(sources / Path(path).name)
        files.put(name=f"Put {path}", src=source, dest=path, mode="644")
    for path in tasks.ABSENT:
        files.file(name=f"Remove {path}", path=path, present=False)
    for path, target in tasks.LINKS.items():
        files.link(name=f"Link {path}", path=path, target=target)
    for path, line in tasks.LINES.items():
        files.line(name=f"Write a line of {path}", path=path, line=line)
    for unit in tasks.UNITS:
        systemd.service(name=f"Start {unit}", service=unit, running=True, enabled=True)
    crontab.crontab(name="Run a job every hour", command=tasks.CRON_COMMAND, cron_name="bench", minute="7", user="root")
    for user in tasks.WITH_KEY:
        server.user_authorized_keys(name=f"Let {user} in", user=user, public_keys=[tasks.KEY])


def many_files(folder: Path, number: int) -> None:
    """Put so many files, one operation each."""
    for path, text in tasks.many(number).items():
        source = folder / Path(path).name
        source.write_text(text)
        files.put(name=f"Put {path}", src=str(source), dest=path, mode="644")
