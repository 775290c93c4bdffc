"""A WordPress that is brought in: what comes along, and every thing that will not work, by name."""

import json
import unicodedata

import pytest

from coopinfra.deploy.imports import KINDS, directory, wordpress
from coopinfra.deploy.imports.finding import NotBrought, Origin
from coopinfra.deploy.imports.wordpress import serialised
from old_wordpress import PEOPLE, dump, lay

DOMAINS = ("blog.highbeam.example", "www.highbeam.example", "highbeam.example")


def bring(folder, text="", was=()):
    old, dumped = lay(folder, text) if not (folder / "old").exists() else (folder / "old", folder / "old.sql")
    if text:
        dumped.write_text(text)
    brought = wordpress.bring(Origin(old, dumped, was), folder / "new", DOMAINS)
    return brought, {each.what: each for each in brought.findings}


def found(findings, what):
    (one,) = [each for said, each in findings.items() if what in said]
    return one


def test_what_comes_along_is_its_tables_its_uploads_and_where_it_was(tmp_path):
    brought, _ = bring(tmp_path, was=("beans.example",))

    there = sorted(str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*.*"))
    assert there == [".gitignore", "database.sql", "import.json", "uploads/2023/05/café.png"]
    assert json.loads((tmp_path / "new/import.json").read_text()) == {
        "prefix": "x7_",
        "charset": "utf8mb4",
        "addresses": ["www.old.example/wp", "www.old.example", "beans.example"],
    }
    assert brought.settings == (
        "domain: blog.highbeam.example",
        "kind: wordpress",
        'title: "Rosa\'s beans"',
        "administrator: rosa",
        "administrator_email: rosa@old.example",
        "imported: sites/new",
    )
    assert brought.files == 1


def test_nobody_else_reads_it_and_git_leaves_it_out(tmp_path):
    bring(tmp_path)

    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new/database.sql").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new/.gitignore").read_text() == "*\n"


def test_each_statement_is_one_line_and_is_of_one_of_its_own_tables(tmp_path):
    more = "INSERT INTO `x7_posts` VALUES (1, 'a\nb');\nCREATE TABLE `other` (`a` int);\nGRANT ALL ON *.* TO x;"

    _, findings = bring(tmp_path, dump(more=more))

    lines = (tmp_path / "new/database.sql").read_text().splitlines()
    assert all(line.startswith(("CREATE TABLE `x7_", "INSERT INTO `x7_")) for line in lines)
    assert lines[-1] == r"INSERT INTO `x7_posts` VALUES (1, 'a\nb')"
    assert found(findings, "tables of somebody else").files == ("other",)
    assert found(findings, "statements of the dump").files == ("GRANT ALL ON *.* TO x",)


@pytest.mark.parametrize(
    ("site", "what", "named"),
    [
        ({}, "plugins that were switched on", ("counter 2.4",)),
        ({"active_plugins": 'a:1:{i:0;s:27:"woocommerce/woocommerce.php";}'}, "when a visitor comes", ("woocommerce",)),
        ({"active_plugins": 'a:1:{i:0;s:9:"hello.php";}'}, "plugins that were switched on", ("hello",)),
        (
            {"active_plugins": 'a:1:{i:0;s:23:"wordfence/wordfence.php";}'},
            "plugins that change the code",
            ("wordfence",),
        ),
        (
            {"active_plugins": 'a:1:{i:0;s:36:"contact-form-7/wp-contact-form-7.php";}'},
            "send mail",
            ("contact-form-7",),
        ),
        ({"stylesheet": "beans-child", "template": "beans"}, "the theme", ("beans-child", "beans")),
        ({"db_version": "99999"}, "newer WordPress", ()),
        ({"home": "http://beans.example"}, "another address", ("www.old.example/wp", "beans.example")),
        ({"x": '<script src="//evil.example/a.js">'}, "scripts of others", ("evil.example",)),
        (
            {"x": '<script async src="https://www.old.example/a.js">'},
            "another address",
            ("www.old.example/wp", "www.old.example"),
        ),
    ],
)
def test_what_will_not_work_is_said_by_name(tmp_path, site, what, named):
    _, findings = bring(tmp_path, dump(site=site))

    assert found(findings, what).files == named
    assert ("scripts" in what) == any("scripts of others" in each for each in findings)


def test_of_a_dump_in_latin1_somebody_has_to_look_at_the_letters(tmp_path):
    findings = bring(tmp_path, dump().replace("utf8mb4", "latin1"))[1]

    assert found(findings, "written as latin1").hint
    assert json.loads((tmp_path / "new/import.json").read_text())["charset"] == "latin1"


