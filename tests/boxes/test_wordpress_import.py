"""A WordPress of an old host, intruder and all, is brought in: its texts, people and pictures, and none of its code."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

import pytest

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec
from faults import running, wait_for
from test_wordpress import PICTURE, ask, secret

pytestmark = pytest.mark.timeout(900)

OLD_HOST = BoxSpec("oldhost", "203.0.113.20")
MODES = {
    "blog": "mode: split",
    "shop": "mode: single",
    "news": "mode: static-export\nedit_domain: write.highbeam.example",
}
EXPORTED = "paper"
"""What comes by an export, for want of more."""
SITES = (*MODES, EXPORTED)
POST, SHOWN, BACKDOOR = "harvest/", "wp-content/uploads/2023/05/caf%C3%A9.png", "wp-content/uploads/2023/05/cache.php"
WARE = "SELECT CONCAT(COUNT(*), ' ', MAX(ID)) FROM wp_posts"


def url(name, path=""):
    return f"https://{name}.highbeam.example/{path}"


def sql(operator, name, statement):
    return labs.shell(operator.lab, "web1", f"mariadb -N --raw highbeam-{name}", given=statement).stdout.strip()


def bring(operator, old, name, more="mode: split", given="old.sql.gz"):
    """Bring it in and add what is printed to org.yml, with the mode; return what was said."""
    ran = operator.ok("site", "import", "highbeam", name, f"{old}/old", "--dump", f"{old}/{given}")
    lines = "".join(f"          {line}\n" for line in ran.stdout.splitlines())
    mode = "".join(f"            {line}\n" for line in more.splitlines())
    org = operator.folder / "org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + lines + mode)
    return ran.stderr


@pytest.fixture(scope="module")
def old(lab, tmp_path_factory):
    """What somebody got from their old host."""
    labs.add_box(labs.load(lab.name), OLD_HOST)
    there = labs.load(lab.name)
    script = (Path(__file__).parent / "old_wordpress.sh").read_text()
    labs.shell(there, OLD_HOST.name, script, given=base64.b64encode(PICTURE).decode())
    pack = (
        "cd /root; tar -c old/wp-config.php old/wp-content/uploads old/wp-content/*plugins old.sql.gz old.xml | base64"
    )
    packed = labs.shell(there, OLD_HOST.name, pack).stdout
    labs.remove_box(labs.load(lab.name), OLD_HOST.name)
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def said(machine, old):
    """Deploy it in all three modes, and once more by its export; return what was said, by name."""
    said = {name: bring(machine, old, name, more) for name, more in MODES.items()}
    said[EXPORTED] = bring(machine, old, EXPORTED, given="old.xml")
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return said


@pytest.fixture
def operator(machine, said):
    return machine


def pages(operator, name):
    """Ask for what came along and what must not, as a visitor."""
    wanted = {
        "post": POST,
        "picture": SHOWN,
        "backdoor": BACKDOOR,
        "changed picture": SHOWN.replace("caf%C3%A9", "beam"),
    }
    return {what: ask(operator, url(name, path), "-o", "/dev/null")[0] for what, path in wanted.items()}


def test_what_comes_along_and_what_will_not_work_is_said_when_it_is_brought_in(operator, said, old):
    told = said["blog"]

    for line in (
        "2 of 3 accounts may do everything",
        "    rosa <rosa@old.example>",
        "    wp-support <x@evil.example>",
        "left out: programs among the uploads",
        "    2023/05/cache.php",
        "left out: pictures and documents with code of PHP in them",
        "    2023/05/beam.png",
        "left out: plugins that were switched on",
        "    counter 2.4",
        "left out: programs that run without being switched on",
        "    wp-content/mu-plugins/session.php",
        "left out: statements of the dump that are no tables",
        "TRIGGER again",
        "left out: tables of somebody else",
        "    other_things",
        "scripts of others that texts or widgets load",
        "    evil.example",
    ):
        assert line in told
    kept = sorted(str(path.relative_to(operator.folder)) for path in (operator.folder / "sites/blog").rglob("*.*"))
    assert kept == [
        "sites/blog/.gitignore",
        "sites/blog/database.sql",
        "sites/blog/import.json",
        "sites/blog/uploads/2023/05/café.png",
    ]
    assert "eval" in (old / "old/wp-content/uploads/2023/05/cache.php").read_text(), "the control: it was there"


@pytest.mark.parametrize("name", SITES)
def test_visitors_get_the_posts_and_the_pictures_under_the_new_name_and_no_backdoor(operator, name):
    wait_for("the post", lambda: ask(operator, url(name, POST))[0] == 200, seconds=120)
    page = ask(operator, url(name, POST))[1]

    assert pages(operator, name) == {"post": 200, "picture": 200, "backdoor": 403, "changed picture": 404}
    assert f'<img decoding="async" src="{url(name)}wp-content/uploads/2023/05/café.png"' in page
    for text in (f'<a href="{url(name)}about/">', '"https://other.old.example/"', "rosa@old.example"):
        assert text in page
    assert "//www.old.example" not in page
    assert "//old.example" not in page
    files = operator.root(f"find /srv/data/highbeam-{name}/uploads /srv/sites/highbeam-{name}* -name '*.php' -type f")
    assert files == ""


def test_texts_that_php_counted_and_names_that_the_prefix_was_part_of_are_right(operator):
    read = """php8.4 -r '$v = unserialize(stream_get_contents(STDIN)); echo $v["a"], " ", $v["b"][0]->link, " ",
        $v["b"][0]->count, " ", unserialize($v["c"])["x"];'"""
    option = "SELECT option_value FROM wp_options WHERE option_name = '{}'"

    settings = sql(operator, "blog", option.format("beam_settings"))
    said = labs.shell(operator.lab, "web1", read, given=settings).stdout
    tables = sql(operator, "blog", "SHOW TABLES").split()
    engines = sql(
        operator,
        "blog",
        "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = 'highbeam-blog'",
    )

    new = url("blog").rstrip("/")
    assert said == f"{new} {new}/café/ 7 {new}/ü"
    assert sql(operator, "blog", option.format("beam_json")).replace("\\", "") == f'{{"url":"{new}/shop"}}'
    assert sql(operator, "blog", option.format("home")) == new
    assert sql(operator, "blog", "SELECT page FROM wp_stats") == f"{new}/harvest/"
    assert sql(operator, "blog", "SELECT COUNT(*) FROM wp_usermeta WHERE meta_key = 'wp_capabilities'") == "3"
    assert "www.old.example" in sql(operator, "blog", "SELECT guid FROM wp_posts WHERE post_type = 'attachment'")
    assert all(table.startswith("wp_") for table in tables)
    assert "wp_stats" in tables
    assert engines == "InnoDB"
    assert (
        sql(operator, "blog", "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = database()")
        == "0"
    )


