"""What differs between the plan and a server, in words; pure."""

from __future__ import annotations

from dataclasses import dataclass

STATE = "/var/lib/coopinfra/state"
"""Where a server keeps what coopinfra knows of it; root's alone."""
STAMPS = "/run/coopinfra/units"
"""Where a file for each unit says when we last started or reloaded it; a reboot clears them."""


@dataclass(frozen=True)
class Change:
    """One difference that a deploy would end: `what` is the kind, `subject` the object, `action` the verb."""

    what: str
    action: str
    subject: str
    detail: str = ""
    role: str = ""
    """The role that asks for it; empty where nobody does any more."""

    def __str__(self) -> str:
        """Say it in one line: `change file /etc/hostname (mode 0644)`."""
        return f"{self.action} {self.what} {self.subject}" + (f" ({self.detail})" if self.detail else "")
