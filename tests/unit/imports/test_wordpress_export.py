"""An export of WordPress that is brought in: rows with their old numbers, and all that an export does not have."""

import json
import re

import pytest

from coopinfra.deploy.imports import wordpress
from coopinfra.deploy.imports.finding import NotBrought, Origin
from coopinfra.deploy.imports.wordpress import dump
from old_export import HEAD, comment, export, item, meta, picture, tags

DOMAINS = ("blog.highbeam.example", "www.highbeam.example")
CDN = "https://beans.files.wordpress.com/2023/05/bean.png"
SELF = "https://beans.example/wp-content/uploads/2023/05/bean.png"


CATEGORY = (
    "<wp:category><wp:term_id>3</wp:term_id><wp:category_nicename>harvest</wp:category_nicename>"
    "<wp:cat_name>Harvest</wp:cat_name></wp:category>"
)


def bring(folder, *items, media=False, name="beans.xml", **more):
    """Bring it in; return what was brought, and its rows by table."""
    file = folder / name
    file.write_text(export(*items, **more))
    path = folder / "media" if media else file
    brought = wordpress.bring(Origin(path, file if media else None), folder / "new", DOMAINS)
    rows = {}
    for statement in dump.statements((folder / "new/database.sql").read_bytes().replace(b")\n", b");\n")):
        words = [{key: value.decode() for key, value in row.items()} for row in dump.rows(statement, ())]
        rows.setdefault(statement.table, []).extend(words)
    return brought, rows


def found(brought, what):
    (one,) = [each for each in brought.findings if what in each.what]
    return one


def options(folder):
    return json.loads((folder / "new/import.json").read_text())["options"]


def test_what_comes_along_keeps_its_number_and_each_row_is_one_line(tmp_path):
    text = 'It\'s ripe\\:\n<b>"now"</b>'

    brought, rows = bring(tmp_path, item(41, text, inner=meta("_thumbnail_id", "40") + comment(9, "Good\nbeans")))

    (post,) = rows["wp_posts"]
    lines = (tmp_path / "new/database.sql").read_text().splitlines()
    assert all(line.startswith("INSERT INTO `wp_") for line in lines)
    assert (post["ID"], post["post_content"], post["post_author"], post["comment_count"]) == ("41", text, "7", "1")
    assert {row["meta_key"]: row["meta_value"] for row in rows["wp_postmeta"]}["_thumbnail_id"] == "40"
    (said,) = rows["wp_comments"]
    assert (said["comment_ID"], said["comment_post_ID"], said["comment_content"]) == ("9", "41", "Good\nbeans")
    assert "192.0.2.7" not in "".join(lines), "from where somebody wrote"
    assert brought.settings == (
        "domain: blog.highbeam.example",
        "kind: wordpress",
        'title: "Beam & Beans"',
        "administrator: rosa",
        "administrator_email: rosa@beans.example",
        "imported: sites/new",
    )
    facts = json.loads((tmp_path / "new/import.json").read_text())
    assert facts["addresses"] == ["beans.example"], "and not that of the whole network"
    assert facts["options"]["blogdescription"] == "Coffee, shared"


def test_nobody_else_reads_it_and_git_leaves_it_out(tmp_path):
    bring(tmp_path, item(1))

    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new/database.sql").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new/.gitignore").read_text() == "*\n"


def test_who_wrote_is_an_author_without_a_password_also_who_is_not_named_at_the_head(tmp_path):
    brought, rows = bring(tmp_path, item(1), item(2).replace("[rosa]", "[max m]"))

    people = {row["user_login"]: row for row in rows["wp_users"]}
    assert (people["rosa"]["ID"], people["rosa"]["user_email"], people["rosa"]["display_name"]) == (
        "7",
        "rosa@beans.example",
        "Rosa L",
    )
    assert people["max m"]["ID"] not in ("0", "7")
    assert people["max m"]["user_nicename"] == "max-m"
    assert {row["user_pass"] for row in people.values()} == {"*"}
    assert all("author" in row["meta_value"] for row in rows["wp_usermeta"] if row["meta_key"] == "wp_capabilities")
    assert found(brought, "accounts of those who wrote").files == ("max m", "rosa <rosa@beans.example>")


