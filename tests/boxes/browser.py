"""A real browser, as somebody who writes for an organisation uses it: run inside the lab, told what to do as JSON.

WebDriver is HTTP and JSON (https://www.w3.org/TR/webdriver2/): what is needed of it is no more than this file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
NEEDS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
"""Each command that it starts, and the Debian package that has it."""
SECONDS = 90
"""For anything to appear, on a machine that has much else to do."""
OPTIONS = {
    "acceptInsecureCerts": True,  # the lab's authority is in no browser; curl asks for its certificates elsewhere
    "goog:chromeOptions": {
        # Chromium refuses to be root in its sandbox, and a lab's machine may have little shared memory.
        "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"],
        "binary": "/usr/bin/chromium",
    },
}


class Failed(Exception):
    """What the browser answered instead."""


class Browser:
    """One window."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": OPTIONS}})["sessionId"]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        request = Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=2 * SECONDS) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise Failed(json.load(error)["value"]["message"]) from error

    def do(self, path: str, **body: object) -> Any:
        return self._ask("POST", f"/session/{self.session}{path}", body)

    def ask(self, path: str) -> Any:
        return self._ask("GET", f"/session/{self.session}{path}")

    def go(self, url: str) -> None:
        self.do("/url", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        return self.do("/execute/sync", script=script, args=arguments)

    def find(self, selector: str) -> str:
        """Return the element, once it is there."""
        return self._until(f"`{selector}`", lambda: self.do("/element", using="css selector", value=selector)[ELEMENT])

    def has(self, selector: str) -> bool:
        return bool(self.do("/elements", using="css selector", value=selector))

    def click(self, selector: str) -> None:
        self._until(f"a click on `{selector}`", lambda: self.do(f"/element/{self.find(selector)}/click") or True)

    def type(self, selector: str, text: str) -> None:
        self._until(f"`{selector}`", lambda: self.do(f"/element/{self.find(selector)}/value", text=text) or True)

    def text(self, selector: str = "body") -> str:
        return str(self.ask(f"/element/{self.find(selector)}/text"))

    def into(self, selector: str) -> None:
        self.do("/frame", id={ELEMENT: self.find(selector)})

    def out(self) -> None:
        self.do("/frame", id=None)

    def _until(self, what: str, attempt: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return attempt()
            except Failed as error:
                if time.monotonic() > deadline:
                    raise Failed(f"{what} did not come: {error}\n{self.ask('/url')}") from error
                time.sleep(0.2)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start one, and end it with all that it started."""
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout
        port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
        window = Browser(f"http://127.0.0.1:{port}")
        try:
            yield window
        except Exception:
            sys.stderr.write(f"{window.ask('/url')}\n{window.run('return document.body.innerText')[:3000]}\n")
            raise
        finally:
            window._ask("DELETE", f"/session/{window.session}")
    finally:
        driver.terminate()
        driver.wait()


def log_in(window: Browser, told: dict[str, str]) -> None:
    """Pass the gate, if there is one, and log in."""
    login = f"{told['url']}/wp-login.php"
    window.go(login.replace("https://", f"https://{told['gate']}@") if told.get("gate") else login)
    window.type("#user_login", told["user"])
    window.type("#user_pass", told["password"])
    window.click("#wp-submit")
    window.find("#wpadminbar")


def upload(window: Browser, told: dict[str, str]) -> str:
    """Upload the picture; return where it lies."""
    window.go(f"{told['url']}/wp-admin/media-new.php?browser-uploader")
    window.type("#async-upload", told["picture"])
    window.click("#html-upload")
    window.find(".wp-list-table, .attachments-browser")
    return str(
        window.run(
            "let asked = new XMLHttpRequest(); asked.open('GET', '/wp-json/wp/v2/media', false); asked.send();"
            "return JSON.parse(asked.responseText)[0].source_url"
        )
    )


def write(window: Browser, told: dict[str, str]) -> str:
    """Write a post in the editor and publish it; return where it is."""
    window.go(f"{told['url']}/wp-admin/post-new.php")
    window.find(".editor-post-publish-panel__toggle")
    window.run("wp.data.dispatch('core/preferences').set('core/edit-post', 'welcomeGuide', false)")
    framed = window.has("iframe[name=editor-canvas]")
    if framed:
        window.into("iframe[name=editor-canvas]")
    window.type(".wp-block-post-title", f"{told['title']}\ue007")
    window.type("p[data-type='core/paragraph']", told["text"])
    window.out()
    window.click(".editor-post-publish-panel__toggle")
    window.click(".editor-post-publish-panel .editor-post-publish-button")
    window.find(".post-publish-panel__postpublish")
    return str(window.run("return wp.data.select('core/editor').getPermalink()"))


def main() -> None:
    told = json.load(sys.stdin)
    with browser() as window:
        log_in(window, told)
        picture = upload(window, told)
        print(json.dumps({"picture": picture, "post": write(window, told)}))


if __name__ == "__main__":
    main()
