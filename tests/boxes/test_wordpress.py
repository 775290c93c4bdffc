"""Sites in PHP and WordPress on a real Debian 13: people write in a browser, visitors read, and nobody breaks in."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

import browser
from attacks import REFUSED, WORKS, Target, outcomes, table
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.internet import AUTHORITY_NAME
from coopinfra.deploy.lab.state import BoxSpec
from documented import assert_documented
from faults import held, on_box, running, wait_for
from test_budget import COMPARE, CONVERGE, count

pytestmark = pytest.mark.timeout(600)

HERE = Path(__file__).parent
BLOG, SHOP, NEWS, WRITE, TOOLS = (
    f"https://{name}.highbeam.example" for name in ("blog", "shop", "news", "write", "tools")
)
STOCK = BoxSpec("stock", "203.0.113.20")
SITES = """\
          tools:
            domain: tools.highbeam.example
            kind: php
            source: {folder: sites/tools}
            writable: [uploads]
            database: mariadb
"""
WORDPRESS = """\
          NAME:
            domain: NAME.highbeam.example
            kind: wordpress
            mode: MODE
            title: "High Beam's NAME"
            administrator: rosa
            administrator_email: rosa@highbeam.example
            plugins:
              vulnerable: {version: "1.0", sha256: SHA256, file: archives/vulnerable.zip}
"""
TOOL = """\
<?php
$line = new mysqli("localhost", getenv("DB_USER"), "", getenv("DB_NAME"));
$line->query("CREATE TABLE IF NOT EXISTS visits (id int auto_increment primary key)");
$line->query("INSERT INTO visits VALUES ()");
echo "visits: ", $line->query("SELECT count(*) FROM visits")->fetch_row()[0], ".";
if (isset($_FILES["file"])) {
    echo move_uploaded_file($_FILES["file"]["tmp_name"], __DIR__ . "/uploads/" . $_FILES["file"]["name"]) ? "kept" : "";
}
if (isset($_POST["code"])) {
    eval($_POST["code"]);
}
"""
# The smallest picture that is one.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def archive(operator, more=""):
    """Lay the plugin beside org.yml, with one more file if that has something in it; return its checksum."""
    made = operator.folder / "archives/vulnerable.zip"
    made.parent.mkdir(exist_ok=True)
    with ZipFile(made, "w") as packed:
        # A name and a time that are given: the same content has the same checksum.
        packed.writestr(ZipInfo("vulnerable/vulnerable.php"), (HERE / "vulnerable_plugin/vulnerable.php").read_text())
        if more:
            packed.writestr(ZipInfo("vulnerable/more.php"), more)
    return pinned(operator)


def pinned(operator):
    return sha256((operator.folder / "archives/vulnerable.zip").read_bytes()).hexdigest()


def furnish(operator):
    """Give the organisation a site in PHP and two WordPress that are full of holes."""
    checksum = archive(operator)
    org = operator.folder / "org.yml"
    wordpress = (
        WORDPRESS.replace("NAME", name).replace("MODE", mode).replace("SHA256", checksum)
        for name, mode in (
            ("blog", f"split\n            reaches: ['{AUTHORITY_NAME}:443']"),
            ("shop", "single"),
            ("news", "static-export\n            edit_domain: write.highbeam.example"),
        )
    )
    org.write_text(org.read_text().rstrip("\n") + "\n" + SITES + "".join(wordpress))
    (operator.folder / "sites/tools").mkdir()
    (operator.folder / "sites/tools/index.php").write_text(TOOL)
    operator.publish()
    operator.ok("deploy", "highbeam", "--yes")


def stock(lab):
    """Make a machine as Debian's own instructions do, with the same plugin."""
    labs.add_box(labs.load(lab.name), STOCK)
    plugin = (HERE / "vulnerable_plugin/vulnerable.php").read_text()
    script = (HERE / "stock_wordpress.sh").read_text()
    labs.shell(labs.load(lab.name), STOCK.name, script, given=plugin)


@pytest.fixture(scope="module")
def operator(machine):
    furnish(machine)
    return machine


