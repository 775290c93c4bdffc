"""Machines that are shared: what a tenant's plan takes from the owner, and who is not let in, in sentences."""

from pathlib import Path

import pytest

from coopinfra.deploy.organisation.load import to_server
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.planning.make import make_plan
from coopinfra.roles.declarations import BackupPath
from coopinfra.roles.facts import Tenancy
from shared_machine import OWNER, Inventories

MACHINE = "machine: lantern/shared1"


@pytest.fixture
def inventories(tmp_path, monkeypatch):
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path))
    return Inventories(tmp_path)


def test_a_tenant_is_told_where_the_machine_is_who_may_log_in_and_what_it_may_take(inventories):
    server = to_server(inventories.load("alder"), "web")

    assert (server.id, server.host_name) == ("web", "shared1.lantern.example")
    assert (server.addresses, server.port) == (("203.0.113.20", "2001:db8::20"), 2222)
    assert [each.login for each in server.operators] == ["ada"], "those of the owner have accounts there"
    assert server.tenancy == Tenancy("alder", "lantern", "shared1", 256)
    assert server.tenancy.slice == "coopinfra-alder.slice"


def test_its_host_key_is_pinned_with_the_owner(inventories):
    plan = make_plan(inventories.load("alder"))

    assert plan.known_hosts(plan.servers[0].server) == inventories.folder / "lantern/known_hosts"


def test_a_tenant_has_the_role_tenant_and_the_owner_has_base(inventories):
    tenant, owner = (make_plan(inventories.load(name)).servers[0] for name in ("alder", "lantern"))

    assert {"tenant", "nginx", "certificates"} <= {part.role for part in tenant.parts}
    assert tenant.part("base") is owner.part("tenant") is None
    assert not [file.path for file in tenant.files if "sshd" in file.path or "sudoers" in file.path]
    assert "/etc/nftables.d/alder.nft" in {file.path for file in tenant.files}


@pytest.mark.parametrize(
    ("old", "new", "sentence", "hint"),
    [
        (MACHINE, "machine: lantern/shared2", "`lantern` has no server `shared2`", "did you mean `shared1`?"),
        (MACHINE, "machine: lantren/shared1", "there is no organisation `lantren`", "did you mean `lantern`?"),
        (MACHINE, "machine: shared1", "`shared1` is not the name of a machine", "`lantern/shared1`"),
        (MACHINE, "machine: ../shared1", "`..` is not a short name", "use a to z"),
        (MACHINE, "machine: alder/web", "`alder/web` is a machine of its own", "write its `address`"),
        (MACHINE, "machine: lantern/own1", "`lantern` does not let `alder` onto `own1`", "adds `tenants: {alder: {}}`"),
        (MACHINE, "machine: lantern/elsewhere", "is on a machine of others itself, `oak/big1`", "name that one"),
        (MACHINE, f"{MACHINE}\n    port: 22", "`port` of `web` is said by whoever owns the machine", "leave it out"),
        (
            MACHINE,
            f"{MACHINE}\n    address: 203.0.113.9",
            "`address` of `web` is said by whoever owns",
            "one of the two",
        ),
        (
            "  web:",
            "  one: {machine: lantern/shared1, roles: {}}\n  web:",
            "`one` and `web` are one machine",
            "under one",
        ),
        ("    roles:", "    roles:\n      base: {}", "`base` is about the whole machine", "the machine's owner"),
        ("    roles:", "    roles:\n      nginx: {hsts_days: 1}", "`hsts_days` of `nginx` is one for all", "owner"),
        ("databases:", "memory_percent: 5, databases:", "`memory_percent` of `postgresql` is one for all", "owner"),
    ],
)
def test_who_is_not_let_in_is_told_why(inventories, old, new, sentence, hint):
    with pytest.raises(InputError) as caught:
        inventories.load("alder", (old, new))

    (problem,) = caught.value.problems
    assert sentence in problem.message
    assert hint in problem.hint
    assert problem.file == "alder/org.yml"
    assert problem.line


def test_an_owner_has_no_part_of_a_shared_machine(inventories):
    with pytest.raises(InputError, match="`tenant` is for servers on a machine of others"):
        inventories.load("lantern", ("  elsewhere: {machine: oak/big1, roles: {}}\n", ""), ("base: {}", "tenant: {}"))


def test_mistakes_of_the_owner_are_not_told_to_the_tenant(inventories):
    inventories.load("alder")
    path = inventories.folder / "lantern/org.yml"
    broken = path.read_text().replace("203.0.113.21", "nowhere").replace("hsts_days: 30", "hsts_days: x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared_machine.OWNER", broken)
        with pytest.raises(InputError) as caught:
            inventories.load("alder")

    (problem,) = caught.value.problems
    assert problem.message == "`lantern/org.yml` has 2 mistakes"
    assert problem.hint == "see `coopinfra validate lantern`"


def test_each_program_of_a_tenant_runs_in_its_slice(inventories):
    cache = "      valkey: {caches: {members: {user: alder-members}}}\n      website:"
    server = make_plan(inventories.load("alder", ("      website:", cache))).servers[0]

    dropins = {file.path: file.content.decode() for file in server.files if file.path.endswith("/tenant.conf")}

    assert list(dropins) == ["/etc/systemd/system/valkey@alder-members.service.d/tenant.conf"]
    assert "Slice=coopinfra-alder.slice" in next(iter(dropins.values()))


def test_each_program_of_an_application_of_a_tenant_runs_in_its_slice(inventories):
    app = "shop: {domain: shop.alder.example, kind: node, source: {folder: pages}, reaches: ['api.example.org:443']}"
    server = make_plan(inventories.load("alder", ("{main:", f"{{{app}, main:"))).servers[0]

    units = {Path(file.path).name for file in server.files if file.path.endswith(".service")}
    dropins = {Path(file.path).parent.name for file in server.files if file.path.endswith("/tenant.conf")}

    assert {f"alder-shop@{each}.service" for each in ("web", "trial", "fetch", "reach", "network")} <= units
    assert dropins == {f"{each}.d" for each in units if each.startswith("alder-")}


def test_sites_of_a_tenant_with_a_disk_lie_on_it_and_of_one_without_with_everybodys(inventories):
    app = "shop: {domain: shop.alder.example, kind: node, source: {folder: pages}}"
    before, after = (
        make_plan(inventories.load("alder", ("{main:", f"{{{app}, main:"), owner=owner)).servers[0]
        for owner in (OWNER, OWNER.replace("256", "256, disk_gigabytes: 5"))
    )

    def paths(server):
        return {each.path for each in (*server.releases, *server.all(BackupPath))}

    assert paths(before) == {"/srv/sites/alder-shop", "/srv/sites/alder-main", "/srv/data/alder-shop"}
    assert paths(after) == {path.replace("/srv/", "/srv/tenants/alder/") for path in paths(before)}
    (size,) = (file for file in after.files if file.path == "/etc/coopinfra/disks/alder")
    assert size.content.endswith(b"\n5\n")