def login(operator, name, user, password):
    """Log in where people write, behind the web server's gate if there is one; 302 leads in."""
    where = "https://write.highbeam.example/" if name == "news" else url(name)
    gate = ("-u", f"editor:{secret(operator, f'{name}-gate')}") if name != "shop" else ()
    form = ("--data-urlencode", f"log={user}", "--data-urlencode", f"pwd={password}")
    cookie = ("-b", "wordpress_test_cookie=WP%20Cookie%20check", "-o", "/dev/null")
    return ask(operator, f"{where}wp-login.php", *gate, *form, *cookie)[0]


@pytest.mark.parametrize("name", MODES)
def test_people_log_in_with_their_old_passwords_and_who_org_yml_names_with_the_new_one(operator, name):
    assert login(operator, name, "ben", "of-ben") == 302
    assert login(operator, name, "ben", "of-rosa") == 200, "the control: another password does not let in"
    assert login(operator, name, "rosa", secret(operator, f"{name}-administrator")) == 302
    assert login(operator, name, "rosa", "of-rosa") == 200


def test_of_an_export_there_are_posts_and_who_wrote_them_and_all_else_is_said(operator, said):
    page = ask(operator, url(EXPORTED, POST))[1]
    under = ask(operator, url(EXPORTED, "category/harvest/"))
    shown = """SELECT COUNT(*), MAX(ID), SUM(comment_count), COUNT(DISTINCT post_type) FROM wp_posts
        WHERE post_status IN ('publish', 'inherit') AND post_type IN ('post', 'page', 'attachment')"""

    assert sql(operator, EXPORTED, shown) == sql(operator, "blog", shown), "what the dump of the same site has"
    assert "Good beans" in page
    assert under[0] == 200
    assert POST in under[1]
    assert sql(operator, EXPORTED, "SELECT comment_author_IP FROM wp_comments WHERE comment_author = 'Max'") == ""
    assert login(operator, EXPORTED, "rosa", secret(operator, f"{EXPORTED}-administrator")) == 302
    assert [login(operator, EXPORTED, "rosa", each) for each in ("of-rosa", "*", "")] == [200] * 3
    for line in (
        "an export has no theme, plugins, widgets, settings nor passwords",
        "    rosa <rosa@old.example>",
        "left out: programs among the uploads",
        "    evil.example",
    ):
        assert line in said[EXPORTED]


def test_a_further_deploy_has_nothing_to_change_and_all_checks_are_green(operator):
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    assert operator.red() == {}


def test_what_lies_there_to_be_loaded_is_read_by_the_site_alone(operator):
    where = "/srv/sites/highbeam-blog-import/current/"

    own = operator.root(f"runuser -u highbeam-blog -- head -c 20 {where}database.sql")
    other = operator.root(
        f"for who in www-data highbeam-blog-public highbeam-shop nobody; do "
        f"runuser -u $who -- ls {where} 2>/dev/null || echo refused; done"
    )

    assert own
    assert other.split() == ["refused"] * 4


