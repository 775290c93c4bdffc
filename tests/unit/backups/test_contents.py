"""What of a backup belongs to whom, and which server takes it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coopinfra.deploy.backups.contents import Contents, Wish, read_contents
from coopinfra.deploy.jobs.backup_through import not_taken
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.planning.plan import Declared, ServerPlan
from coopinfra.roles.declarations import BackupPath, MariadbDatabase
from coopinfra.roles.primitives.manifest import Manifest

HELD = read_contents(
    """\
taken 5
files 3 /srv/data/highbeam-shop/uploads
files 4 /srv/shared
dump mariadb-highbeam-shop highbeam-shop.dump highbeam-shop.counts
copy-mariadb-highbeam-shop /usr/local/lib/coopinfra/mariadb dump highbeam-shop
of website/shop database mariadb-highbeam-shop
of website/shop path /srv/data/highbeam-shop/uploads
of backups path /srv/shared
"""
)
SHOP = (("database", "mariadb-highbeam-shop"), ("path", "/srv/data/highbeam-shop/uploads"))


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (Wish(site="shop"), SHOP),
        (Wish(service="website"), SHOP),
        (Wish(service="website/shop"), SHOP),
        (Wish(service="backups"), (("path", "/srv/shared"),)),
        (Wish(database="highbeam-shop", site="shop"), SHOP),
        (Wish(), (SHOP[1], ("path", "/srv/shared"), SHOP[0])),
    ],
)
def test_what_is_wanted_follows_from_the_backup(wish: Wish, wanted: tuple[tuple[str, str], ...]) -> None:
    assert HELD.wanted(wish) == wanted


def test_a_name_that_only_begins_alike_is_another_one() -> None:
    with pytest.raises(InputError, match="nothing of a service `web`"):
        HELD.wanted(Wish(service="web"))
    with pytest.raises(InputError, match="nothing of a site `sho`"):
        HELD.wanted(Wish(site="sho"))


def _server(*declarations: Any) -> ServerPlan:
    empty = ServerPlan("highbeam", cast("Any", SimpleNamespace(id="web2")), (), (), ())
    return replace(empty, declared=tuple(Declared("website", each) for each in declarations))


@pytest.mark.parametrize(
    ("wish", "there", "missing"),
    [
        (Wish(site="shop"), (), ["mariadb-highbeam-shop", "/srv/data/highbeam-shop/uploads"]),
        (Wish(site="shop"), (BackupPath("/srv/data/highbeam-shop"),), ["mariadb-highbeam-shop"]),
        (Wish(path="/srv/data/highbeam-shop/uploads/1"), (), ["/srv/data/highbeam-shop/uploads/1"]),
        (Wish(path="/srv/shared/note"), (), []),
        (
            Wish(site="shop"),
            (BackupPath("/srv/data/highbeam-shop/uploads"), MariadbDatabase("highbeam-shop", "shop").dump),
            [],
        ),
    ],
)
def test_another_server_has_to_have_what_takes_it(wish: Wish, there: tuple[Any, ...], missing: list[str]) -> None:
    found = not_taken(_server(*there), HELD, HELD.wanted(wish))

    assert [each.message for each in found] == [f"nothing on `web2` takes {name}" for name in missing]


def test_of_an_older_backup_nobody_knows_what_belongs_to_whom() -> None:
    assert Contents(HELD.files, HELD.databases).owner("path", "/srv/shared") == ""
    assert HELD.owner("path", "/srv/shared/note") == "backups"


def test_a_release_is_later_by_its_numbers_and_not_by_its_letters() -> None:
    assert Manifest(release="0.10.0").is_later_than("0.9.1")
    assert not Manifest(release="0.9.1").is_later_than("0.10.0")
    assert not Manifest(release="0.9.1").is_later_than("0.9.1")


def test_the_script_tells_the_release_of_the_backup_and_then_that_of_the_server(tmp_path: Path) -> None:
    for folder, release in (("kept", "0.10.0"), ("state/highbeam", "0.9.1")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "manifest.json").write_text(Manifest(release=release).text())
    script = Path(__file__).parents[3] / "roles/backups/templates/coopinfra/restore.j2"
    function = "releases() {" + script.read_text().partition("releases() {")[2].partition("contents() {")[0]
    program = f"kept={tmp_path}/kept organisation=highbeam\n{function.replace('{{ manifest }}', f'{tmp_path}/state')}"

    ran = subprocess.run(["sh", "-euc", f"{program}\nreleases"], capture_output=True, text=True, check=True)

    assert ran.stdout == "0.10.0\n0.9.1\n"
