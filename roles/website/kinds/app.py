"""What applications have in common, whatever they are written in: settings, units, data, and how a release is tried.

An application is told its socket by systemd, which holds it open while the program restarts, so that nobody is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Any

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import (
    BackupPath,
    Cache,
    Declaration,
    Packages,
    PostgresqlDatabase,
    Secret,
    Unit,
    User,
)
from coopinfra.roles.primitives.checking import is_active, succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website.kinds.app_settings import AppSite
from coopinfra.roles.website.place import DATA, Place

UNITS = "/etc/systemd/system"


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
class Runtime:
    """What is different between languages."""

    language: str
    packages: tuple[str, ...]
    programs: str
    """Where in a release the programs lie that its requirements bring."""


class App:
    """One application on its server."""

    def __init__(self, place: Place[Any], runtime: Runtime) -> None:
        """Keep both; all else follows."""
        self.place, self.runtime = place, runtime
        self.site: AppSite = place.site

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
        return PostgresqlDatabase(f"{self.place.part.organisation.id}-{name}", self.place.user) if name else None

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
        known = {"DATA": self.place.data, "HOME": "/tmp", "LANG": "C.UTF-8", "PATH": f"/srv/app/{self.runtime.programs}:/usr/bin:/bin"}
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


def declare(place: Place[Any], runtime: Runtime) -> Iterator[Declaration]:
    """State its packages, accounts, release, data, database, cache, secrets and units."""
    app = App(place, runtime)
    script = f"{place.settings}/release"
    yield Packages(("curl", *runtime.packages))
    yield User(place.user, full_name=f"Site {place.name}")
    yield User(app.builder, full_name=f"Builds the site {place.name}")
    yield place.release(app.site.source, build=f"{script} build", trial=f"{script} try")
    yield BackupPath(place.data)
    yield from (each for each in (app.database, app.cache) if each)
    for variable, name, _ in app.secrets:
        yield Secret(name, app.site.secrets[variable])
    reads = (place.current, f"{place.settings}/run", *(file for *_, file in app.secrets))
    yield Unit(app.unit("web", "socket"))
    yield Unit(app.unit("web"), reads=reads, answers=f"{script} ask")
    for worker in app.workers:
        yield Unit(app.unit(worker.name), reads=reads)
    for job in app.jobs:
        yield Unit(app.unit(job.name, "timer"), reads=(place.current,))


def files(place: Place[Any], runtime: Runtime) -> Iterator[File | Directory]:
    """Yield how the web server reaches it, its scripts, its secrets, and its units."""
    app = App(place, runtime)
    part, language = place.part, runtime.language
    yield template(part, "proxy/sites/site.conf.j2", to=place.vhost_file, place=place, upstream=f"http://{place.id}")
    yield template(part, "app/conf.d/site@upstream.conf.j2", to=f"/etc/nginx/conf.d/{place.id}@upstream.conf", app=app)
    yield Directory(DATA)
    yield Directory(place.data, user=place.user, group=place.user, mode="0700")
    if not place.password_file:
        yield Directory(place.settings)
    yield template(part, "app/release.j2", to=f"{place.settings}/release", mode="0755", app=app)
    yield template(part, f"{language}/make.j2", to=f"{place.settings}/make", mode="0755", app=app)
    # What it is told may be nobody else's business.
    yield template(part, "app/run.j2", to=f"{place.settings}/run", group=place.user, mode="0750", app=app)
    if app.secrets:
        yield Directory(f"{place.settings}/secrets", mode="0700")
    for _, name, path in app.secrets:
        yield template(part, "app/secret.j2", to=path, mode="0400", value=name)
    yield from _units(app)


def _units(app: App) -> Iterator[File]:
    part = app.place.part

    def unit(name: str, kind: str, becomes: str, **values: object) -> File:
        return template(part, f"app/system/{becomes}.j2", to=f"{UNITS}/{app.unit(name, kind)}", app=app, **values)

    yield unit("web", "socket", "site@web.socket")
    for program in app.programs:
        yield unit(program.name, "service", "site@web.service", program=program, trial=program.name == "migrate")
    yield unit("trial", "service", "site@web.service", program=Program("trial", ""), trial=True)
    yield unit("fetch", "service", "site@fetch.service", step="fetch")
    if app.build_command:
        yield unit("build", "service", "site@fetch.service", step="build")
    for name, job in app.site.jobs.items():
        yield unit(f"job-{name}", "timer", "site@job-weekly.timer", purpose=name, job=job)


def checks(place: Place[Any], runtime: Runtime) -> Iterator[Check]:
    """Yield that its programs run and answer, and that no job has failed."""
    app = App(place, runtime)
    name = place.name
    yield succeeds(f"the program of the site `{name}` answers", f"{place.settings}/release ask")
    if app.workers:
        yield is_active(f"the workers of the site `{name}` run", *(app.unit(each.name) for each in app.workers))
    if app.jobs:
        names = " ".join(app.unit(each.name) for each in app.jobs)
        said = f"systemctl list-units --failed --plain --no-legend {names} | cut -d' ' -f1 | grep ."
        yield succeeds(f"no job of the site `{name}` failed the last time", f"! {said}")