@pytest.mark.rest
def test_over_a_database_that_has_tables_nothing_is_loaded_and_it_is_said(operator):
    org = operator.folder / "org.yml"
    text = org.read_text()
    before = sql(operator, "blog", WARE)
    with (operator.folder / "sites/blog/database.sql").open("ab") as file:
        file.write(b"INSERT INTO x7_posts (post_title) VALUES ('another');\n")

    ran = operator.run("deploy", "highbeam", "--yes")
    after = sql(operator, "blog", WARE)
    org.write_text(text.replace("            imported: sites/blog\n", ""))
    operator.ok("deploy", "highbeam", "--yes")

    assert ran.returncode == 3
    assert "has a database already, and nothing is loaded over it: take `imported` out of org.yml" in ran.stderr
    assert after == before == sql(operator, "blog", WARE)
    assert pages(operator, "blog")["post"] == 200
    assert operator.root("ls -d /srv/sites/highbeam-blog*").split() == ["/srv/sites/highbeam-blog"]
    assert operator.red() == {}


@pytest.mark.rest
def test_killed_in_the_middle_of_loading_the_next_run_starts_anew(operator, old):
    bring(operator, old, "late")
    loaded = operator.folder / "sites/late/database.sql"
    lines = loaded.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("CREATE TABLE `x7_users`"))
    loaded.write_text("".join((*lines[:at], "INSERT INTO x7_stats (page) VALUES (SLEEP(20))\n", *lines[at:])))
    operator.publish()

    with running(operator, "deploy", "highbeam", "--yes") as deploy:
        wait_for("half of it", lambda: "x7_stats" in _tables(operator), seconds=120)
        operator.root("systemctl kill --signal=KILL highbeam-late-settle.service")
        ended = deploy.ends(120)
    half = _tables(operator)
    operator.ok("deploy", "highbeam", "--yes")

    assert ended == 3
    assert {"coopinfra_import", "x7_posts"} <= set(half)
    assert "x7_users" not in half
    assert not [table for table in _tables(operator) if not table.startswith("wp_")]
    assert sql(operator, "late", WARE) == sql(operator, "blog", WARE)
    assert pages(operator, "late")["post"] == 200
    assert operator.red() == {}


def _tables(operator):
    return operator.root("mariadb -N -e 'SHOW TABLES' highbeam-late 2>/dev/null || true").split()


def _loads(operator, dump):
    """Lay a dump where the site's is, and load it into an empty database; return what its unit said."""
    unit = "highbeam-bad-settle.service"
    labs.shell(operator.lab, "web1", "cat >/srv/sites/highbeam-bad-import/current/database.sql", given=dump)
    operator.root("mariadb -e 'DROP DATABASE `highbeam-bad`; CREATE DATABASE `highbeam-bad`'")
    operator.root(f"systemctl reset-failed {unit}; systemctl restart {unit} || true")
    return operator.root(f"journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID {unit})")


@pytest.mark.rest
def test_a_hostile_dump_reaches_nothing_but_its_own_database_and_fails_loudly(operator, old):
    bring(operator, old, "bad")
    loaded = operator.folder / "sites/bad/database.sql"
    good = loaded.read_text()
    theirs = "`highbeam-shop`.wp_users"
    loaded.write_text(f"{good}INSERT INTO {theirs} (user_login) VALUES ('evil')\n")
    operator.publish()
    users = sql(operator, "shop", "SELECT GROUP_CONCAT(user_login) FROM wp_users")
    attempts = {
        f"INSERT INTO x7_options (option_name, option_value) SELECT 'x', user_pass FROM {theirs}": "denied",
        "CREATE TABLE `highbeam-shop`.evil (a int)": "denied",
        "ALTER TABLE x7_posts RENAME TO `highbeam-shop`.evil": "denied",
        "INSERT INTO mysql.global_priv (Host, User) VALUES ('%', 'evil')": "denied",
        "SELECT 'evil' INTO OUTFILE '/tmp/evil'": "none that `site import` writes",
        "INSERT INTO x7_stats (page) VALUES ('a'); DROP DATABASE `highbeam-shop`": "error in your SQL syntax",
        "INSERT INTO x7_stats (page) VALUES (LOAD_FILE('/etc/passwd'))": "loaded what was brought in",
    }

    ran = operator.run("deploy", "highbeam", "--yes")
    said = {each: _loads(operator, f"{good}{each}\n") for each in attempts}

    assert ran.returncode == 3
    assert "INSERT command denied" in ran.stderr
    for each, expected in attempts.items():
        assert expected in said[each], (each, said[each])
    assert sql(operator, "bad", "SELECT COUNT(*) FROM wp_stats WHERE page LIKE '%root%'") == "0"
    assert sql(operator, "shop", "SELECT GROUP_CONCAT(user_login) FROM wp_users") == users
    assert "evil" not in operator.root("mariadb -N -e 'SHOW DATABASES; SHOW TABLES FROM `highbeam-shop`'")
    evil = sql(operator, "shop", "INSERT INTO wp_users (user_login) VALUES ('evil'); SELECT ROW_COUNT()")
    assert evil == "1", "the control: who may, does"
    sql(operator, "shop", "DELETE FROM wp_users WHERE user_login = 'evil'")
