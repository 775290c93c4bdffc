"""`coopinfra site` where no server is asked: what it refuses, and bringing a site in."""

from __future__ import annotations

import json
import shutil

import pytest

from coopinfra.deploy.organisation.places import org_folder
from entry import run_command
from old_export import export, item, picture
from old_wordpress import lay


@pytest.fixture
def coopinfra(monkeypatch, capsys, tmp_path):
    shutil.copytree(org_folder("highbeam").parent, tmp_path / "inventories")
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path / "inventories"))
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


@pytest.fixture
def old(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "index.html").write_text('<a href="http://roasters.example/">here</a>')
    (folder / "mail.php").write_text("<?php")
    return folder


def test_a_directory_is_brought_in_and_what_will_not_work_is_said(coopinfra, old, tmp_path):
    code, out, err = coopinfra("site", "import", "highbeam", "beans", str(old), "--was", "roasters.example")

    assert code == 0
    assert out == "beans:\n  domain: beans.highbeam.example\n  source: {folder: sites/beans}\n"
    assert "left out: programs, which a static site does not run" in err
    assert "    mail.php\n" in err
    assert "links that name the domain" in err
    assert sorted(path.name for path in (tmp_path / "inventories/highbeam/sites/beans").iterdir()) == ["index.html"]


def test_the_same_as_data(coopinfra, old):
    _, out, _ = coopinfra("site", "import", "highbeam", "beans", str(old), "--json")

    data = json.loads(out)
    assert data["files"] == 1
    assert [each["files"] for each in data["findings"] if each["left_out"]] == [["mail.php"]]


def test_the_lines_that_it_prints_make_a_valid_site(coopinfra, old, tmp_path):
    out = coopinfra("site", "import", "highbeam", "beans", str(old))[1]
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + "".join(f"          {line}\n" for line in out.splitlines()))

    assert coopinfra("validate", "highbeam")[0] == 0


def test_a_wordpress_is_brought_in_with_what_to_do_and_its_lines_make_a_valid_site(coopinfra, tmp_path):
    folder, dump = lay(tmp_path / "host")
    (folder / "wp-content/uploads/cache.php").write_text("<?php")

    code, out, err = coopinfra("site", "import", "highbeam", "blog", str(folder), "--dump", str(dump))
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + "".join(f"          {line}\n" for line in out.splitlines()))

    assert code == 0
    assert out.splitlines()[-1] == "  imported: sites/blog"
    assert "1 of 2 accounts may do everything\n    rosa <rosa@old.example>\n" in err
    assert "left out: programs among the uploads" in err
    assert "    cache.php\n" in err
    assert "$P$" not in out + err
    assert coopinfra("validate", "highbeam")[0] == 0
    assert "sites/blog" in coopinfra("plan", "highbeam", "--offline")[1]
    shutil.rmtree(tmp_path / "inventories/highbeam/sites/blog")
    code, _, err = coopinfra("validate", "highbeam")
    assert code == 2
    assert "there is no folder `sites/blog`" in err
    assert "take `imported` out of org.yml" in err


def test_an_export_of_a_wordpress_alone_makes_a_valid_site_and_what_it_lacks_is_said(coopinfra, tmp_path):
    file = tmp_path / "beans.xml"
    file.write_text(export(item(1), picture(2, "https://beans.files.wordpress.com/2023/05/bean.png")))

    code, out, err = coopinfra("site", "import", "highbeam", "blog", str(file))
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + "".join(f"          {line}\n" for line in out.splitlines()))

    assert code == 0
    assert "an export has no theme, plugins, widgets, settings nor passwords\n" in err
    assert "files that the database names and the folder does not have\n    2023/05/bean.png\n" in err
    assert coopinfra("validate", "highbeam")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("beans", "OLD", "--dump", "OLD/index.html"), "has no tables of a WordPress"),
        (("beans", "OLD", "--dump", "/nowhere.sql"), "cannot be read"),
        (("main", "OLD"), "is there already, and nothing of it was changed"),
        (("Beans", "OLD"), "`Beans` is not a short name"),
        (("beans", "/nowhere"), "is no site that can be brought in"),
        (("beans", "OLD", "--domain", "https://x.example/"), "is not a domain: it is a whole link"),
        (("beans", "INVENTORIES"), "holds the inventory itself"),
    ],
)
def test_what_cannot_be_brought_in_is_refused_and_leaves_nothing(coopinfra, old, tmp_path, words, said):
    places = {"OLD": str(old), "INVENTORIES": str(tmp_path / "inventories")}

    code, _, err = coopinfra("site", "import", "highbeam", *(_placed(word, places) for word in words))

    assert code == 2
    assert said in err
    assert not (tmp_path / "inventories/highbeam/sites/beans").exists()


def _placed(word, places):
    """Put the place itself where its name stands."""
    name, _, inside = word.partition("/")
    return f"{places[name]}/{inside}".rstrip("/") if name in places else word
