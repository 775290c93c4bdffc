"""What an application consists of: its programs, accounts and sockets, and what they find in their environment."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from coopinfra.roles.declarations import Cache, PostgresqlDatabase
from coopinfra.roles.website.kinds.app_settings import AppSite
from coopinfra.roles.website.place import Place


@dataclass(frozen=True)
class Program:
    """One program of an application: a unit of its own, called after it."""

    name: str
    command: str
    once: bool = False
    """It ends by itself, and is started by something else than the boot."""
    minutes: int = 0
    """After how long one that should end by itself is ended."""

    @property
    def quoted(self) -> str:
        """The command as one word of a shell."""
        return quote(self.command)


@dataclass(frozen=True)
class App:
    """One application on its server."""

    place: Place[AppSite]

    @property
    def site(self) -> AppSite:
        """What org.yml says of it."""
        return self.place.site

    @property
    def builder(self) -> str:
        """The account that fetches and builds, and may nothing else."""
        return self.place.account("build")

    @property
    def socket(self) -> str:
        """Where the web server reaches it."""
        return f"/run/{self.place.id}.socket"

    @property
    def database(self) -> PostgresqlDatabase | None:
        """Its database, if it has one."""
        name = self.site.postgresql
        if not name:
            return None
        organisation, belongs_to = self.place.part.organisation.id, self.place.belongs_to
        return PostgresqlDatabase(f"{organisation}-{name}", self.place.user, belongs_to=belongs_to)

    @property
    def cache(self) -> Cache | None:
        """Its cache, if it has one."""
        name = self.site.valkey
        return Cache(f"{self.place.part.organisation.id}-{name}", self.place.user) if name else None

    @property
    def workers(self) -> tuple[Program, ...]:
        """What runs beside that which answers visitors."""
        return tuple(Program(f"worker-{name}", each.command) for name, each in self.site.workers.items())

    @property
    def jobs(self) -> tuple[Program, ...]:
        """What runs at its hour."""
        return tuple(
            Program(f"job-{name}", each.command, once=True, minutes=each.minutes)
            for name, each in self.site.jobs.items()
        )

    @property
    def programs(self) -> tuple[Program, ...]:
        """Everything that runs as the site's own user."""
        migration = self.site.migrate
        once = (Program("migrate", migration, once=True, minutes=self.site.build.minutes),) if migration else ()
        return (Program("web", self.site.serve), *self.workers, *self.jobs, *once)

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """What its programs find in their environment, quoted for a shell."""
        known = {
            "DATA": self.place.data,
            "HOME": "/tmp",  # noqa: S108 - its own
            "LANG": "C.UTF-8",
            "PATH": f"/srv/app/{self.site.runtime.programs}:/usr/bin:/bin",
        }
        if self.database:
            known["DATABASE_URL"] = f"postgresql:///{self.database.name}?host={self.database.socket}"
        if self.cache:
            known["REDIS_URL"] = f"unix://{self.cache.socket}"
        return tuple((name, quote(value)) for name, value in {**known, **self.site.environment}.items())

    @property
    def secrets(self) -> tuple[tuple[str, str, str], ...]:
        """Each secret: the variable, what it is called in the inventory, and the file on the server."""
        return tuple(
            (name, f"{self.place.name}-{name.lower().replace('_', '-')}", f"{self.place.settings}/secrets/{name}")
            for name in self.site.secrets
        )

    @property
    def build_command(self) -> str:
        """What is run of its own to make a release, as one word of a shell; empty where there is nothing."""
        commands = "\n".join(self.site.build_commands)
        return quote(commands) if commands else ""

    @property
    def steps(self) -> tuple[str, ...]:
        """Units that run while a release is made or tried, and at no other time."""
        names = ("fetch", *(("build",) if self.build_command else ()), *(("migrate",) if self.site.migrate else ()))
        return tuple(self.unit(name) for name in (*names, "trial"))

    def unit(self, program: str, kind: str = "service") -> str:
        """Return what systemd calls one of its programs."""
        return f"{self.place.id}@{program}.{kind}"
