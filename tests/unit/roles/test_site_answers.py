"""What can be told of every site ends in the web server's configuration: nothing there can be misread."""

import pytest
from pydantic import TypeAdapter, ValidationError

from coopinfra.roles.website.kinds import AnySite
from coopinfra.roles.website.pages import BACK, WORDS, words_of

SITES: TypeAdapter[AnySite] = TypeAdapter(AnySite)
SITE = {"domain": "www.highbeam.example", "source": {"folder": "sites/main"}}


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("redirects", {"menu.html": "/menu/"}, "is not the path of a page"),
        ("redirects", {'/a" { return 200': "/menu/"}, "is not the path of a page"),
        ("redirects", {"/a%22;x": "/menu/"}, "is not the path of a page"),
        ("redirects", {"/a%0Ab": "/menu/"}, "is not the path of a page"),
        ("redirects", {"/a": "/$document_root"}, "is not where a page can lead"),
        ("redirects", {"/a": 'https://x.example/"; return 200 "'}, "is not where a page can lead"),
        ("redirects", {"/a": "javascript:alert(1)"}, "is not where a page can lead"),
        ("redirects", {"/men%C3%BA": "/x", "/menú": "/y"}, "stands here twice"),
        ("redirects", {"/a": "/%61"}, "leads to itself"),
        ("upload_size", "10 MB", "is not a size"),
        ("upload_size", "0M", "is not a size"),
        ("requests_a_second", "-1", "greater than or equal to 0"),
        ("cache", {"pages": "soon"}, "is not a length of time"),
        ("build", {"command": "hugo", "output": "../public"}, "is not a folder of the source"),
        ("build", {"command": "hugo", "output": "/srv"}, "is not a folder of the source"),
        ("build", {"output": "public"}, "Field required"),
        ("also", ["https://x.example"], "it is a whole link"),
    ],
)
def test_what_the_web_server_could_misread_is_refused(setting, value, said):
    with pytest.raises(ValidationError, match=said):
        SITES.validate_python({**SITE, setting: value})


def test_paths_as_people_write_them_are_taken():
    site = SITES.validate_python(
        {**SITE, "redirects": {"/menú.html": "/menu/", "/a(b)": "https://x.example:8443/a?b#c"}}
    )

    assert dict(site.redirects)["/menú.html"] == "/menu/"


def test_a_proxy_has_neither_a_build_nor_a_cache():
    proxy = {"domain": "m.highbeam.example", "kind": "proxy", "to": "http://127.0.0.1:8080"}

    SITES.validate_python(proxy)
    for setting in ({"build": {"command": "x"}}, {"cache": {}}):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            SITES.validate_python({**proxy, **setting})


def test_every_page_has_its_words_in_every_language_and_english_stands_in():
    for code, words in WORDS.items():
        assert set(words) == set(BACK), code
    assert [each.language for each in words_of("404", ("es", "xx", "en"))] == ["es", "en"]
    assert [each.language for each in words_of("404", ("xx",))] == ["en"]
