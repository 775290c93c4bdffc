"""A small WordPress of an old host, as somebody would get it."""

from pathlib import Path

CORE = {
    "options": "option_id int, option_name text, option_value text, autoload text",
    "users": "ID int, user_login text, user_pass text, user_email text",
    "usermeta": "umeta_id int, user_id int, meta_key text, meta_value text",
    "posts": "ID int, post_content text",
    "postmeta": "meta_id int, post_id int, meta_key text, meta_value text",
}
SITE = {
    "siteurl": "http://www.old.example/wp",
    "home": "http://www.old.example",
    "blogname": "Rosa&#039;s beans",
    "admin_email": "rosa@old.example",
    "db_version": "57155",
    "active_plugins": 'a:1:{i:0;s:19:"counter/counter.php";}',
    "template": "twentytwentyfive",
    "stylesheet": "twentytwentyfive",
    "x7_user_roles": 'a:1:{s:13:"administrator";a:1:{s:12:"capabilities";a:1:{s:14:"manage_options";b:1;}}}',
}
PEOPLE = {"rosa": 'a:1:{s:13:"administrator";b:1;}', "ben": 'a:1:{s:6:"editor";b:1;}'}


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def dump(
    prefix: str = "x7_", site: dict[str, str] | None = None, people: dict[str, str] | None = None, more: str = ""
) -> str:
    """Write the dump of a site, with some of its options and people otherwise, and more statements at the end."""
    lines = ["SET NAMES utf8mb4;"]
    for table, columns in CORE.items():
        made = ", ".join(f"`{each.split()[0]}` {each.split()[1]}" for each in columns.split(", "))
        lines.append(f"CREATE TABLE `{prefix}{table}` ({made});")
    for number, (name, value) in enumerate((SITE | (site or {})).items()):
        lines.append(f"INSERT INTO `{prefix}options` VALUES ({number}, {quoted(name)}, {quoted(value)}, 'yes');")
    for number, (login, given) in enumerate((PEOPLE if people is None else people).items()):
        lines.append(f"INSERT INTO `{prefix}users` VALUES ({number}, '{login}', '$P$x', '{login}@old.example');")
        lines.append(f"INSERT INTO `{prefix}usermeta` VALUES (1, {number}, '{prefix}capabilities', {quoted(given)});")
    lines.append(f"INSERT INTO `{prefix}postmeta` VALUES (1, 1, '_wp_attached_file', '2023/05/café.png');")
    return "\n".join((*lines, more))


def lay(folder: Path, text: str = "") -> tuple[Path, Path]:
    """Lay it there; return the folder and the dump."""
    old = folder / "old"
    uploads, plugin = old / "wp-content/uploads/2023/05", old / "wp-content/plugins/counter"
    uploads.mkdir(parents=True)
    plugin.mkdir(parents=True)
    (old / "wp-config.php").write_text("<?php\n$table_prefix = 'x7_';\ndefine('DB_PASSWORD', 'of-the-old');\n")
    (uploads / "café.png").write_bytes(b"\x89PNG")
    (plugin / "counter.php").write_text("<?php\n/*\n * Plugin Name: Counter\n * Version: 2.4\n */")
    (folder / "old.sql").write_text(text or dump())
    return old, folder / "old.sql"
