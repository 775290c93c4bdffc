"""What applications have in common, whatever they are written in: settings, units, data, and how a release is tried.

An application is told its socket by systemd, which holds it open while the program restarts, so that nobody is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import BackupPath, Declaration, Packages, Secret, Unit, User, WorksOn
from coopinfra.roles.primitives.checking import is_active, owns, succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import reach
from coopinfra.roles.website.kinds.programs import App, Program
from coopinfra.roles.website.place import Place, data_of
from coopinfra.roles.website.reach import reach_of

UNITS = "/etc/systemd/system"
TRIAL = Program("trial", "")


def declare(place: Place[Any]) -> Iterator[Declaration]:
    """State its packages, accounts, release, data, database, cache, secrets and units."""
    app = App(place)
    script = f"{place.settings}/release"
    yield Packages(("curl", *app.site.runtime.packages))
    yield User(place.user, full_name=f"Site {place.name}")
    yield User(app.builder, full_name=f"Builds the site {place.name}")
    yield place.release(app.site.source, build=f"{script} build", trial=f"{script} try")
    yield BackupPath(place.data, belongs_to=place.belongs_to)
    yield from (each for each in (app.database, app.cache) if each)
    for variable, name, _ in app.secrets:
        yield Secret(name, app.site.secrets[variable])
    launcher = (app.site.launcher,) if app.site.launcher else ()
    reads = (place.current, f"{place.settings}/run", *launcher, *(file for *_, file in app.secrets))
    yield from reach.declare(reach_of(place))
    yield Unit(app.unit("web", "socket"))
    yield Unit(app.unit("web"), reads=reads, answers=f"{script} ask")
    for worker in app.workers:
        yield Unit(app.unit(worker.name), reads=reads)
    for job in app.jobs:
        yield Unit(app.unit(job.name, "timer"), reads=(place.current,))
        yield WorksOn(app.unit(job.name, "timer"), place.belongs_to)
    yield WorksOn(app.unit("web", "socket"), place.belongs_to)
    for program in (*app.programs, TRIAL):
        yield WorksOn(app.unit(program.name), place.belongs_to)
    if app.cache:
        # It would know better than the database.
        yield WorksOn(app.cache.unit, place.belongs_to)


def files(place: Place[Any]) -> Iterator[File | Directory]:
    """Yield how the web server reaches it, its scripts, its secrets, and its units."""
    app = App(place)
    part, language = place.part, app.site.runtime.language
    yield template(part, "proxy/sites/site.conf.j2", to=place.vhost_file, place=place, upstream=f"http://{place.id}")
    yield template(part, "app/conf.d/site@upstream.conf.j2", to=f"/etc/nginx/conf.d/{place.id}@upstream.conf", app=app)
    yield Directory(data_of(part))
    yield Directory(place.data, user=place.user, group=place.user, mode="0700")
    yield Directory(place.settings)
    yield template(part, "app/release.j2", to=f"{place.settings}/release", mode="0755", app=app)
    yield template(part, f"{language}/make.j2", to=f"{place.settings}/make", mode="0755", app=app)
    if launcher := app.site.launcher:
        yield template(part, f"{language}/{PurePath(launcher).name}.j2", to=launcher)
    # What it is told may be nobody else's business.
    yield template(part, "app/run.j2", to=f"{place.settings}/run", group=place.user, mode="0750", app=app)
    if app.secrets:
        yield Directory(f"{place.settings}/secrets", mode="0700")
    for _, name, path in app.secrets:
        yield template(part, "app/secrets/SECRET_KEY.j2", to=path, mode="0400", value=name)
    yield from _units(app)
    own = (app.unit(each.name) for each in (*app.programs, TRIAL))
    yield from reach.files(reach_of(place), *own)


def _units(app: App) -> Iterator[File]:
    yield _unit(app, "web", "socket", "site@web.socket")
    for program in (*app.programs, TRIAL):
        new = program.name in ("migrate", "trial")
        yield _unit(app, program.name, "service", "site@web.service", program=program, new=new)
    yield _unit(app, "fetch", "service", "site@fetch.service", step="fetch")
    if app.build_command:
        yield _unit(app, "build", "service", "site@fetch.service", step="build")
    for name, job in app.site.jobs.items():
        yield _unit(app, f"job-{name}", "timer", "site@job-weekly.timer", purpose=name, at=job.at)


def _unit(
    app: App,
    name: str,
    kind: str,
    becomes: str,
    *,
    program: Program | None = None,
    new: bool = False,
    step: str = "",
    purpose: str = "",
    at: str = "",
) -> File:
    """Render one unit; `new` is what belongs to the release that is made rather than to the one that is served."""
    return template(
        app.place.part,
        f"app/system/{becomes}.j2",
        to=f"{UNITS}/{app.unit(name, kind)}",
        app=app,
        program=program,
        new=new,
        step=step,
        purpose=purpose,
        at=at,
    )


def checks(place: Place[Any]) -> Iterator[Check]:
    """Yield that its programs run and answer, and that no job has failed."""
    app = App(place)
    name = place.name
    yield succeeds(f"the program of the site `{name}` answers", f"{place.settings}/release ask")
    yield owns(f"the program of the site `{name}` has its data for itself", place.data, place.user)
    if app.workers:
        yield is_active(f"the workers of the site `{name}` run", *(app.unit(each.name) for each in app.workers))
    running = (app.unit("web"), *(app.unit(each.name) for each in app.workers))
    yield from reach.checks(reach_of(place), *running)
    if app.jobs:
        names = " ".join(app.unit(each.name) for each in app.jobs)
        said = f"systemctl list-units --failed --plain --no-legend {names} | cut -d' ' -f1 | grep ."
        yield succeeds(f"no job of the site `{name}` failed the last time", f"! {said}")