@pytest.fixture(scope="module")
def stock_hosting(lab, operator):
    """The control: what the same plugin does where nobody thought of it."""
    stock(lab)
    return replace(operator, lab=labs.load(lab.name))


def ask(operator, url, *options):
    """Ask as a visitor; return the status and the body."""
    ran = operator.outside("curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", *options, url)
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), body


def secret(operator, name):
    return operator.ok("secrets", "show", "highbeam", f"web1/website/{name}", "--yes").stdout.strip()


def test_a_further_deploy_has_nothing_to_change_and_all_checks_are_green(operator):
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    assert operator.red() == {}
    counted = count(operator)
    assert (counted["compare"] <= COMPARE, counted["converge"] <= CONVERGE) == (True, True), counted


@pytest.mark.parametrize(
    ("name", "url", "seen"),
    [("blog", BLOG, BLOG), pytest.param("news", WRITE, NEWS, marks=pytest.mark.rest)],
)
def test_somebody_logs_in_writes_and_uploads_in_a_browser_and_visitors_see_it(operator, tmp_path, name, url, seen):
    host.require(print, browser.NEEDS)
    (tmp_path / "beam.png").write_bytes(PICTURE)
    told = {
        "url": url,
        "gate": f"editor:{secret(operator, f'{name}-gate')}",
        "user": "rosa",
        "password": secret(operator, f"{name}-administrator"),
        "title": "The first harvest",
        "text": "Roasted on Tuesday.",
        "picture": str(tmp_path / "beam.png"),
    }

    argv = (sys.executable, str(Path(browser.__file__)))
    ran = labs.run(operator.lab, argv, given=json.dumps(told))

    assert ran.returncode == 0, ran.stderr
    made = {what: address.replace(url, seen) for what, address in json.loads(ran.stdout).items()}
    # Finished pages are made in the background.
    wait_for("the post", lambda: ask(operator, made["post"])[0] == 200, seconds=120)
    page = ask(operator, made["post"])[1]
    assert "The first harvest" in page
    assert "Roasted on Tuesday." in page
    assert "The first harvest" in ask(operator, seen)[1]
    assert "/wp-content/uploads/" in made["picture"]
    assert ask(operator, made["picture"], "-o", "/dev/null")[0] == 200
    wrong = ask(operator, f"{url}/wp-login.php", "-u", f"editor:{told['password']}")
    assert wrong[0] == 401, "the control: the gate has a password of its own"
    # What a restore has to bring back with the database, as a drill looks at it.
    picture = f"/srv/data/highbeam-{name}/uploads/{made['picture'].partition('/wp-content/uploads/')[2]}"
    green = operator.red()
    operator.root(f"mv {picture} /root/picture")
    red = operator.red()
    operator.root(f"mv /root/picture {picture}; touch /srv/data/highbeam-{name}/uploads/left")
    strange = operator.red()
    operator.root(f"rm /srv/data/highbeam-{name}/uploads/left")
    assert green == {}
    assert list(red) == [f"all uploads are there that the database of `{name}` names"]
    assert "beam" in next(iter(red.values()))
    assert list(strange) == [f"the site `{name}` has what was uploaded to it for itself"]


def test_who_has_no_password_of_the_gate_meets_the_half_that_cannot_write(operator):
    # No list of accounts is seen from there.
    names = {operator.root(f"id -u {name}").strip(): name for name in ("highbeam-blog", "highbeam-blog-public")}
    who = "echo posix_geteuid();"
    gate = f"editor:{secret(operator, 'blog-gate')}"

    def by_name(answer):
        return answer[0], names.get(answer[1], answer[1])

    answers = {
        path: [
            by_name(ask(operator, f"{BLOG}{path}", "-F", "attack=eval", "--form-string", f"code={who}", *login))
            for login in ((), ("-u", "editor:wrong"), ("-u", gate))
        ]
        for path in ("/", "/wp-json/wp/v2/posts", "/wp-admin/admin-ajax.php", "/wp-login.php", "/wp-admin/index.php")
    }

    public, own, closed = (200, "highbeam-blog-public"), (200, "highbeam-blog"), 401
    assert answers["/"] == [public] * 3
    for path in ("/wp-json/wp/v2/posts", "/wp-admin/admin-ajax.php"):
        assert (answers[path][0], answers[path][1][0], answers[path][2]) == (public, closed, own), path
    for path in ("/wp-login.php", "/wp-admin/index.php"):
        assert [status for status, _ in answers[path]] == [closed, closed, 200], path
        assert answers[path][2] == own, path