def test_whoever_may_make_an_administrator_is_named_whatever_the_role_is_called(tmp_path):
    roles = 'a:1:{s:4:"guest";a:1:{s:12:"capabilities";a:1:{s:13:"promote_users";b:1;}}}'
    people = {**PEOPLE, "eve": 'a:1:{s:5:"guest";b:1;}', "max": 'a:1:{s:14:"manage_options";b:1;}', "zoe": "broken"}
    bring(tmp_path)
    (tmp_path / "new").rename(tmp_path / "before")

    quiet = bring(tmp_path, dump(people=people))[1]
    (tmp_path / "new").rename(tmp_path / "again")
    text = dump(site={"x7_user_roles": roles.replace("s:4:", "s:5:")}, people=people)
    strong = bring(tmp_path, text)[1]

    both = ("max <max@old.example>", "rosa <rosa@old.example>")
    assert found(quiet, "2 of 5 accounts may do everything").files == both
    assert found(strong, "3 of 5 accounts may do everything").files == ("eve <eve@old.example>", *both)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("cache.php", b"<?php eval($_POST['c']);", "programs among the uploads"),
        ("beam.PHTML", b"", "programs among the uploads"),
        ("shell.php.jpg", b"", "programs among the uploads"),
        ("run.cgi", b"", "programs among the uploads"),
        ("beam.jpg", b"\xff\xd8 <?php eval", "code of PHP"),
        ("notes.bin", b"<?PHP eval", "code of PHP"),
        ("index.php", b"<?php // Silence is golden.", "never shown"),
        ("page.html", b"<script>", "never shown"),
        ("drawing.svg", b"<svg/>", "never shown"),
        (".htaccess", b"deny from all", "never shown"),
    ],
)
def test_what_of_the_uploads_could_be_a_program_is_left_out_and_named(tmp_path, name, content, what):
    old, _ = lay(tmp_path)
    (old / "wp-content/uploads/2023" / name).write_bytes(content)

    brought, findings = bring(tmp_path)

    assert (found(findings, what).files, found(findings, what).left_out) == ((f"2023/{name}",), True)
    assert brought.files == 1


def test_links_are_left_out_and_so_is_what_runs_without_being_switched_on(tmp_path):
    old, _ = lay(tmp_path)
    (old / "wp-content/uploads/passwd.txt").symlink_to("/etc/passwd")
    (old / "wp-content/mu-plugins").mkdir()
    (old / "wp-content/mu-plugins/session.php").write_text("<?php")
    (old / "wp-content/db.php").write_text("<?php")

    findings = bring(tmp_path)[1]

    assert found(findings, "links, which lead").files == ("passwd.txt",)
    hidden = ("wp-content/db.php", "wp-content/mu-plugins/session.php")
    assert found(findings, "without being switched on").files == hidden
    assert not (tmp_path / "new/uploads/passwd.txt").exists()


def test_names_from_a_mac_are_written_as_the_database_has_them_and_what_is_missing_is_named(tmp_path):
    old, _ = lay(tmp_path)
    picture = old / "wp-content/uploads/2023/05/café.png"
    picture.rename(picture.with_name(unicodedata.normalize("NFD", picture.name)))

    apart = bring(tmp_path)[1]
    (tmp_path / "new").rename(tmp_path / "before")
    next(picture.parent.iterdir()).unlink()
    missing = bring(tmp_path)[1]

    assert (tmp_path / "before/uploads/2023/05/café.png").exists()
    assert not [each for each in apart if "does not have" in each]
    assert found(missing, "does not have").files == ("2023/05/café.png",)


@pytest.mark.parametrize(
    ("text", "configuration", "why"),
    [
        (dump(prefix="wp_"), "$table_prefix = 'x7_';", "tables begin with `x7_`, and those of the dump with `wp_`"),
        (dump() + dump(prefix="wp_"), "", "holds several WordPress: their tables begin with `wp_`, `x7_`"),
        ("CREATE TABLE `a` (`b` int);", "", "has no tables of a WordPress"),
        (dump(), "define( 'MULTISITE', true );", "several sites in one WordPress"),
        (dump(more="CREATE TABLE `x7_blogs` (`a` int);CREATE TABLE `x7_site` (`a` int);"), "", "several sites in one"),
        (dump()[:-3], "", "ends in the middle"),
        (dump().replace("utf8mb4", "cp1251"), "", "is written as `cp1251`"),
    ],
)
def test_what_cannot_be_had_is_refused(tmp_path, text, configuration, why):
    old, _ = lay(tmp_path, text)
    (old / "wp-config.php").write_text(f"<?php\n{configuration}\n")

    with pytest.raises(NotBrought) as caught:
        bring(tmp_path)

    assert why in caught.value.sentence
    assert caught.value.hint


def test_without_its_database_it_is_refused_with_what_to_do(tmp_path):
    old, _ = lay(tmp_path)

    assert wordpress.fits(Origin(old))
    with pytest.raises(NotBrought) as caught:
        wordpress.bring(Origin(old), tmp_path / "new", DOMAINS)
    assert "--dump" in caught.value.hint


def test_finished_pages_are_no_wordpress(tmp_path):
    (tmp_path / "wp-content").mkdir()

    assert next(kind for kind in KINDS if kind.fits(Origin(tmp_path))) is directory
    assert next(kind for kind in KINDS if kind.fits(Origin(tmp_path, tmp_path / "a.sql"))) is wordpress


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a:2:{i:0;s:5:"café";s:1:"b";a:1:{i:7;N;}}', {"0": "café", "b": {"7": None}}),
        ('s:4:"a";b";', 'a";b'),
        ("b:1;", "1"),
    ],
)
def test_what_php_has_serialised_is_read(text, value):
    assert serialised.read(text.encode()) == value


@pytest.mark.parametrize(
    "text", ['O:8:"stdClass":0:{}', 's:9:"a";', "a:2:{i:0;N;}", "a:1:{i:0;N;", "", "N;N;", "a:1:{" * 9999]
)
def test_what_is_broken_or_an_object_is_refused_and_is_no_table(text):
    with pytest.raises((ValueError, RecursionError)):
        serialised.read(text.encode())
    assert serialised.table(text.encode()) == {}