def test_categories_have_those_above_them_and_count_what_everybody_may_read(tmp_path):
    under = '<category domain="category" nicename="harvest"><![CDATA[Harvest]]></category>'
    new = '<category domain="post_tag" nicename="new"><![CDATA[New]]></category>'

    _, rows = bring(tmp_path, item(1, inner=under + new), item(2, inner=under, status="draft"))

    terms = {row["slug"]: row for row in rows["wp_terms"]}
    placed = {row["term_id"]: row for row in rows["wp_term_taxonomy"]}
    harvest = placed[terms["harvest"]["term_id"]]
    assert (terms["harvest"]["term_id"], harvest["parent"], harvest["count"]) == ("3", "2", "1")
    assert terms["new"]["name"] == "New"
    assert terms["new"]["term_id"] not in ("0", "2", "3")
    belongs = {(row["object_id"], row["term_taxonomy_id"]) for row in rows["wp_term_relationships"]}
    assert belongs == {("1", "3"), ("2", "3"), ("1", terms["new"]["term_id"])}


def test_one_number_for_a_category_and_a_tag_becomes_two(tmp_path):
    tag = f"<wp:tag>{tags({'term_id': '3', 'tag_slug': 'harvest', 'tag_name': 'Harvest'})}</wp:tag>"

    _, rows = bring(tmp_path, item(1), head=tag + CATEGORY)

    assert len({row["term_id"] for row in rows["wp_terms"]}) == len(rows["wp_terms"]) == 2


def test_a_post_always_has_a_category_to_be_put_under(tmp_path):
    _, rows = bring(tmp_path, item(1), head="")

    (term,) = rows["wp_terms"]
    assert term["slug"] == "uncategorized"
    assert options(tmp_path)["default_category"] == term["term_id"]


@pytest.mark.parametrize(
    "url",
    [
        CDN,
        SELF,
        "https://beans.files.wordpress.com/2023/05/bean.png?w=64",
        "http://beans.example/wp-content/uploads/2023/05/bean.png",
    ],
)
@pytest.mark.parametrize("lies", ["2023/05", "wp-content/uploads/2023/05"])
def test_pictures_are_named_where_wordpress_has_them_wherever_they_lay(tmp_path, url, lies):
    place = tmp_path / "media" / lies
    place.mkdir(parents=True)
    (place / "bean.png").write_bytes(b"\x89PNG")
    (place / "cache.php").write_text("<?php eval")
    shown = (
        f'<img src="{url}"> <img src="{url.replace("//", "//i0.wp.com/", 1)}?resize=9"> <a href="//beans.example/a/">'
    )
    lay = meta("_wp_attached_file", "/home/wpcom/public_html/wp-content/blogs.dir/1a2/3/files/2023/05/bean.png")

    brought, rows = bring(tmp_path, item(1, shown), picture(40, url, lay), media=True)

    assert (tmp_path / "new/uploads/2023/05/bean.png").read_bytes() == b"\x89PNG"
    content = {row["ID"]: row["post_content"] for row in rows["wp_posts"]}["1"]
    assert "files.wordpress.com" not in content
    assert len(re.findall(r"//beans\.example/wp-content/uploads/2023/05/bean\.png", content)) == (
        2 if "files" in url else 1
    )
    attached = [row["meta_value"] for row in rows["wp_postmeta"] if row["meta_key"] == "_wp_attached_file"]
    assert attached == ["2023/05/bean.png"]
    assert {row["ID"]: row["post_mime_type"] for row in rows["wp_posts"]}["40"] == "image/png"
    assert found(brought, "programs among the uploads").files == ("2023/05/cache.php",)
    assert not [each for each in brought.findings if "does not have" in each.what or "no picture" in each.what]


@pytest.mark.parametrize("has_smaller", [True, False])
def test_of_a_picture_without_its_smaller_copies_the_large_one_is_shown(tmp_path, has_smaller):
    place = tmp_path / "media/2023/05"
    place.mkdir(parents=True)
    for name in ("bean.png", *(["bean-9x9.png"] if has_smaller else [])):
        (place / name).write_bytes(b"\x89PNG")
    sizes = 'a:1:{s:5:"sizes";a:1:{s:5:"small";a:1:{s:4:"file";s:12:"bean-9x9.png";}}}'

    brought, rows = bring(tmp_path, picture(40, SELF, meta("_wp_attachment_metadata", sizes)), media=True)

    kept = [row["meta_value"] for row in rows["wp_postmeta"] if row["meta_key"] == "_wp_attachment_metadata"]
    assert kept == ([sizes] if has_smaller else [])
    named = [each.files for each in brought.findings if "no smaller copies" in each.what]
    assert named == ([] if has_smaller else [("2023/05/bean.png",)])


