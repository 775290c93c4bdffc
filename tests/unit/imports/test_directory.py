"""A directory of finished pages that is brought in: what is taken, what is left out, and what is said of it."""

import pytest

from coopinfra.deploy.imports import KINDS, directory
from coopinfra.deploy.imports.finding import Origin

DOMAINS = ("www.highbeam.example", "old.example")


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "old"
    (folder / "img").mkdir(parents=True)
    (folder / "index.html").write_text('<h1>Café</h1><a href="/menu.html">menu</a>')
    (folder / "img/a.svg").write_text("<svg/>")
    return folder


def bring(site):
    brought = directory.bring(Origin(site), site.parent / "new", DOMAINS)
    there = sorted(str(path.relative_to(site.parent / "new")) for path in (site.parent / "new").rglob("*.*"))
    return brought, there


def test_a_clean_site_is_taken_whole_and_nothing_is_said(site):
    brought, there = bring(site)

    assert there == ["img/a.svg", "index.html"]
    assert (brought.files, brought.bytes, brought.findings) == (2, 49, ())
    assert brought.settings == ("domain: www.highbeam.example", "source: {folder: sites/new}")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("contact.php", "programs, which a static site does not run"),
        ("cgi/count.CGI", "programs, which a static site does not run"),
        (".htaccess", "hidden files"),
        (".git/config", "hidden files"),
        ("dump.sql", "backups, logs, keys"),
        ("index.html~", "backups, logs, keys"),
    ],
)
def test_what_the_world_should_not_see_is_left_out_and_named(site, name, what):
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text("password = secret")

    brought, there = bring(site)

    assert there == ["img/a.svg", "index.html"]
    assert [(each.files, each.left_out, what in each.what) for each in brought.findings] == [((name,), True, True)]


def test_links_out_are_left_out_and_links_within_become_files(site, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (site / "out.txt").symlink_to(tmp_path / "secret.txt")
    (site / "folder.d").symlink_to("/etc")
    (site / "start.html").symlink_to("index.html")
    (site / "nowhere.txt").symlink_to("gone.txt")

    brought, there = bring(site)

    assert there == ["img/a.svg", "index.html", "start.html"]
    assert not (tmp_path / "new/start.html").is_symlink()
    assert [each.files for each in brought.findings] == [("folder.d", "nowhere.txt", "out.txt")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<img src="http://cdn.example/a.png">', "load things without TLS"),
        ("<link rel=stylesheet href='http://cdn.example/a.css'>", "load things without TLS"),
        ('<a href="http://old.example/menu.html">', "links that name the domain"),
        ('<a href="https://www.highbeam.example/menu.html">', "links that name the domain"),
        ('<form action="/send.php">', "forms"),
        ("men\xfa".encode("latin1"), "not UTF-8"),
    ],
)
def test_what_will_not_work_in_a_page_is_said_with_its_name(site, text, what):
    (site / "page.html").write_bytes(text if isinstance(text, bytes) else text.encode())

    findings = bring(site)[0].findings

    assert [(each.files, each.left_out, what in each.what) for each in findings] == [(("page.html",), False, True)]


@pytest.mark.parametrize("text", ['<a href="http://other.example/">', '<a href="http://old.example.org/">', "<p>http"])
def test_links_to_others_are_nobodys_mistake(site, text):
    (site / "page.html").write_text(text)

    assert bring(site)[0].findings == ()


def test_without_a_start_page_it_says_what_could_be_meant(site):
    (site / "index.html").rename(site / "Index.htm")

    found = bring(site)[0].findings

    assert [(each.what, each.files) for each in found] == [("there is no start page `index.html`", ("Index.htm",))]


def test_any_directory_fits_and_a_file_does_not(site):
    assert [kind.fits(Origin(site)) for kind in KINDS][-1]
    assert not directory.fits(Origin(site / "index.html"))
