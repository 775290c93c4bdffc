"""What organisations on one machine know of each other, from the notes that each has left there."""

import subprocess
from dataclasses import replace
from itertools import permutations

import pytest

from coopinfra.deploy.engine.preflight import PreflightError
from coopinfra.deploy.engine.sharing import refuse_conflicts
from coopinfra.deploy.jobs.leave import without_everything
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Port
from coopinfra.roles.primitives import neighbours as module
from coopinfra.roles.primitives.manifest import Manifest, manifest_of
from coopinfra.roles.primitives.neighbours import Neighbours, ServerManifests
from shared_machine import TENANTS, Inventories


def left_by(server: ServerPlan) -> Manifest:
    """What a finished deploy of a plan leaves on the machine."""
    return manifest_of(
        server.files,
        server.users,
        server.units,
        server.releases,
        ports=server.all(Port),
        claims=server.claims,
        memory=server.server.tenancy.memory_megabytes if server.server.tenancy else 0,
        baseline=(),
    )


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """The plans of a machine's owner and of three who share it."""
    inventories = Inventories(tmp_path_factory.mktemp("inventories"))
    return {name: make_plan(inventories.load(name)).servers[0] for name in ("lantern", *TENANTS)}


def contents(server):
    return {
        file.path: (file.content, file.user, file.group, file.mode) for file in server.files if isinstance(file, File)
    }


def test_what_several_write_at_one_path_is_the_same_for_all(servers):
    written = [contents(servers[name]) for name in TENANTS]

    common = set.intersection(*(set(each) for each in written))

    assert "/etc/nginx/nginx.conf" in common
    assert "/usr/local/lib/coopinfra/postgresql" in common
    for path in common:
        assert written[0][path] == written[1][path] == written[2][path], path
    assert b"max-age=2592000" in written[0]["/etc/nginx/nginx.conf"][0], "as the machine's owner has set it"


@pytest.mark.parametrize("order", [*permutations(TENANTS)], ids="-".join)
def test_in_any_order_all_can_come_and_what_the_last_one_leaves_is_nobody_elses(servers, order):
    there = {"lantern": left_by(servers["lantern"])}
    for name in order:
        refuse_conflicts(servers[name], left_by(servers[name]), Neighbours(there))
        there[name] = left_by(servers[name])

    files = {path for each in there.values() for path in each.files}
    for name in order:
        own = there.pop(name)
        neighbours = Neighbours(there)
        after = left_by(without_everything(servers[name], neighbours))
        gone = neighbours.without_shared(own.without(after))
        assert not set(gone.files) & neighbours.have("files")
        assert not set(gone.units) & neighbours.have("units")
        assert not set(gone.users) & neighbours.have("users")
        assert set(gone.files) == set(own.files) - neighbours.have("files")
        files -= set(gone.files)
    assert files == set(there["lantern"].files), "with the last one goes what only they had"


def test_a_unit_that_serves_the_others_is_told_and_goes_on(servers):
    others = Neighbours({"birch": left_by(servers["birch"])})

    told = without_everything(servers["alder"], others)
    alone = without_everything(servers["alder"], Neighbours())

    assert "nginx.service" in {unit.name for unit in told.units}
    assert not [unit for unit in told.units if "alder" in unit.name or unit.answers]
    assert alone.units == ()


@pytest.mark.parametrize(
    "claim", ["www.alder.example", "user alder-members", "/srv/sites/alder-main", "site alder-main"]
)
def test_what_only_one_can_have_is_refused_to_the_second(servers, claim):
    birch = servers["birch"]
    wanted = replace(left_by(birch), claims={**birch.claims, claim: "website"})

    with pytest.raises(PreflightError) as caught:
        refuse_conflicts(birch, wanted, neighbours_of(servers, "alder"))

    assert [problem.message for problem in caught.value.problems] == [
        f"birch/web: `alder` has {claim} on this machine already"
    ]


def neighbours_of(servers, *names):
    return Neighbours({name: left_by(servers[name]) for name in ("lantern", *names)}, 4096)


def test_a_port_is_shared_by_what_the_same_role_runs_and_by_nothing_else(servers):
    birch = servers["birch"]
    same = replace(left_by(birch), claims={"port 443/tcp": "nginx"})
    other = replace(left_by(birch), claims={"port 443/tcp": "embeds"})

    refuse_conflicts(birch, same, neighbours_of(servers, "alder"))
    with pytest.raises(PreflightError, match="`alder` has port 443/tcp"):
        refuse_conflicts(birch, other, neighbours_of(servers, "alder"))


def test_limits_of_memory_have_to_fit_into_the_machine(servers):
    small = replace(neighbours_of(servers, "alder"), megabytes=600)

    with pytest.raises(PreflightError, match="168 MB more than its 600 MB"):
        refuse_conflicts(servers["birch"], left_by(servers["birch"]), small)
    refuse_conflicts(servers["birch"], left_by(servers["birch"]), replace(small, megabytes=768))


def test_data_that_a_disk_would_leave_behind_is_not_left_behind(servers):
    birch, there = servers["birch"], neighbours_of(servers)
    old = replace(left_by(birch), directories=("/srv/data", "/srv/data/birch-shop", "/srv/sites"))
    given = replace(birch, server=replace(birch.server, tenancy=replace(birch.server.tenancy, disk_gigabytes=5)))

    refuse_conflicts(birch, left_by(birch), there, old)
    with pytest.raises(PreflightError, match="its data would stay in `/srv/data/birch-shop`"):
        refuse_conflicts(given, left_by(birch), there, old)

    on_its_disk = replace(old, directories=("/srv/tenants/birch/data/birch-shop",))
    refuse_conflicts(without_everything(given, there), Manifest(), there, on_its_disk)


def test_who_leaves_is_given_nothing_any_more(servers):
    left = without_everything(servers["alder"], neighbours_of(servers))

    tenancies = {part.server.tenancy for part in left.parts} | {left.server.tenancy}

    assert {(each.memory_megabytes, each.disk_gigabytes) for each in tenancies} == {(0, 0)}


def test_nobody_comes_before_the_owner_nor_with_an_older_release_than_a_neighbour(servers, monkeypatch):
    birch = servers["birch"]
    with pytest.raises(PreflightError, match="`lantern` has not deployed `shared1` yet"):
        refuse_conflicts(birch, left_by(birch), Neighbours())

    ahead = Neighbours({"lantern": replace(left_by(servers["lantern"]), release="99.0")})
    with pytest.raises(PreflightError, match=r"coopinfra 99\.0 was here last"):
        refuse_conflicts(birch, left_by(birch), ahead)


def test_of_others_nothing_is_known_that_follows_from_a_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "manifest_path", lambda organisation: f"{tmp_path}/{organisation}/manifest.json")
    secret = Manifest(files={"/etc/s": "aa", "/etc/p": "bb"}, sealed={"/etc/s": "cc"}, commit="c0ffee", signed=True)
    for name in ("alder", "birch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(secret.text())
    command = ServerManifests().command("alder")

    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    found = ServerManifests().process(said.splitlines())

    assert found.own == secret
    assert found.neighbours.manifests == {"birch": Manifest(files={"/etc/s": "", "/etc/p": "bb"})}
    assert found.neighbours.megabytes > 100


def test_before_any_deploy_there_is_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "manifest_path", lambda organisation: f"{tmp_path}/{organisation}/manifest.json")
    command = ServerManifests().command("alder")

    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    found = ServerManifests().process(said.splitlines())

    assert (found.own, found.neighbours.manifests) == (Manifest(), {})
