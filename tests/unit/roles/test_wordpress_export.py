"""How finished pages are made of a WordPress, with a program behind a socket that answers as PHP does."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from coopinfra.roles.registry import FOLDER

SCRIPT = FOLDER / "website/templates/export/wordpress/export.j2"
EDIT, PUBLIC = "write.highbeam.example", "news.highbeam.example"
LINKS = (
    f"<a href='https://{EDIT}/harvest/?a=b'>1</a> <a href='/harvest/'>2</a> <a href=\"../up/\">3</a>"
    f"<a href='https://elsewhere.example/x/'>4</a> <a href='/wp-admin/'>5</a> <a href='/wp-json/x'>6</a>"
    f"<script src='/wp-includes/a.js'></script> <a href='/moved/'>7</a> <a href='/a/%2e%2e/%2e%2e/etc/'>8</a>"
    f'{{"url":"https:\\/\\/{EDIT}\\/x"}}'
)
PAGES = {
    "/": (200, "text/html", LINKS),
    "/harvest/": (200, "text/html", f"<a href='https://{EDIT}/harvest/page/2/'>more</a>"),
    "/harvest/page/2/": (200, "text/html", "the second page"),
    "/moved/": (301, "text/html", ""),
    "/new/": (200, "text/html", "the new page"),
    "/feed/": (200, "application/rss+xml; charset=UTF-8", f"<link>https://{EDIT}/</link>"),
    "/robots.txt": (200, "text/plain", "User-agent: *"),
    "/wp-sitemap.xml": (200, "application/xml", f"<loc>https://{EDIT}/hidden-from-menus/</loc>"),
    "/hidden-from-menus/": (200, "text/html", "found by the map"),
}


class Php(threading.Thread):
    """Answers over FastCGI, one page for each connection; notes what was asked."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.pages: dict[str, tuple[int, str, str]] = dict(PAGES)
        self.asked: list[str] = []
        self.line = socket.socket(socket.AF_UNIX)
        self.line.bind(str(path))
        self.line.listen()

    def run(self) -> None:
        while True:
            connection, _ = self.line.accept()
            with connection, connection.makefile("rb") as said:
                words = b""
                while True:
                    _, kind, _, length, _ = struct.unpack(">BBHHBx", said.read(8))
                    body = said.read(length)
                    words += body if kind == 4 else b""
                    if kind == 5 and not length:
                        break
                self._answer(connection, self._path(words))

    @staticmethod
    def _path(words: bytes) -> str:
        given = {}
        while words:
            name, value = (each & 0x7FFFFFFF for each in struct.unpack(">II", words[:8]))
            given[words[8 : 8 + name].decode()] = words[8 + name : 8 + name + value].decode()
            words = words[8 + name + value :]
        assert given["HTTP_HOST"] == EDIT
        return given["REQUEST_URI"]

    def _answer(self, connection: socket.socket, path: str) -> None:
        self.asked.append(path)
        status, kind, page = self.pages.get(path, (404, "text/html", "nothing here"))
        where = f"Location: https://{EDIT}/new/\r\n" if status == 301 else ""
        body = f"Status: {status} X\r\n{where}Content-Type: {kind}\r\n\r\n{page}".encode()
        for part in (body[:10], body[10:], b""):
            connection.sendall(struct.pack(">BBHHBx", 1, 6, 1, len(part), 3) + part + b"\0\0\0")
        connection.sendall(struct.pack(">BBHHBx", 1, 3, 1, 8, 0) + bytes(8))


@pytest.fixture
def php(tmp_path: Path) -> Php:
    made = Php(tmp_path / "socket")
    made.start()
    return made


def export(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "pages").mkdir(exist_ok=True)
    words = (sys.executable, str(SCRIPT), str(tmp_path / "socket"), EDIT, PUBLIC, str(tmp_path / "pages"))
    return subprocess.run(words, capture_output=True, text=True, check=False)


def written(tmp_path: Path) -> set[str]:
    current = tmp_path / "pages/current"
    return {str(path.relative_to(current)) for path in current.rglob("*") if path.is_file()}


def test_every_page_that_another_leads_to_is_there_under_the_name_that_visitors_use(php: Php, tmp_path: Path) -> None:
    ran = export(tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert written(tmp_path) == {
        "index.html",
        "harvest/index.html",
        "harvest/page/2/index.html",
        "new/index.html",
        "feed/index.xml",
        "robots.txt",
        "wp-sitemap.xml",
        "hidden-from-menus/index.html",
        "404.html",
    }
    texts = "".join(path.read_text() for path in (tmp_path / "pages/current").rglob("*.*ml"))
    assert EDIT not in texts
    assert f"https:\\/\\/{PUBLIC}\\/x" in texts
    assert not [path for path in php.asked if "wp-admin" in path or "wp-json" in path or "?" in path or "etc" in path]


@pytest.mark.parametrize("path", ["/", "/harvest/page/2/"])
def test_while_the_site_is_broken_the_pages_before_are_shown(php: Php, tmp_path: Path, path: str) -> None:
    export(tmp_path)
    before = (tmp_path / "pages/current").resolve()
    php.pages[path] = (503, "text/html", "down")

    ran = export(tmp_path)

    assert ran.returncode == 1
    assert f"{'the start page' if path == '/' else path} answers with 503" in ran.stderr
    assert (tmp_path / "pages/current").resolve() == before
    assert [each.name for each in (tmp_path / "pages").iterdir() if not each.is_symlink()] == [before.name]


def test_without_a_program_behind_the_socket_it_says_so(tmp_path: Path) -> None:
    ran = export(tmp_path)

    assert ran.returncode == 1
    assert "the pages before are shown still" in ran.stderr


def test_a_page_that_is_gone_goes_and_only_the_newest_are_kept(php: Php, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "pages").mkdir(exist_ok=True)
        (tmp_path / f"pages/2020010{number}T000000").mkdir()
    del php.pages["/hidden-from-menus/"]
    php.pages["/wp-sitemap.xml"] = (404, "text/html", "")

    export(tmp_path)

    assert "hidden-from-menus/index.html" not in written(tmp_path)
    kept = sorted(each.name for each in (tmp_path / "pages").iterdir() if not each.is_symlink())
    assert kept[:2] == ["20200103T000000", "20200104T000000"]
    assert len(kept) == 3
