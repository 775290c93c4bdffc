"""Databases that a role declares, on a real Debian 13: who gets in, who does not, and what is kept of them."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from boxes import EXAMPLES, kill, read_until
from coopinfra.deploy.lab import lab as labs

pytestmark = pytest.mark.timeout(480)

ROOT = EXAMPLES.parent
ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    ipv6: 2001:db8::10
    roles:
      blog: {}
"""
NAME = "highbeam-blog"
OWNER, PUBLIC, READER = NAME, f"{NAME}-public", f"{NAME}-reader"
MADE = "Make databases of MariaDB and their users"
TABLES = (
    "CREATE TABLE posts (id integer PRIMARY KEY, body text, comment_count integer)",
    "CREATE TABLE comments (post integer, body text)",
    "INSERT INTO posts VALUES (1, 'ä', 0), (2, NULL, 0)",
)
ENGINES = ("postgresql", "mariadb")
each_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(scope="module")
def operator(machine, tmp_path_factory):
    """Somebody whose coopinfra knows the role `blog` too."""
    package = tmp_path_factory.mktemp("source") / "coopinfra"
    for name in ("cli", "deploy", "templates"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "roles", package / "roles", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).with_name("blog_role"), package / "roles/blog")
    program = ("env", f"PYTHONPATH={package.parent}", sys.executable, "-m", "coopinfra.cli.main")
    return replace(machine, program=program)


@pytest.fixture(scope="module", autouse=True)
def deployed(operator):
    """A server whose first deploy was killed while it made databases, and finished by the next."""
    (operator.folder / "org.yml").write_text(ORG)
    process = operator.start(*operator.argv("deploy", "highbeam", "--yes"))
    read_until(process, MADE)
    kill(process)

    ran = operator.ok("deploy", "highbeam", "--yes")

    assert f"stopped at: {MADE}" in ran.stderr


def ask(operator, engine, user, statement, database=NAME):
    """Run one statement as a system user; return what it says, or `refused: ...`."""
    client = {
        "postgresql": f"psql -X -A -t -q -v ON_ERROR_STOP=1 -d {database}",
        "mariadb": f"mariadb --no-defaults --batch --raw -N -D {database}",
    }[engine]
    ran = labs.shell(operator.lab, "web1", f"runuser -u {user} -- {client}", given=f"{statement};", check=False)
    return ran.stdout.strip() if ran.returncode == 0 else f"refused: {ran.stderr}"


def script(operator, engine, *words, check=True):
    return labs.shell(operator.lab, "web1", f"/usr/local/lib/coopinfra/{engine} {' '.join(words)}", check=check)


def test_a_further_deploy_has_nothing_to_change_and_all_checks_are_green(operator):
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    assert operator.red() == {}


@each_engine
def test_the_owner_works_and_rights_come_with_the_tables_they_wait_for(operator, engine):
    for statement in TABLES:
        assert ask(operator, engine, OWNER, statement) == ""
    before = ask(operator, engine, PUBLIC, "INSERT INTO comments VALUES (1, 'hello')")

    script(operator, engine, "settle")

    assert before.startswith("refused")
    assert ask(operator, engine, PUBLIC, "INSERT INTO comments VALUES (1, 'hello')") == ""
    assert ask(operator, engine, PUBLIC, "UPDATE posts SET comment_count = 1 WHERE id = 1") == ""
    assert ask(operator, engine, PUBLIC, "SELECT count(*) FROM posts") == "2"
    for refused in (
        "UPDATE posts SET body = 'spam'",
        "INSERT INTO posts VALUES (3, 'spam', 0)",
        "DELETE FROM comments",
        "CREATE TABLE mine (id integer)",
    ):
        assert "denied" in ask(operator, engine, PUBLIC, refused), refused
    assert script(operator, engine, "due").stdout == ""


@each_engine
def test_a_reader_reads_and_cannot_write_and_others_do_not_get_in(operator, engine):
    reads = ask(operator, engine, READER, "SELECT body FROM posts WHERE id = 1")
    writes = ask(operator, engine, READER, "INSERT INTO comments VALUES (1, 'spam')")
    stranger = ask(operator, engine, "demo", "SELECT 1")

    assert reads == "ä"
    assert "denied" in writes
    assert re.search(r'role "demo" does not exist|Access denied', stranger)


