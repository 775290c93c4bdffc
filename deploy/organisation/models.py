"""What `org.yml` and `collective.yml` may say: every field described, unknown ones refused, all of it frozen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SerializeAsAny

from coopinfra.deploy.organisation.fields import (
    Account,
    DateText,
    Hours,
    IPv4,
    IPv6,
    Language,
    Login,
    MachineName,
    QuietHours,
    Span,
    TimeZone,
)
from coopinfra.deploy.organisation.keys import AgeKey
from coopinfra.roles.keys import SshKey
from coopinfra.roles.settings import Named, Settings, Table, WholeNumber, YesNo
from coopinfra.roles.types import BySlug, Domain, EmailAddress, Line, Slug


class Entry(Settings):
    """A group of lines in one of the two files; a text left out is empty."""

    model_config = ConfigDict(validate_default=False)


class ContactEntry(Entry):
    """Somebody of the organisation."""

    name: Line = Field(description="Who it is.", examples=["Rosa Ibarra"])
    does: Line = Field(description="What they do, in a word or two.", examples=["decides", "second contact"])
    email: EmailAddress = Field(default="", description="Where to write to.", examples=["rosa@highbeam.example"])
    phone: Line = Field(default="", description="Where to call.", examples=["+1 555 0100"])


class OwnedEntry(Entry):
    """Something that the organisation owns, so that the books can say so and nothing lapses unseen."""

    what: Line = Field(description="What it is.", examples=["domain highbeam.example"])
    held_by: Line = Field(description="In whose name the contract is.", examples=["Rosa Ibarra"])
    paid_until: Annotated[date | None, DateText] = Field(
        default=None, description="The last day that is paid for.", examples=["2027-03-01"]
    )
    costs: Line = Field(default="", description="What it costs, in words.", examples=["14 EUR a year"])


class PromisesEntry(Entry):
    """What the organisation was promised for the day on which a server is lost; drills and `check` hold us to it."""

    lose_at_most: Hours = Field(
        default="",
        description="So much of the newest work may be lost; backups are older at no time.",
        examples=["24h"],
    )
    back_within: Span = Field(
        default="", description="So soon a lost server serves again; each drill is timed.", examples=["4h"]
    )


class TenantEntry(Entry):
    """What a machine's owner lets another organisation have of it."""

    memory_megabytes: WholeNumber = Field(
        default=512, ge=64, le=1048576, description="Most memory that all its programs take together."
    )
    disk_gigabytes: WholeNumber = Field(
        default=0,
        ge=0,
        le=65536,
        description=(
            "Size of a disk of its own, set aside for its sites and their data; 0 for what there is of everybody's. "
            "Databases and logs lie on that of everybody."
        ),
    )


class ServerEntry(Entry):
    """One machine, how to reach it, and what it is to do."""

    # Wanted unless `machine` is given: `contradictions.py` says so.
    address: IPv4 = Field(
        default="", description="The IPv4 address that the world reaches it at.", examples=["203.0.113.10"]
    )
    machine: MachineName = Field(
        default="",
        description="In the place of an address: the machine of another organisation that this one shares.",
        examples=["lantern/shared1"],
    )
    ipv6: IPv6 = Field(default="", description="Its IPv6 address, if it has one.", examples=["2001:db8::10"])
    port: WholeNumber = Field(default=22, ge=1, le=65535, description="The port of its SSH server.")
    first_login: Account = Field(
        default="root",
        description="The account that the new machine accepts; after the first deploy the operators use their own.",
        examples=["root", "debian"],
    )
    tenants: BySlug[TenantEntry] = Field(
        default_factory=lambda: Table({}),
        description="The organisations that may share this machine, each with what it may take of it; `{}` will do.",
        examples=[{"highbeam": {"memory_megabytes": 1024, "disk_gigabytes": 5}}],
    )
    roles: Named[SerializeAsAny[Settings]] = Field(
        default_factory=lambda: Table({}), description="What the server does, each with its settings; `{}` for none."
    )


