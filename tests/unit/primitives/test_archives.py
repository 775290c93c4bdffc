"""Archives of somebody else's: what was pinned, and nothing else."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from io import BytesIO

import pytest

from coopinfra.roles.declarations import Archive, Release
from coopinfra.roles.primitives import archives
from coopinfra.roles.primitives.source import SourceError, find_source


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "org/sites/blog/wp-content/themes").mkdir(parents=True)
    (tmp_path / "org/sites/blog/wp-content/themes/own.css").write_text("a { color: red }")
    return tmp_path / "org"


def packed(home, files, name="shop.zip"):
    """Write an archive beside org.yml; return it pinned."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    (home / name).write_bytes(stream.getvalue())
    return Archive("wp-content/plugins/shop", sha256(stream.getvalue()).hexdigest(), file=name)


def release(*wanted, folder=""):
    return Release("blog", "/srv/sites/x-blog", folder=folder, archives=wanted)


def test_an_archive_goes_into_its_folder_without_the_one_around_all(home):
    pinned = packed(home, {"shop-1.2/shop.php": "<?php", "shop-1.2/js/a.js": "1"})

    source = find_source(release(pinned, folder="sites/blog"), home)

    assert [name for name, _ in source.files] == [
        "wp-content/plugins/shop/js/a.js",
        "wp-content/plugins/shop/shop.php",
        "wp-content/themes/own.css",
    ]
    assert source.id != find_source(release(folder="sites/blog"), home).id


def test_files_at_the_top_stay_there_and_a_release_may_be_empty(home):
    pinned = packed(home, {"shop.php": "<?php", "js/a.js": "1"})

    assert len(find_source(release(pinned), home).files) == 2
    assert find_source(release(), home).files == ()


def test_what_is_not_the_pinned_one_is_refused_with_its_checksum_and_never_kept(home):
    pinned = packed(home, {"shop.php": "<?php"})
    tampered = packed(home, {"shop.php": "<?php eval($_GET['x']);"})

    with pytest.raises(SourceError) as caught:
        find_source(release(pinned), home)

    assert f"its SHA-256 is {tampered.sha256}" in str(caught.value)
    assert not [*(home.parent / "cache").rglob("shop.php")]


def test_what_was_had_once_is_not_asked_for_again(home):
    pinned = packed(home, {"shop.php": "<?php"})
    first = find_source(release(pinned), home)
    (home / "shop.zip").unlink()

    assert find_source(release(pinned), home) == first


@pytest.mark.parametrize("name", ["../../out.php", "/etc/out.php", "a/../../../out.php", "a\\..\\out.php"])
def test_what_leads_out_of_an_archive_is_refused(home, name):
    pinned = packed(home, {"shop.php": "<?php", name: "<?php"})

    with pytest.raises(SourceError, match="leads out of it"):
        find_source(release(pinned), home)


def test_what_is_no_archive_or_too_large_or_not_there_is_told_apart(home, monkeypatch):
    (home / "no.zip").write_bytes(b"<html>")
    no_archive = Archive("a", sha256(b"<html>").hexdigest(), file="no.zip")
    large = packed(home, {"shop.php": "<?php"})
    monkeypatch.setattr(archives, "LARGEST", 3)

    said = []
    for each in (no_archive, large, Archive("a", "0" * 64, file="nowhere.zip")):
        with pytest.raises(SourceError) as caught:
            find_source(release(each), home)
        said.append(str(caught.value))

    assert "is no zip archive" in said[0]
    assert "holds more than" in said[1]
    assert "cannot be had" in said[2]


def test_one_from_an_address_is_fetched_and_judged_likewise(home, monkeypatch):
    pinned = packed(home, {"shop.php": "<?php"})
    content = (home / "shop.zip").read_bytes()
    asked = []

    def answer(url, timeout):
        asked.append((url, timeout))
        return BytesIO(content)

    monkeypatch.setattr(archives, "urlopen", answer)
    url = "https://downloads.example/shop.zip"

    assert len(find_source(release(Archive("a", pinned.sha256, url=url)), home).files) == 1
    assert asked == [(url, archives.SECONDS)]
    with pytest.raises(SourceError, match="is not what was pinned"):
        find_source(release(Archive("a", "0" * 64, url=url)), home)