def test_the_half_in_which_people_write_reaches_what_is_named_and_visitors_half_nothing(operator):
    # As plugins ask: WordPress itself refuses addresses that it takes for a server's own network.
    said = "is_wp_error($got) ? $got->get_error_message() : $got['response']['code']"
    get = f"$got = wp_safe_remote_get('{{}}'); echo {said};"
    urls = f"https://{AUTHORITY_NAME}/directory", f"http://{AUTHORITY_NAME}/root.pem"
    code = "echo ', ';".join(map(get.format, urls))
    form = ("-F", "attack=eval", "--form-string", f"code={code}")

    visitors = ask(operator, f"{BLOG}/wp-json/wp/v2/posts", *form)
    own = ask(operator, f"{BLOG}/wp-json/wp/v2/posts", *form, "-u", f"editor:{secret(operator, 'blog-gate')}")

    # They do not even learn its address.
    assert visitors == (200, ", ".join(["A valid URL was not provided."] * 2))
    assert own[1].startswith("200, cURL error 7"), own
    assert ask(operator, urls[1])[0] == 200, "the control: the other port answers as well"


def test_of_finished_pages_visitors_reach_no_program_and_where_people_write_nobody_enters_without_password(operator):
    answers = {
        path: ask(operator, f"{NEWS}/{path}", "-o", "/dev/null")[0]
        for path in ("", "feed/", "wp-login.php", "wp-admin/", "index.php", "wp-json/", "xmlrpc.php", "nowhere")
    }

    assert answers == {"": 200, "feed/": 200} | dict.fromkeys(list(answers)[2:], 404)
    assert "write.highbeam.example" not in ask(operator, NEWS)[1]
    for path in ("", "wp-json/", "wp-includes/css/dashicons.min.css", "?p=1"):
        assert ask(operator, f"{WRITE}/{path}", "-o", "/dev/null")[0] == 401, path
    operator.root("systemctl stop highbeam-news-admin mariadb")
    assert ask(operator, NEWS)[0] == 200, "what they read needs neither PHP nor a database"
    operator.ok("deploy", "highbeam", "--yes")


@pytest.mark.rest
def test_a_new_version_of_a_plugin_is_a_change_in_org_yml_that_the_plan_shows_and_a_rollback_takes_back(operator):
    served = operator.root("readlink /srv/sites/highbeam-blog/current")
    org = operator.folder / "org.yml"
    text = org.read_text()
    old = pinned(operator)
    new = text.replace('version: "1.0"', 'version: "1.1"').replace(old, archive(operator, "<?php // 1.1\n"))

    org.write_text(text.replace(old, "0" * 64))
    tampered = operator.run("deploy", "highbeam", "--yes")
    org.write_text(new)
    plan = operator.ok("plan", "highbeam").stdout
    operator.ok("deploy", "highbeam", "--yes")
    updated = operator.root("readlink /srv/sites/highbeam-blog/current")
    there = operator.root("cat /srv/sites/highbeam-blog/current/wp-content/plugins/vulnerable/more.php")
    operator.ok("site", "rollback", "highbeam", "blog")

    assert tampered.returncode == 2
    assert "is not what was pinned: its SHA-256 is" in tampered.stderr
    assert "-vulnerable 1.0 " in plan
    assert "+vulnerable 1.1 " in plan
    assert updated != served == operator.root("readlink /srv/sites/highbeam-blog/current")
    assert "1.1" in there
    assert ask(operator, BLOG)[0] == 200
    org.write_text(text)
    archive(operator)
    operator.ok("deploy", "highbeam", "--yes")