class OrganisationFile(Entry):
    """All that `org.yml` says."""

    name: Line = Field(description="What the organisation is called.", examples=["High Beam Coffee Roasters"])
    kind: Line = Field(default="", description="What sort of organisation it is.", examples=["worker co-op"])
    domain: Domain = Field(description="Its main domain; servers are named within it.", examples=["highbeam.example"])
    languages: tuple[Language, ...] = Field(
        default=("en",), min_length=1, description="Languages of books and pages; the first is the default."
    )
    time_zone: TimeZone = Field(default="UTC", description="Where its people are.", examples=["America/Chicago"])
    quiet_hours: QuietHours = Field(
        default="02:00-05:00", description="When servers may restart, in that time zone.", examples=["02:00-05:00"]
    )
    contacts: tuple[ContactEntry, ...] = Field(
        min_length=1,
        description="Whom to ask, first who decides.",
        examples=[[{"name": "Rosa Ibarra", "does": "decides"}]],
    )
    promises: PromisesEntry = Field(
        default_factory=PromisesEntry,
        description="How much may be lost with a server, and for how long.",
        examples=[{"lose_at_most": "24h", "back_within": "4h"}],
    )
    owns: tuple[OwnedEntry, ...] = Field(default=(), description="What it owns, for the books.")
    servers: BySlug[ServerEntry] = Field(
        min_length=1, description="Its machines by short name.", examples=[{"web1": {"address": "203.0.113.10"}}]
    )


class OperatorEntry(Entry):
    """Somebody of the collective, who may log in on the servers; the key above it is the account's name."""

    name: Line = Field(description="Who it is.", examples=["Ada Moreno"])
    email: EmailAddress = Field(default="", description="Where to write to.", examples=["ada@lantern.example"])
    phone: Line = Field(default="", description="Where to call.", examples=["+1 555 0150"])
    ssh_keys: tuple[SshKey, ...] = Field(
        default=(), description="Public SSH keys, one an item.", examples=[["ssh-ed25519 AAAA… ada@laptop"]]
    )
    age_keys: tuple[AgeKey, ...] = Field(
        default=(),
        description="Public age keys, for which the secrets are encrypted; `coopinfra secrets identity` makes one.",
        examples=[["age1…"]],
    )
    signing_keys: tuple[SshKey, ...] = Field(
        default=(),
        description="Public SSH keys whose signatures on commits count, where the collective wants signed ones.",
        examples=[["ssh-ed25519 AAAA… ada signs"]],
    )
    organisations: tuple[Slug, ...] = Field(
        default=(), description="The organisations that they work for; all, if left out.", examples=[["highbeam"]]
    )
    since: Annotated[date | None, DateText] = Field(
        default=None, description="Their first day.", examples=["2026-11-01"]
    )
    until: Annotated[date | None, DateText] = Field(
        default=None,
        description="Their last day; after it they may neither log in nor read secrets.",
        examples=["2027-03-01"],
    )

    def works_for(self, organisation: str, day: date) -> bool:
        """Tell whether they look after one organisation on one day."""
        concerned = not self.organisations or organisation in self.organisations
        return concerned and (self.since or day) <= day <= (self.until or day)


class Collective(Entry):
    """All that `collective.yml` says: who runs the servers."""

    name: Line = Field(description="What the collective is called.", examples=["Lantern Tech Co-op"])
    email: EmailAddress = Field(default="", description="Where clients write to.", examples=["help@lantern.example"])
    phone: Line = Field(default="", description="Where clients call.", examples=["+1 555 0150"])
    require_signed_commits: YesNo = Field(
        default=False,
        description="Whether `deploy` refuses commits that nobody signed whom the list deployed before had allowed.",
    )
    operators: Annotated[Mapping[Login, OperatorEntry], AfterValidator(Table)] = Field(
        min_length=1, description="Who may log in, by account.", examples=[{"ada": {"name": "Ada Moreno"}}]
    )