def test_a_user_of_one_database_does_not_get_into_another(operator):
    operator.root('runuser -u postgres -- createdb other; mariadb -e "CREATE DATABASE other"')

    refused = [ask(operator, engine, OWNER, "SELECT 1", database="other") for engine in ENGINES]

    assert "denied" in refused[1]
    assert refused[0] == "1", "the control: PostgreSQL lets everybody into what is not declared"
    assert "permission denied" in ask(operator, "postgresql", OWNER, "SELECT 1", database="postgres")
    operator.root('runuser -u postgres -- dropdb other; mariadb -e "DROP DATABASE other"')


def test_only_its_user_reaches_a_cache_and_it_keeps_no_more_than_it_may(operator):
    folder = f"/run/valkey-{NAME}"
    client = f"valkey-cli -s {folder}/socket"
    operator.root(f"runuser -u {OWNER} -- {client} set greeting hello")

    owner = operator.root(f"runuser -u {OWNER} -- {client} get greeting")
    others = operator.root(f"runuser -u {PUBLIC} -- {client} get greeting 2>&1 || true")
    operator.root(f"chmod 777 {folder} {folder}/socket")
    opened = operator.root(f"runuser -u {PUBLIC} -- {client} get greeting")
    operator.root(f"chmod 700 {folder} {folder}/socket")
    filling = f"head -c 1000000 /dev/zero | runuser -u {OWNER} -- {client} -x set"
    operator.root(f"for number in $(seq 30); do {filling} $number; done")

    assert owner == "hello\n"
    assert "Permission denied" in others
    assert opened == "hello\n", "the control: what keeps them out is the folder and the socket"
    assert 8 <= int(operator.root(f"runuser -u {OWNER} -- {client} dbsize")) <= 16


def test_data_has_checksums_and_a_locale_that_never_changes_and_nothing_listens_on_tcp(operator):
    facts = ask(
        operator,
        "postgresql",
        OWNER,
        "SELECT current_setting('data_checksums'), datlocprovider, datlocale, "
        "pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()",
    )
    charset = ask(operator, "mariadb", OWNER, "SELECT @@character_set_database, @@skip_networking")
    listeners = operator.root("ss -Hltn | awk '{print $4}'").split()

    assert facts == "on|b|C.UTF-8|UTF8"
    assert charset.split() == ["utf8mb4", "1"]
    assert {each.rpartition(":")[2] for each in listeners} == {"22"}, "SSH alone, which is the control"


@each_engine
def test_a_dump_that_is_taken_while_somebody_writes_comes_back_just_so(operator, engine):
    writing = f"blog-writes-{engine}"
    client = "psql -q -d" if engine == "postgresql" else "mariadb"
    operator.root(
        f'systemd-run --quiet --unit={writing} --uid={OWNER} sh -c "while :; do '
        f"echo 'INSERT INTO comments VALUES (2, 42);' | {client} {NAME}; done\""
    )
    dumped = f"/root/dump-{engine}"
    operator.root(
        f"until [ $(/usr/local/lib/coopinfra/{engine} count {NAME} | awk '/comments/ {{print $2}}') -gt 3 ]; do :; done"
    )

    script(operator, engine, "dump", NAME, dumped)

    operator.root("sleep 0.5")
    operator.root(f"systemctl stop {writing}")
    counts = operator.root(f"cat {dumped}/{NAME}.counts")
    later = script(operator, engine, "count", NAME).stdout
    assert counts != later, "the control: it was written to meanwhile, and counting sees it"
    full = script(operator, engine, "restore", NAME, dumped, check=False)
    assert full.returncode == 1
    assert "has tables" in full.stderr
    script(operator, engine, "empty", NAME)
    assert script(operator, engine, "count", NAME).stdout == ""
    script(operator, engine, "restore", NAME, dumped)
    assert script(operator, engine, "count", NAME).stdout == counts
    assert counts.count("\n") == 2
    script(operator, engine, "settle")
    assert ask(operator, engine, PUBLIC, "INSERT INTO comments VALUES (1, 'again')") == ""


