"""What an application promises beyond what visitors see turns red for each thing that it is there to find."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from coopinfra.roles.contract import File
from coopinfra.roles.primitives.markers import reveal
from coopinfra.roles.registry import roles
from coopinfra.roles.website import places
from coopinfra.roles.website.kinds import kind_of
from examples import Example, plan_of

EXAMPLE = Example(roles()["website"], roles()["website"].folder / "examples/applications.yml")


@dataclass(frozen=True)
class Ran:
    """What a command ended with."""

    stdout: str = ""
    rc: int = 0
    stderr: str = ""


@dataclass(frozen=True)
class Server:
    """A healthy server, but for the command that has `part` in it."""

    part: str = ""
    answer: Ran = Ran()

    def run(self, command: str) -> Ran:
        if self.part and self.part in command:
            return self.answer
        return Ran("active\n" if "is-active" in command else "")


def red(server: Server) -> dict[str, str]:
    shop = next(place for place in places(EXAMPLE.part) if place.name == "shop")
    found = {check.sentence: check.run(server) for check in kind_of(shop).checks(shop)}
    assert len(found) == 7
    return {sentence: said for sentence, said in found.items() if said}


def test_all_is_green_on_a_healthy_server() -> None:
    assert Path(EXAMPLE.path).exists()
    assert red(Server()) == {}


@pytest.mark.parametrize(
    ("part", "answer", "sentence", "said"),
    [
        ("release ask", Ran("", 1, "it answers with 500"), "the program of the site `shop` answers", "with 500"),
        ("worker-orders", Ran("failed\n"), "the workers of the site `shop` run", "is failed"),
        ("job-weekly", Ran("x@job-weekly", 1), "no job of the site `shop` failed the last time", "job-weekly"),
    ],
)
def test_what_is_wrong_turns_its_check_red_and_no_other(part: str, answer: Ran, sentence: str, said: str) -> None:
    found = red(Server(part, answer))

    assert [*found] == [sentence]
    assert said in found[sentence]


ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    roles:
      website:
        sites:
          shop:
            domain: shop.highbeam.example
            kind: python
            source: {git: "https://git.highbeam.example/shop"}
            asgi: shop:application
            environment: {TOLD: 'it''s "100%" $HOME `id` \\ # ; é'}
            secrets: {TOKEN: given}
            workers: {show: {command: 'printenv TOLD && printf %s "$TOKEN"'}}
"""


def test_what_a_program_is_told_arrives_as_it_is_written(tmp_path: Path) -> None:
    server = plan_of(ORG).servers[0]
    files = {file.path: file.content for file in server.files if isinstance(file, File)}
    (tmp_path / "run").write_bytes(files["/etc/coopinfra/sites/highbeam-shop/run"])
    secret = files["/etc/coopinfra/sites/highbeam-shop/secrets/TOKEN"]
    place = "web1/website/shop-token"
    (tmp_path / "TOKEN").write_bytes(reveal(secret, {place: b"'two\nlines' of $it \\n"}))

    argv = ["sh", tmp_path / "run", "worker-show"]
    ran = subprocess.run(argv, capture_output=True, text=True, env={"CREDENTIALS_DIRECTORY": str(tmp_path)}, check=True)

    assert ran.stdout == "it's \"100%\" $HOME `id` \\ # ; é\n'two\nlines' of $it \\n"
    assert {file.mode for file in server.files if isinstance(file, File) and file.path.endswith("TOKEN")} == {"0400"}