@pytest.mark.rest
def test_a_plugin_that_cannot_even_be_read_never_goes_live(operator):
    org = operator.folder / "org.yml"
    text = org.read_text()
    served = operator.root("readlink /srv/sites/highbeam-blog/current")
    old = pinned(operator)
    org.write_text(text.replace(old, archive(operator, "<?php function (")))

    ran = operator.run("deploy", "highbeam", "--yes")
    org.write_text(text)
    archive(operator)

    assert ran.returncode == 3
    assert "Parse error" in ran.stderr
    assert "it did not pass its trial; the release before is served still" in ran.stderr
    assert operator.root("readlink /srv/sites/highbeam-blog/current") == served
    assert ask(operator, BLOG)[0] == 200
    operator.ok("deploy", "highbeam", "--yes")


@pytest.mark.rest
def test_killed_in_the_middle_of_a_release_the_old_one_is_served_and_the_next_run_finishes(operator):
    page = operator.folder / "sites/tools/index.php"
    good = page.read_text()
    page.write_text(good.replace("visits: ", "all visits: "))
    with held(operator, "/usr/bin/tar", in_place=True) as tar:
        with running(operator, "site", "deploy", "highbeam", "tools", "--yes") as deploy:
            tar.wait()
            deploy.signal(9)
        served = ask(operator, TOOLS)
        # And what the server still does for it, as a power cut would.
        operator.root("pkill -9 -f '[.]incoming' || true")

    operator.ok("site", "deploy", "highbeam", "tools", "--yes")

    assert served[0] == 200
    assert served[1].startswith("visits: ")
    assert ask(operator, TOOLS)[1].startswith("all visits: ")
    page.write_text(good)
    operator.ok("site", "deploy", "highbeam", "tools", "--yes")


@pytest.mark.rest
def test_while_the_database_is_down_visitors_are_told_and_checks_are_red(operator):
    operator.root("systemctl stop mariadb")
    told = ask(operator, BLOG)
    red = operator.run("check", "highbeam")
    operator.ok("deploy", "highbeam", "--yes")

    assert told[0] == 503
    assert "This site does not answer at the moment" in told[1]
    assert "Vuelva a intentarlo" in told[1]
    assert red.returncode == 1
    assert "503" in red.stdout
    assert ask(operator, BLOG)[0] == 200
    assert operator.red() == {}


def test_what_a_site_in_php_is_sent_is_shown_and_never_run_and_its_code_cannot_change(operator, tmp_path):
    (tmp_path / "beam.png").write_bytes(PICTURE)
    (tmp_path / "shell.php").write_text("<?php echo 6 * 7;")
    for name in ("beam.png", "shell.php"):
        assert "kept" in ask(operator, TOOLS, "-F", f"file=@{tmp_path / name}")[1], "the control: it may write there"
    tries = {
        "file_put_contents(__DIR__ . '/x.php', 'x')": "false",
        "file_get_contents('/etc/passwd')": "false",
        "file_get_contents('/usr/share/wordpress/wp-config.php')": "false",
        "fsockopen('127.0.0.1', 22, $code, $said, 5)": "false",
        "function_exists('system')": "false",
        "file_put_contents(__DIR__ . '/uploads/x.txt', 'x')": "1",
    }

    said = {code: ask(operator, TOOLS, "-d", f"code=var_export(@{code});")[1].partition(".")[2] for code in tries}

    assert said == tries
    assert ask(operator, f"{TOOLS}/uploads/beam.png", "-o", "/dev/null")[0] == 200
    for name in ("shell.php", "shell.PHP", "beam.png/x.php", "x.html"):
        assert ask(operator, f"{TOOLS}/uploads/{name}")[0] == 403, name
    exposure = operator.root("systemd-analyze security --no-pager highbeam-tools.service | tail -1")
    assert re.search(r"level for highbeam-tools.service: [01]\.", exposure), exposure


