"""What every application can be told, whatever it is written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from coopinfra.roles.settings import Field, Settings, Table, WholeNumber
from coopinfra.roles.types import BySlug, Line, Slug, quoted, refuse
from coopinfra.roles.website.answers import Size
from coopinfra.roles.website.reach import WithProgram
from coopinfra.roles.website.sites import Source

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,60}")
OURS = ("DATA", "DATABASE_URL", "HOME", "LANG", "LISTEN_FDS", "LISTEN_PID", "PATH", "REDIS_URL")
CALENDAR = re.compile(r"[A-Za-z0-9*:,./ ~-]{1,80}")
HEALTH = re.compile(r"/[A-Za-z0-9._~/?&=%-]*")


def _variable(value: str) -> str:
    if not VARIABLE.fullmatch(value) or value in OURS:
        why = "is one that we set" if value in OURS else "is not the name of a variable"
        refuse(f"{quoted(value)} {why}", "write it as `MAIL_FROM`")
    return value


def _calendar(value: str) -> str:
    if not CALENDAR.fullmatch(value):
        refuse(f"{quoted(value)} is no time for systemd", "write it as `daily`, `Mon 06:00` or `*:0/15`")
    return value


def _health(value: str) -> str:
    if not HEALTH.fullmatch(value):
        refuse(f"{quoted(value)} is not the path of a page", "write it as `/health`")
    return value


Variable = Annotated[str, AfterValidator(_variable)]


class AppBuild(Settings):
    """How a release is made on the server: sandboxed, as a user of its own that may nothing else."""

    command: Line | None = Field(
        default=None,
        description="A shell command in the release's folder, after all that it needs was fetched; without a network.",
        examples=["python manage.py collectstatic --no-input"],
    )
    minutes: WholeNumber = Field(default=10, ge=1, le=120, description="After how long a step of it is ended.")
    memory: Size = Field(default="1G", description="The most memory that it may take.")


class Worker(Settings):
    """A program that runs beside that which answers visitors."""

    command: Line = Field(description="A shell command in the release's folder.", examples=["python -m shop.worker"])


class Job(Settings):
    """A program that runs at its hour."""

    command: Line = Field(description="A shell command in the release's folder.", examples=["python -m shop.prune"])
    at: Annotated[str, AfterValidator(_calendar)] = Field(
        description="When, as systemd's calendar has it.", examples=["daily", "Mon 06:00", "*:0/15"]
    )
    minutes: WholeNumber = Field(default=60, ge=1, le=1440, description="After how long it is ended.")


@dataclass(frozen=True)
class Runtime:
    """What is different between languages."""

    language: str
    packages: tuple[str, ...]
    programs: str
    """Where in a release the programs lie that its requirements bring."""


class AppSite(WithProgram):
    """An application: a program of the organisation's own, in a release of its own."""

    runtime: ClassVar[Runtime]

    source: Source = Field(description="Where its files come from.")
    build: AppBuild = Field(default_factory=AppBuild, description="How a release is made.")
    migrate: Line | None = Field(
        default=None,
        description=(
            "A shell command that runs once for each new release before it is tried, such as one that changes the "
            "database. The release before goes on meanwhile, so it has to get along with what this leaves."
        ),
        examples=["python -m shop.migrate"],
    )
    health: Annotated[str, AfterValidator(_health)] = Field(
        default="/",
        description="The page that a new release is asked for before anybody sees it; it answers with 200 to 399.",
        examples=["/health"],
    )
    starts_within: WholeNumber = Field(default=30, ge=1, le=600, description="Seconds that this may take.")
    environment: Annotated[Mapping[Variable, Line], AfterValidator(Table)] = Field(
        default={}, description="What its programs find in their environment.", examples=[{"MAIL_FROM": "a@b.example"}]
    )
    secrets: Annotated[Mapping[Variable, Literal["random", "given"]], AfterValidator(Table)] = Field(
        default={},
        description="The same for what nobody else may know: `random` is made, `given` is typed in by an operator.",
        examples=[{"SECRET_KEY": "random", "PAYMENT_TOKEN": "given"}],
    )
    postgresql: Slug | None = Field(
        default=None, description="The name of its database, which it finds as `DATABASE_URL`.", examples=["shop"]
    )
    valkey: Slug | None = Field(
        default=None, description="The name of its cache, which it finds as `REDIS_URL`.", examples=["shop"]
    )
    workers: BySlug[Worker] = Field(default={}, description="Programs that run beside it, by a short name.")
    jobs: BySlug[Job] = Field(default={}, description="Programs that run at their hours, by a short name.")
    memory: Size = Field(default="512M", description="The most memory that each of its programs may take.")

    @property
    def serve(self) -> str:
        """The shell command that answers visitors, on the socket that it is given."""
        raise NotImplementedError

    @property
    def launcher(self) -> str:
        """The program of ours that starts it, a template of its language; empty where it starts by itself."""
        return ""

    @property
    def build_commands(self) -> tuple[str, ...]:
        """What is run of its own to make a release, in this order."""
        return (self.build.command,) if self.build.command else ()
