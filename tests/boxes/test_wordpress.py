"""Sites in PHP and WordPress on a real Debian 13: people write in a browser, visitors read, and nobody breaks in."""

from __future__ import annotations

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest

import browser
from attacks import REFUSED, WORKS, Target, outcomes, table
from boxes import EXAMPLES
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec

pytestmark = pytest.mark.timeout(600)

HERE = Path(__file__).parent
PAGE = EXAMPLES.parent / "docs/web-hosting.md"
BLOG, SHOP = "https://blog.highbeam.example", "https://shop.highbeam.example"
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


def archive(operator):
    """Lay the plugin beside org.yml; return its checksum."""
    to = operator.folder / "archives/vulnerable"
    to.parent.mkdir()
    made = Path(shutil.make_archive(str(to), "zip", HERE, "vulnerable_plugin"))
    return sha256(made.read_bytes()).hexdigest()


def furnish(operator):
    """Give the organisation a site in PHP and two WordPress that are full of holes."""
    checksum = archive(operator)
    org = operator.folder / "org.yml"
    wordpress = (
        WORDPRESS.replace("NAME", name).replace("MODE", mode).replace("SHA256", checksum)
        for name, mode in (("blog", "split"), ("shop", "single"))
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
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_somebody_logs_in_writes_and_uploads_in_a_browser_and_visitors_see_it(operator, tmp_path):
    host.require(print, browser.NEEDS)
    (tmp_path / "beam.png").write_bytes(PICTURE)
    told = {
        "url": BLOG,
        "gate": f"editor:{secret(operator, 'blog-gate')}",
        "user": "rosa",
        "password": secret(operator, "blog-administrator"),
        "title": "The first harvest",
        "text": "Roasted on Tuesday.",
        "picture": str(tmp_path / "beam.png"),
    }

    argv = (sys.executable, str(Path(browser.__file__)))
    ran = labs.run(operator.lab, argv, given=json.dumps(told))

    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)
    status, page = ask(operator, made["post"])
    assert status == 200
    assert "The first harvest" in page
    assert "Roasted on Tuesday." in page
    assert "The first harvest" in ask(operator, BLOG)[1]
    assert "/wp-content/uploads/" in made["picture"]
    assert ask(operator, made["picture"], "-o", "/dev/null")[0] == 200
    wrong = ask(operator, f"{BLOG}/wp-login.php", "-u", f"editor:{told['password']}")
    assert wrong[0] == 401, "the control: the gate has a password of its own"


@pytest.fixture(scope="module")
def stock_hosting(lab):
    """The control: what the same plugin does where nobody thought of it."""
    stock(lab)


def targets(operator):
    """The same plugin on stock Debian hosting and on each of our modes."""
    core, ours = "/usr/share/wordpress", "/srv/sites/highbeam"
    data = "/srv/data/highbeam"
    neighbour = f"{ours}-tools/current/index.php"
    return {
        "stock Debian": Target(
            operator,
            "http://203.0.113.20",
            "stock",
            "/var/www/blog",
            "/var/www/blog/wp-content/uploads",
            "/var/www/other/wp-config.php",
            "blog",
        ),
        "`single`": Target(operator, SHOP, "web1", core, f"{data}-shop/uploads", neighbour, "highbeam-shop"),
        "`split`": Target(operator, BLOG, "web1", core, f"{data}-blog/uploads", neighbour, "highbeam-blog"),
    }


def test_what_a_vulnerable_plugin_leads_to_is_what_the_documentation_says(operator, stock_hosting, record):
    columns = {name: outcomes(target) for name, target in targets(operator).items()}
    said = table(columns)
    sys.stderr.write(said)

    assert set(columns["stock Debian"].values()) == {WORKS}, "the control: each attack is one"
    assert all(outcome.startswith(REFUSED) for outcome in columns["`split`"].values()), columns["`split`"]
    text = PAGE.read_text()
    before, _, rest = text.partition("<!-- attacks -->\n")
    _, _, after = rest.partition("<!-- end of attacks -->\n")
    if record:
        PAGE.write_text(f"{before}<!-- attacks -->\n{said}<!-- end of attacks -->\n{after}")
    assert said in PAGE.read_text(), "read the difference, then --record"