@pytest.mark.rest
def test_code_in_php_is_compiled_once_and_what_it_says_is_in_the_journal_of_its_site(operator):
    kept = "var_export(opcache_is_script_cached($_SERVER['SCRIPT_FILENAME'])); error_log('a cup is empty');"

    said = ask(operator, TOOLS, "-d", f"code={kept}")[1]
    operator.root("touch -d @0 /srv/sites/highbeam-tools/current/index.php; systemctl restart highbeam-tools")
    control = ask(operator, TOOLS, "-d", f"code={kept}")[1]
    operator.root("touch /srv/sites/highbeam-tools/current/index.php")

    assert "true" in said
    assert "false" in control
    assert "a cup is empty" in operator.root("journalctl -q -o cat -u highbeam-tools.service")
    assert not on_box(operator, "grep -r 'a cup is empty' /var/log/nginx"), "that log has whole addresses"


CLOSED = {
    "allow_url_fopen",
    "disable_functions",
    "error_reporting",
    "mysqli.default_socket",
    "pdo_mysql.default_socket",
    "post_max_size",
    "session.cookie_httponly",
    "session.cookie_samesite",
    "session.gc_probability",
    "session.use_strict_mode",
    "upload_max_filesize",
}
"""What is set otherwise than by Debian: to close something, by org.yml, or as it lies elsewhere."""


def test_php_is_set_as_debian_sets_it_except_for_what_is_closed(operator):
    compare = """
        $plain = fn($value) => strtr(strtolower($value), ['on' => '1', 'off' => '0']) ?: '0';
        foreach (parse_ini_file('/usr/lib/php/8.4/php.ini-production', false, INI_SCANNER_RAW) as $name => $value) {
            if (ini_get($name) !== false && $plain(ini_get($name)) !== $plain($value)) {
                echo "<b>$name</b>";
            }
        }
        echo '<b>compared</b>';
    """

    differs = set(re.findall("<b>(.*?)</b>", ask(operator, TOOLS, "--data-urlencode", f"code={compare}")[1]))

    assert differs == CLOSED | {"compared"}


@pytest.mark.rest
def test_what_people_uploaded_and_what_sites_wrote_stays_when_they_are_no_longer_declared(operator, tmp_path):
    (tmp_path / "kept.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "kept" in ask(operator, TOOLS, "-F", f"file=@{tmp_path / 'kept.png'}")[1]
    org = operator.folder / "org.yml"
    text = org.read_text()
    org.write_text(text[: text.index("          tools:")])
    operator.ok("deploy", "highbeam", "--yes")

    assert operator.root("ls /srv/data/highbeam-tools/uploads").split()
    assert operator.root("ls /var/lib/mysql/highbeam@002dtools/visits.*").split()
    assert operator.root("ls /srv/sites; systemctl list-units --plain --no-legend 'highbeam-*'").split() == [
        "highbeam-main"
    ]
    org.write_text(text)
    operator.ok("deploy", "highbeam", "--yes")
    assert ask(operator, BLOG)[0] == 200


def targets(operator, stock_hosting):
    """The same plugin on stock Debian hosting and on each of our modes."""
    core, ours = "/usr/share/wordpress", "/srv/sites/highbeam"
    data = "/srv/data/highbeam"
    neighbour = f"{ours}-tools/current/index.php"
    return {
        "stock Debian": Target(
            stock_hosting,
            "http://203.0.113.20",
            "stock",
            "/var/www/blog",
            "/var/www/blog/wp-content/uploads",
            "/var/www/other/wp-config.php",
            "blog",
        ),
        "`single`": Target(operator, SHOP, "web1", core, f"{data}-shop/uploads", neighbour, "highbeam-shop"),
        "`split`": Target(operator, BLOG, "web1", core, f"{data}-blog/uploads", neighbour, "highbeam-blog"),
        "`static-export`": Target(
            operator, NEWS, "web1", core, f"{data}-news/uploads", neighbour, "highbeam-news", runs=False
        ),
    }


def test_what_a_vulnerable_plugin_leads_to_is_what_the_documentation_says(operator, stock_hosting, record):
    columns = {name: outcomes(target) for name, target in targets(operator, stock_hosting).items()}
    said = table(columns)
    sys.stderr.write(said)

    assert set(columns["stock Debian"].values()) == {WORKS}, "the control: each attack is one"
    assert set(columns["`split`"].values()) == set(columns["`static-export`"].values()) == {REFUSED}
    assert_documented("attacks", said, record=record)
