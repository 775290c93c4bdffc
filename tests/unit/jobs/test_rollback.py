"""The way back to an earlier release: what is said to the server, in which order, and what happens where it refuses."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from coopinfra.deploy.engine.batch import Answer
from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.jobs import rollback
from coopinfra.deploy.jobs.site import Place
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.roles.declarations import Release, Unit, Website

PATH = "/srv/sites/x-app"
APP = Unit("x-app.service", reads=(f"{PATH}/current",))
WEBSITE = Website("app", "python", "app.example", PATH, "/var/log/nginx/x-app.log", "x-app")


class Server:
    """A server with three releases, the newest served, which refuses what it is told to."""

    def __init__(self, refuses=""):
        self.said, self.refuses = [], refuses

    def run(self, command, **_):
        self.said.append(command.strip())
        if self.refuses and self.refuses in command:
            return Answer(1, "", "it does not start")
        return Answer(0, f"{PATH} new new old older\n" if "echo" in command else "", "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.said.append("closed")


@pytest.fixture
def go_back(monkeypatch):
    def go(server, to="", *, restart=lambda: None, trial="/usr/local/lib/try", release=True):
        ended = []

        @contextmanager
        def hold(*_, **__):
            yield SimpleNamespace(step=lambda _: None, end=ended.append)

        def restarted(_, units):
            server.said.append(f"restart {units[0].name}")
            restart()

        found = (Release("app", PATH, folder="sites/app", trial=trial),) if release else ()
        plan = SimpleNamespace(releases=found, units=(APP, Unit("other.service", reads=("/etc/other",))), users=())
        target = SimpleNamespace(label="x/web1", identity=SimpleNamespace(operator=SimpleNamespace(login="ada")))
        monkeypatch.setattr(rollback, "connect", lambda _: server)
        monkeypatch.setattr(rollback, "hold", hold)
        monkeypatch.setattr(rollback, "_restart", restarted)
        try:
            return rollback.roll_back(Place(WEBSITE, plan, target), to)
        finally:
            server.said.append(f"ended {ended}")

    return go


def test_the_release_before_is_tried_then_served_then_run(go_back):
    server = Server()

    assert go_back(server) == ("new", "old")

    tried, served = (server.said.index(each) for each in server.said[1:3])
    assert server.said[tried] == f"/usr/local/lib/try {PATH}/releases/old old"
    assert "ln -sfn releases/old current.new" in server.said[served]
    assert server.said[3:] == ["restart x-app.service", "closed", "ended ['done']"]


def test_one_that_does_not_pass_its_trial_is_never_served(go_back):
    server = Server(refuses="/usr/local/lib/try")

    with pytest.raises(ServerError, match="`old` did not pass its trial; new is served still: it does not start"):
        go_back(server)

    assert not [each for each in server.said if "ln -sfn" in each or each.startswith("restart")]
    assert server.said[-1] == "ended ['server']"


def test_where_its_programs_do_not_start_the_one_that_was_served_is_served_again(go_back):
    server, times = Server(), []

    def restart():
        times.append(1)
        if len(times) == 1:
            raise ServerError(Problem("x-app.service did not restart"))

    with pytest.raises(ServerError) as caught:
        go_back(server, restart=restart)

    links = [each for each in server.said if "ln -sfn" in each]
    assert ["releases/old" in links[0], "releases/new" in links[1]] == [True, True]
    assert len(times) == 2
    assert caught.value.problems[0].hint == "new is served again; look at `site logs`"


def test_a_release_that_is_not_there_and_a_site_without_releases_are_refused(go_back):
    with pytest.raises(InputError, match="`app` has no release `gone`"):
        go_back(Server(), "gone")
    with pytest.raises(InputError, match=r"`app` \(python\) has no releases"):
        go_back(Server(), release=False)
