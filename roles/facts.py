"""What roles are told of the organisation, its people and its machines, beside their own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Contact:
    """Somebody of the organisation."""

    name: str
    does: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Operator:
    """Somebody of the collective, who may log in on the organisation's servers."""

    login: str
    name: str
    ssh_keys: tuple[str, ...]
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Owned:
    """Something that the organisation owns, for the books."""

    what: str
    held_by: str
    paid_until: str = ""
    costs: str = ""


@dataclass(frozen=True)
class Promises:
    """What the organisation was promised for the day on which a server is lost; None where nothing was."""

    lose_at_most: timedelta | None = None
    back_within: timedelta | None = None


@dataclass(frozen=True)
class Organisation:
    """The organisation's public facts."""

    id: str
    name: str
    kind: str
    domain: str
    languages: tuple[str, ...]
    time_zone: str
    quiet_hours: str
    contacts: tuple[Contact, ...]
    owns: tuple[Owned, ...] = ()
    promises: Promises = Promises()


@dataclass(frozen=True)
class Tenancy:
    """Whose machine an organisation shares, and what it may take of it."""

    organisation: str
    owner: str
    machine: str
    memory_megabytes: int
    disk_gigabytes: int = 0
    """0: as much as there is."""

    @property
    def home(self) -> str:
        """Where its sites and their data lie: on a disk of its own, if it has one."""
        return f"/srv/tenants/{self.organisation}" if self.disk_gigabytes else "/srv"

    @property
    def slice(self) -> str:
        """The systemd slice that all its programs run in."""
        # A dash would make it a part of the slice of an organisation that is called as what stands before the dash.
        return f"coopinfra-{self.organisation.replace('-', '_')}.slice"


@dataclass(frozen=True)
class Server:
    """One machine, and who may log in on it."""

    id: str
    host_name: str
    address: str
    operators: tuple[Operator, ...]
    ipv6: str = ""
    port: int = 22
    first_login: str = "root"
    tenancy: Tenancy | None = None
    """Set where the machine is another organisation's, which alone decides about the machine as such."""

    @property
    def pinned_name(self) -> str:
        """Its name in a known_hosts file."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def home(self) -> str:
        """Where sites and their data lie."""
        return self.tenancy.home if self.tenancy else "/srv"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address under which the world reaches it."""
        return (self.address, self.ipv6) if self.ipv6 else (self.address,)


@dataclass(frozen=True)
class Peer:
    """A server that settings name: what the world may know of it, and no more."""

    organisation: str
    server: Server
    public_halves: Mapping[str, str]
    """The clear halves of its secrets by `role/name`, as far as they are made."""
    host_key: str = ""
    """The SSH host key that is pinned for it, as `ssh-ed25519 AAAA…`; empty until `coopinfra trust`."""

    def public(self, role: str, secret: str) -> str:
        """Return what the world may know of one of its secrets; empty until it is made."""
        return self.public_halves.get(f"{role}/{secret}", "")