def test_rights_that_nobody_declares_turn_checks_red_and_are_taken_back(operator):
    holes = {"postgresql": (OWNER, f'"{PUBLIC}"'), "mariadb": ("root", f"`{PUBLIC}`@localhost")}
    for engine, (admin, grantee) in holes.items():
        ask(operator, engine, admin, f"GRANT DELETE ON comments TO {grantee}")
        assert ask(operator, engine, PUBLIC, "DELETE FROM comments WHERE post = 99") == "", "the hole is there"

    red = operator.red()
    operator.ok("deploy", "highbeam", "--yes")

    assert len(red) == 2
    for engine in ENGINES:
        assert "denied" in ask(operator, engine, PUBLIC, "DELETE FROM comments WHERE post = 99")
        assert script(operator, engine, "due").stdout == ""


def test_one_that_is_down_turns_checks_red_and_one_that_cannot_start_fails_the_deploy_with_its_journal(operator):
    broken = {
        "postgresql": ("postgresql@17-main.service", "/etc/postgresql/17/main/conf.d/zz.conf", "no_such_setting = 1"),
        "mariadb": ("mariadb.service", "/etc/mysql/mariadb.conf.d/99-zz.cnf", "[mariadbd]\nno-such-setting = 1"),
    }
    for unit, configuration, line in broken.values():
        operator.root(f"printf '{line}\\n' >{configuration}; systemctl stop {unit}")

    red = operator.run("check", "highbeam")
    ran = operator.run("deploy", "highbeam", "--yes")
    said = {engine: script(operator, engine, "settle", "highbeam", check=False) for engine in ENGINES}
    for _, configuration, _ in broken.values():
        operator.root(f"rm {configuration}")
    operator.ok("deploy", "highbeam", "--yes")

    assert red.returncode == 1
    for name in ("PostgreSQL", "MariaDB"):
        assert f"{name} of web1 has what is declared" in re.sub(r"\s+", " ", red.stdout)
    assert ran.returncode == 3
    assert "journal says" in ran.stderr
    for engine in ENGINES:
        assert said[engine].returncode == 1
        assert re.search("no.such.setting", said[engine].stderr)
    assert operator.red() == {}


def test_a_deploy_touches_nothing_of_another_organisation_on_the_same_server(operator):
    locale = {"postgresql": " C.UTF-8", "mariadb": ""}
    for engine in ENGINES:
        line = f"database harbor harbor-blog harbor-blog{locale[engine]}"
        operator.root(f"echo '{line}' >/etc/coopinfra/{engine}.d/harbor")

    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    for engine in ENGINES:
        assert "harbor-blog" in script(operator, engine, "due").stdout, "the control: it waits for its own deploy"
        assert script(operator, engine, "due", "highbeam").stdout == ""
        operator.root(f"rm /etc/coopinfra/{engine}.d/harbor")


def test_what_is_no_longer_declared_is_kept_and_people_see_it_and_get_in(operator):
    own = "".join(f"      {engine}: {{databases: {{{engine}: {{}}}}}}\n" for engine in ENGINES)
    (operator.folder / "org.yml").write_text(ORG.replace("      blog: {}\n", own))
    operator.ok("deploy", "highbeam", "--yes")

    listed = operator.data("db", "list", "highbeam")
    sizes = operator.data("db", "size", "highbeam", NAME)
    by_hand = operator.ok("db", "list", "highbeam").stdout
    shells = [
        labs.run(operator.lab, operator.argv("db", "shell", "highbeam", name, "--engine", engine), given=f"{sql};\n")
        for engine in ENGINES
        for name, sql in ((f"highbeam-{engine}", "SELECT current_user"), (NAME, "SELECT count(*) FROM posts"))
    ]
    unknown = operator.run("db", "shell", "highbeam", "nothing")
    ambiguous = operator.run("db", "shell", "highbeam", NAME)

    found = {(each["name"], each["engine"], each["owner"], each["declared"]) for each in listed}
    declared = {(f"highbeam-{engine}", engine, f"highbeam-{engine}", True) for engine in ENGINES}
    assert {each[:2] for each in found - declared} == {(NAME, engine) for engine in ENGINES}
    assert declared < found
    assert by_hand.count("left over") == 2
    assert {each["name"] for each in sizes} == {"posts", "comments", "public.posts", "public.comments"}
    for shell, expected in zip(shells, ("highbeam-postgresql", "2", "highbeam-mariadb@localhost", "2"), strict=True):
        assert expected in shell.stdout, shell
    assert unknown.returncode == ambiguous.returncode == 2
    assert "there is no database `nothing`" in unknown.stderr
    assert "name its --engine" in ambiguous.stderr
