"""The hundred tasks as an Ansible playbook, of what comes with ansible-core.

Its module for authorized keys comes in a collection of its own, so a line of that file is written instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tasks


def playbook(sources: Path, changed: int, value: str) -> list[dict[str, Any]]:
    """Return the playbook, to be written as JSON, which is YAML."""
    return [{"hosts": "all", "gather_facts": False, "tasks": list(_tasks(sources, changed, value))}]


def _tasks(sources: Path, changed: int, value: str) -> list[dict[str, Any]]:
    owned = {"owner": "root", "group": "root", "mode": "0644"}
    done: list[dict[str, Any]] = [{"apt": {"update_cache": True, "cache_valid_time": 86400}}]
    done += [{"apt": {"name": package, "install_recommends": False}} for package in tasks.PACKAGES]
    done += [{"group": {"name": group}} for group in tasks.GROUPS]
    done += [
        {"user": {"name": user, "shell": "/bin/bash", "groups": [group], "append": True}}
        for user, group in tasks.USERS.items()
    ]
    done += [{"file": {"path": path, "state": "directory", **owned, "mode": "0755"}} for path in tasks.DIRECTORIES]
    done += [
        {"template": {"src": str(sources / "template.j2"), "dest": path, **owned}, "vars": {"value": word}}
        for path, word in tasks.values(changed, value).items()
    ]
    done += [{"copy": {"src": str(sources / Path(path).name), "dest": path, **owned}} for path in tasks.files()]
    done += [{"file": {"path": path, "state": "absent"}} for path in tasks.ABSENT]
    done += [{"file": {"src": target, "path": path, "state": "link"}} for path, target in tasks.LINKS.items()]
    done += [{"lineinfile": {"path": path, "line": line, "create": True}} for path, line in tasks.LINES.items()]
    done += [{"systemd_service": {"name": unit, "state": "started", "enabled": True}} for unit in tasks.UNITS]
    done += [{"cron": {"name": "bench", "minute": "7", "job": tasks.CRON_COMMAND}}]
    done += [
        {
            "lineinfile": {
                "path": f"/home/{user}/.ssh/authorized_keys",
                "line": tasks.KEY,
                "create": True,
                "owner": user,
                "group": user,
                "mode": "0600",
            }
        }
        for user in tasks.WITH_KEY
    ]
    return done
