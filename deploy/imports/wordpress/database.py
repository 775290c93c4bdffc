"""The database of one WordPress in a dump: its own tables are kept, and what is known of the site is read from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from coopinfra.deploy.imports.finding import NotBrought
from coopinfra.deploy.imports.wordpress import dump, serialised

MUST = ("options", "users", "usermeta", "posts", "postmeta")
READ = ("options", "users", "usermeta", "postmeta")
OPTIONS = ("siteurl", "home", "blogname", "admin_email", "db_version", "active_plugins", "template", "stylesheet")
POWERS = {"manage_options", "create_users", "edit_users", "promote_users", "activate_plugins"}
"""Whoever may one of these can make an administrator of anybody."""
CHARSETS = {"utf8mb4", "utf8mb3", "utf8", "latin1"}
_TABLES = re.compile(rb"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(\w+)`?\s*\(", re.IGNORECASE)
_SCRIPT = re.compile(rb"<script\b[^>]{0,300}?\bsrc=\\?[\"']?(?:https?:)?\\?/\\?/([A-Za-z0-9.-]+)", re.IGNORECASE)
NAMED = 70
"""How many characters of a statement are shown."""


@dataclass(frozen=True)
class User:
    """An account."""

    login: str
    email: str


@dataclass
class Database:
    """What is known of a site by its dump."""

    prefix: str
    charset: str
    options: dict[str, bytes] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    capabilities: dict[str, Set[str]] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)
    scripts: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)
    others: set[str] = field(default_factory=set)

    def text(self, option: str) -> str:
        """Return an option as text; empty where there is none."""
        return self.options.get(option, b"").decode(errors="replace")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Under which it was reached, without scheme, the longest first."""
        found = {re.sub(r"^https?://", "", self.text(option)).rstrip("/") for option in ("home", "siteurl")}
        return tuple(sorted((each for each in found if each), key=len, reverse=True))

    @property
    def administrators(self) -> tuple[User, ...]:
        """Who may do everything, also by a role that was changed."""
        roles = serialised.table(self.options.get(f"{self.prefix}user_roles", b""))
        strong = {name for name, role in roles.items() if isinstance(role, dict) and _given(role) & POWERS}
        powers = POWERS | strong | {"administrator"}
        return tuple(user for each, user in self.users.items() if self.capabilities.get(each, set()) & powers)


def _given(role: dict[str, object]) -> Set[str]:
    capabilities = role.get("capabilities")
    return {name for name, given in capabilities.items() if given == "1"} if isinstance(capabilities, dict) else set()


def scripts_in(text: bytes) -> Set[str]:
    """Return the hosts from which a text loads programs."""
    return {each.decode().lower() for each in _SCRIPT.findall(text)}


def prefix_of(text: bytes, configured: str) -> str:
    """Return what the names of the site's tables begin with; raise NotBrought where that cannot be known.

    configured: what its wp-config.php says; empty where there is none
    """
    names = {found[1].decode() for found in _TABLES.finditer(text)}
    prefixes = {name.removesuffix("usermeta") for name in names if name.endswith("usermeta")}
    found = sorted(prefix for prefix in prefixes if all(f"{prefix}{each}" in names for each in MUST))
    if configured in found:
        return configured
    listed = ", ".join(f"`{each}`" for each in found)
    if configured and found:
        sentence = f"`wp-config.php` says that tables begin with `{configured}`, and those of the dump with {listed}"
        raise NotBrought(sentence, "give the dump of the database that `wp-config.php` names as DB_NAME")
    if not found:
        hint = f"it needs at least {', '.join(MUST)}, each with the site's prefix; dump the whole database"
        raise NotBrought("the dump has no tables of a WordPress", hint)
    if len(found) > 1:
        hint = "lay the `wp-config.php` of the one that is meant into the folder"
        raise NotBrought(f"the dump holds several WordPress: their tables begin with {listed}", hint)
    return found[0]


def extract(source: Path, to: Path, configured: str) -> Database:
    """Write the site's own tables into `to`, a statement each line, and return what is known of it. Raises NotBrought.

    configured: what its wp-config.php says its tables begin with; empty where there is none
    """
    text = dump.read(source)
    charset = dump.charset_of(text)
    if charset not in CHARSETS:
        raise NotBrought(f"the dump is written as `{charset}`", "dump it once more with utf8mb4")
    database = Database(prefix_of(text, configured), charset)
    columns: dict[str, tuple[str, ...]] = {}
    with to.open("wb") as file:
        to.chmod(0o600)
        for statement in dump.statements(text):
            if not statement.table:
                if not statement.is_needless:
                    database.strange.append(statement.text[:NAMED].decode(errors="replace"))
                continue
            if not statement.table.startswith(database.prefix):
                database.others.add(statement.table)
                continue
            file.write(statement.text + b"\n")
            table = statement.table.removeprefix(database.prefix)
            database.scripts |= scripts_in(statement.text)
            if statement.makes:
                database.made.add(table)
                columns[table] = dump.columns_of(statement)
            elif table in READ and (table != "postmeta" or b"_wp_attached_file" in statement.text):
                _learn(database, table, dump.rows(statement, columns.get(table, ())))
    return database


def _learn(database: Database, table: str, rows: Iterator[dict[str, bytes]]) -> None:
    wanted = {*OPTIONS, f"{database.prefix}user_roles"}
    for row in rows:
        words = {name: value.decode(errors="replace") for name, value in row.items()}
        match table:
            case "options" if words.get("option_name") in wanted:
                database.options[words["option_name"]] = row.get("option_value", b"")
            case "users":
                database.users[words.get("ID", "")] = User(words.get("user_login", ""), words.get("user_email", ""))
            case "usermeta" if words.get("meta_key") == f"{database.prefix}capabilities":
                given = serialised.table(row.get("meta_value", b""))
                database.capabilities[words.get("user_id", "")] = {
                    name for name, value in given.items() if value == "1"
                }
            case "postmeta" if words.get("meta_key") == "_wp_attached_file":
                database.attached.add(words.get("meta_value", ""))