def test_by_what_feeds_know_a_post_stays(tmp_path):
    _, rows = bring(tmp_path, item(1, inner="<guid>http://beans.wordpress.com/?p=1</guid>"), item(2))

    guids = {row["ID"]: row["guid"] for row in rows["wp_posts"]}
    assert guids == {"1": "http://beans.wordpress.com/?p=1", "2": "http://beans.example/?p=2"}


def test_without_a_folder_of_pictures_each_is_named_as_missing(tmp_path):
    brought, _ = bring(tmp_path, picture(40, CDN), picture(41, "https://beans.example/wp-content/uploads/../../x.png"))

    assert found(brought, "the folder does not have").files == ("2023/05/bean.png",)
    assert found(brought, "no picture comes along").hint


@pytest.mark.parametrize(
    ("link", "structure"),
    [
        ("https://beans.example/2023/05/06/post-1/", "/%year%/%monthnum%/%day%/%postname%/"),
        ("http://beans.example/2023/05/post-1", "/%year%/%monthnum%/%postname%"),
        ("https://beans.example/post-1/", "/%postname%/"),
        ("https://beans.example/harvest/post-1/", "/%category%/%postname%/"),
        ("https://beans.example/archives/1", "/archives/%post_id%"),
    ],
)
def test_posts_keep_their_addresses(tmp_path, link, structure):
    under = '<category domain="category" nicename="harvest"><![CDATA[Harvest]]></category>'

    brought, _ = bring(tmp_path, item(1, link=link, inner=under))

    assert options(tmp_path)["permalink_structure"] == structure
    assert not [each for each in brought.findings if "new addresses" in each.what]


def test_addresses_of_a_form_that_nobody_knows_are_named(tmp_path):
    brought, _ = bring(tmp_path, item(1, link="https://beans.example/x/1"), item(2))

    assert "permalink_structure" not in options(tmp_path)
    assert found(brought, "posts get new addresses").files[0] == "https://beans.example/x/1"


def test_addresses_by_number_lead_on_by_themselves(tmp_path):
    brought, _ = bring(tmp_path, item(1, link="https://beans.example/?p=1"))

    assert not [each for each in brought.findings if "new addresses" in each.what]


def test_what_an_export_does_not_say_and_what_needs_a_hand_is_named(tmp_path):
    said = {"term_id": "5", "term_taxonomy": "nav_menu", "term_slug": "main", "term_name": "Main"}
    menu = f"<wp:term>{tags(said)}</wp:term>"
    evil = '<script src="https://evil.example/a.js"></script>'

    brought, _ = bring(tmp_path, item(1, evil), item(2, post_type="product"), item(3, is_sticky="1"), head=menu)

    assert found(brought, "has no theme, plugins, widgets").hint
    assert found(brought, "what a plugin kept").files == ("1 product",)
    assert found(brought, "menus").files == ("Main",)
    assert found(brought, "scripts of others").files == ("evil.example",)
    assert found(brought, "another address than blog.highbeam.example").files == ("beans.example",)
    assert options(tmp_path)["sticky_posts"] == "a:1:{i:0;i:3;}"


def test_parts_of_one_export_are_one_site(tmp_path):
    (tmp_path / "beans.001.xml").write_text(export(item(2), item(1)))
    (tmp_path / "other.000.xml").write_text(export(item(3)))

    _, rows = bring(tmp_path, item(1), name="beans.000.xml")

    assert [row["ID"] for row in rows["wp_posts"]] == ["1", "2"]


def test_letters_that_xml_may_not_hold_are_left_out(tmp_path):
    _, rows = bring(tmp_path, item(1, "a\x0bb\x1fc"))

    assert rows["wp_posts"][0]["post_content"] == "abc"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (export(item(1))[:-20], "cannot be read"),
        (export(item(1)).replace("<rss", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<rss", 1), "begins with what no export has"),
        (
            re.sub(r"<link>.*?</link>|<wp:base_blog_url>.*?</wp:base_blog_url>", "", HEAD) + "</channel></rss>",
            "which site",
        ),
        ('<rss xmlns:wp="http://wordpress.org/export/1.2/"></rss>', "which site"),
    ],
)
def test_what_is_no_whole_export_is_refused_and_says_what_to_do(tmp_path, text, why):
    (tmp_path / "beans.xml").write_text(text)

    with pytest.raises(NotBrought) as caught:
        wordpress.bring(Origin(tmp_path / "beans.xml"), tmp_path / "new", DOMAINS)

    assert why in caught.value.sentence
    assert "export" in caught.value.hint.lower()
