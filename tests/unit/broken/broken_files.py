"""The broken files: what somebody did to the good ones, and what they must be told.

`at` is a text that stands in the line that must be named (the first such line), a number, or None for a whole file.
"""

# ruff: noqa: E501 - a table is read along its lines
from __future__ import annotations

from dataclasses import dataclass

ADA = "AAAAC3NzaC1lZDI1NTE5AAAAIDOEbUxiPMeph/YNpOc0awm5a2QbfOXeOHPyZDhqei9H"


@dataclass(frozen=True)
class Broken:
    """One file that somebody broke: `old` became `new`, or the whole file became `whole`."""

    name: str
    message: str
    hint: str
    at: str | int | None
    old: str = ""
    new: str = ""
    whole: bytes | None = None
    file: str = "org"

    def content(self, good: str) -> bytes:
        """Break the good file."""
        if self.whole is not None:
            return self.whole
        assert good.count(self.old) >= 1, f"{self.name}: {self.old!r} is not in the good file"
        return good.replace(self.old, self.new, 1).encode()

    def line(self, content: bytes) -> int | None:
        """Return the line that must be named."""
        if not isinstance(self.at, str):
            return self.at
        lines = content.decode("utf-8", "replace").splitlines()
        return next(number for number, line in enumerate(lines, start=1) if self.at in line)


def _edit(name: str, old: str, new: str, at: str | int | None, message: str, hint: str, file: str = "org") -> Broken:  # noqa: PLR0917 - the columns of the table
    return Broken(name, message, hint, at, old, new, file=file)


def _whole(name: str, content: bytes | str, at: str | int | None, message: str, hint: str) -> Broken:
    return Broken(name, message, hint, at, whole=content.encode() if isinstance(content, str) else content)


DOMAIN = "domain: www.highbeam.example"
SITE_LINE = "            domain: "
ADDRESS = "address: 203.0.113.10"
KIND = "kind: static"
CO_OP = "kind: worker co-op"
TOP_DOMAIN = "domain: highbeam.example\n"
ZONE = "time_zone: America/Chicago"

WHOLE_FILES = (
    _whole("empty", "", None, "the file is empty", "`coopinfra init`"),
    _whole("only spaces", "  \n\n  \n", None, "the file is empty", "`coopinfra init`"),
    _whole("only a comment", "# name: High Beam\n", None, "the file is empty", "`coopinfra init`"),
    _whole("binary", b"\x7fELF\x02\x01\x01\x00\x00", 1, "binary file", "UTF-8"),
    _whole("latin 1", "name: Café\n".encode("latin-1"), 1, "byte 10 of the file is no text in UTF-8", "UTF-8"),
    _whole("utf 16", "name: High Beam\n".encode("utf-16"), 1, "byte 1 of the file is no text in UTF-8", "UTF-8"),
    _whole("10 MB", b"# coffee\n" * 1_200_000, None, "larger than 250 kB", "right file"),
    _whole("a list", "- name: High Beam\n- domain: highbeam.example\n", 1, "not a list", "without the dashes"),
    _whole("one word", "highbeam\n", 1, "the file must be settings by name, not `highbeam`", "`name: value`"),
    _whole("a web page", "<!doctype html>\n<html lang=en>\n", 1, "the file must be settings by name", "`name: value`"),
    _whole("nested too deep", "[" * 2000 + "]" * 2000, 1, "nests deeper than 20 levels", "no setting"),
    _whole("only braces", "{}", 1, "the file has no `name`", "add `name: High Beam Coffee Roasters`"),
)  # fmt: skip

SHAPE = (
    _edit("tab before a setting", "    address:", "\taddress:", "\taddress", "indented with a tab", "spaces"),
    _edit("tab before a value", "name: High", "name:\tHigh", "name:\t", "a tab before this value", "a space"),
    _edit("two settings in one line", ZONE, ZONE + " quiet: x", "quiet: x", "a `:` too many", "quotation marks"),
    _edit("indented too far", "    ipv6:", "      ipv6:", "ipv6", "indented too far", "indentation"),
    _edit("indented too little", "    ipv6:", "   ipv6:", "ipv6", "does not stand under the lines above", "column"),
    _edit("colon without a space", "domain: highbeam", "domain:highbeam", "domain:highbeam", "no `: `", "with the space"),
    _edit("quote never closed", '"02:00-05:00"', '"02:00-05:00', "quiet_hours", "never closed", "close it"),
    _edit("bracket never closed", "[en, es]", "[en, es", "languages", "`[` is opened here", "`]`"),
    _edit("brace never closed", "sites/main}", "sites/main", "source:", "`{` is opened here", "`}`"),
    _edit("value starts with @", "name: High", "name: @High", "@High", "cannot start with `@`", "quotation marks"),
    _edit("text after a quote", "name: High Beam", 'name: "High" Beam', '"High"', "text after the end of this value", "quotation marks"),
    _edit("bad escape", CO_OP, 'kind: "C:\\work"', "C:", "a `\\` that means nothing", "single"),
    _edit("impossible escape", CO_OP, 'kind: "\\UFFFFFFFF"', "kind:", "a `\\` that means nothing", "single"),
    _edit("second document", "contacts:", "---\ncontacts:", "---", "a second document", "`---`"),
    _edit("anchor", "  web1:", "  web1: &web", "&web", "`&web` marks a place", "leave it out"),
    _edit("alias", KIND, "kind: *other", "*other", "`*other` refers to another place", "write the value out"),
    _edit("merge key", "    ipv6:", "    <<: {port: 22}\n    ipv6:", "<<", "`<<` merges", "write the lines out"),
    _edit("tag", ADDRESS, "address: !!str 203.0.113.10", "!!str", "`!!str` is a tag", "leave it out"),
    _edit("python tag", CO_OP, "kind: !!python/object/apply:os.system [id]", "!!python", "is a tag", "leave it out"),
    _edit("key given twice", ZONE, ZONE + "\ntime_zone: UTC", "time_zone: UTC", "`time_zone` is here twice", "keep one"),
    _edit("server given twice", "  web1:", "  web1: {}\n  web1:", 13, "`web1` is here twice", "keep one"),
    _edit("list as key", CO_OP, "? [kind]\n: co-op", "[kind]", "this key is not plain text", "`key: value`"),
    _edit("nameless key", "    ipv6:", '    "": x\n    ipv6:', '"": x', "no key before this `:`", "`key: value`"),
    _edit("control character", "Coffee", "Cof\x07fee", "name:", "cannot be seen, U+0007", "delete it"),
    _edit("writing turned around", "# of books", "# \u202eof books", "languages", "U+202E", "delete it"),
)  # fmt: skip

SETTINGS = (
    _edit("unknown setting", "time_zone:", "timezone:", "timezone", "no setting `timezone`", "did you mean `time_zone`?"),
    _edit("setting of another tool", "contacts:", "hosts: all\ncontacts:", "hosts", "no setting `hosts`", "there are"),
    _edit("capital letters", CO_OP, "Kind: worker co-op", "Kind", "no setting `Kind`", "did you mean `kind`?"),
    _edit("unknown setting of a server", "ipv6:", "ipv5:", "ipv5", "no setting `ipv5`", "did you mean `ipv6`?"),
    _edit("unknown setting of a site", "redirects_from", "redirect_from", "redirect_from", "no setting",
          "did you mean `redirects_from`?"),
    _edit("unknown role", "      website:", "      webiste:", "webiste", "no role `webiste`", "did you mean `website`?"),
    _edit("role of a later day", "      website:", "      mastodon: {}\n      website:", "mastodon", "no role `mastodon`",
          "there are `backup-server`"),
    _edit("role without anything", "      website:", "      base:\n      website:", "base:", "`base` has no value", "`{}`"),
    _edit("roles as a list", "    roles:\n", "    roles: [website]\n    port:\n", "roles:", "not a list", "dashes"),
    _edit("promise in years", "owns:\n", "promises: {lose_at_most: 1y}\nowns:\n", "1y", "`1y` is not a length of time", "`4h`"),
    _edit("promise without a unit", "owns:\n", "promises: {back_within: 4}\nowns:\n", "within", "`4` is not a length", "`4h`"),
    _edit("promise in minutes", "owns:\n", "promises:\n  lose_at_most: 30m\nowns:\n", "30m", "shorter than anything", "`4h`"),
    _edit("promise misspelt", "owns:\n", "promises: {lose_at_least: 4h}\nowns:\n", "least", "no setting `lose_at_least`", "lose_at_most"),
    _edit("no name", "name: High Beam Coffee Roasters\n", "", 1, "has no `name`", "add `name:"),
    _edit("no contacts", "contacts:\n", "contacts: []\nowned:\n", "contacts", "`contacts` is empty", "Rosa Ibarra"),
    _edit("contacts as text", "contacts:\n", "contacts: Rosa\nowned:\n", "contacts", "a list, not `Rosa`", "contacts: [{name"),
    _edit("contact without a name", "{name: Rosa Ibarra, does", "{does", "decides", "item 1 of `contacts` has no `name`",
          "add `name: Rosa Ibarra`"),
    _edit("server without an address", "    address: 203.0.113.10", "    port: 22", "web1:", "`web1` has no `address`",
          "add `address: 203.0.113.10`"),
    _edit("no servers", "servers:\n  web1:", "servers: {}\nweb1:", "servers", "`servers` is empty", "web1"),
    _edit("servers left open", "servers:\n  web1:", "servers:\nweb1:", "servers", "`servers` has no value", "indented"),
    _edit("site without a domain", "            domain: www.highbeam.example\n", "", "          main:", "`main` has no `domain`",
          "add `domain: www.highbeam.example`"),
    _edit("group where text belongs", "name: High Beam Coffee Roasters", "name: {long: High Beam}", "long:",
          "must be text, not a group", "High Beam Coffee Roasters"),
    _edit("empty value", CO_OP, "kind:", "kind:", "`kind` has no value", "leave the line out"),
    _edit("true as a name", "name: High Beam Coffee Roasters", "name: true", "name: true", "text, not `true`", '`"true"`'),
    _edit("empty text", "name: High Beam Coffee Roasters", 'name: ""', "name:", "this text is empty", "write something"),
    _edit("two lines", "name: High Beam", 'name: "High\\nBeam"\n#', "name:", "more than one line", "one line"),
    _edit("space at the end", CO_OP, 'kind: "co-op "', "co-op", "starts or ends with a space", "write `co-op`"),
    _edit("a novel for a name", CO_OP, "kind: " + "co-op" * 100, "co-opco-op", "has 500 characters", "300"),
    _edit("number with zeros", "    ipv6:", "    port: 0022\n    ipv6:", "0022", "whole number, not `0022`", "write `22`"),
    _edit("number with underscores", "    ipv6:", "    port: 2_222\n    ipv6:", "2_222", "not `2_222`", "write `2222`"),
    _edit("number with a point", "    ipv6:", "    port: 22.0\n    ipv6:", "22.0", "not `22.0`", "write `22`"),
    _edit("hexadecimal number", "    ipv6:", "    port: 0x16\n    ipv6:", "0x16", "not `0x16`", "only digits"),
    _edit("number in words", "    ipv6:", "    port: ssh\n    ipv6:", "ssh", "not `ssh`", "only digits"),
    _edit("true for a number", "    ipv6:", "    port: true\n    ipv6:", "port", "not `true`", "only digits"),
    _edit("port 0", "    ipv6:", "    port: 0\n    ipv6:", "port", "`port` must be at least 1, not `0`", "SSH"),
    _edit("port too high", "    ipv6:", "    port: 70000\n    ipv6:", "port", "at most 65535, not `70000`", "SSH"),
    _edit("no for false", "      website:", "      base: {automatic_reboots: no}\n      website:", "automatic_reboots",
          "must be `true` or `false`, not `no`", "write `false`"),
    _edit("yes for true", "      website:", "      base: {automatic_reboots: yes}\n      website:", "automatic_reboots",
          "must be `true` or `false`, not `yes`", "write `true`"),
    _edit("quoted true", "      website:", '      base: {automatic_reboots: "true"}\n      website:', "automatic_reboots",
          "is text, and must be `true` or `false`", "without quotation marks"),
    _edit("unknown kind", KIND, "kind: statik", "statik", "`kind` cannot be `statik`", "`static`"),
    _edit("setting of another kind", KIND, "kind: static\n            to: http://127.0.0.1:80", "to: http",
          "there is no setting `to` here", "there are"),
    _edit("kind without a value", KIND, "kind:", 21, "`kind` has no value", "`static`"),
    _edit("missing for its kind", KIND, "kind: proxy", " main:", "`main` has no `to`", "add `to: http://127.0.0.1:8080`"),
    _edit("kind misspelt", KIND, "kind: statik", "statik", "`kind` cannot be `statik`", "did you mean `static`?"),
)  # fmt: skip

VALUES = (
    _edit("link for a domain", DOMAIN, "domain: https://www.highbeam.example/", "https", "a whole link",
          "write `www.highbeam.example`"),
    _edit("path in a domain", DOMAIN, "domain: www.highbeam.example/shop", "/shop", "a path", "`www.highbeam.example`"),
    _edit("port in a domain", DOMAIN, "domain: www.highbeam.example:8080", ":8080", "a port", "`www.highbeam.example`"),
    _edit("dot after a domain", DOMAIN, DOMAIN + ".", "domain: www", "ends with a dot", "`www.highbeam.example`"),
    _edit("wildcard", DOMAIN, 'domain: "*.highbeam.example"', "*.", "a wildcard", "every name"),
    _edit("underscore", DOMAIN, "domain: my_shop.highbeam.example", "my_shop", "underscore", "`my-shop.highbeam"),
    _edit("one word as a domain", DOMAIN, "domain: localhost", "localhost", "no dot", "www.example.org"),
    _edit("address as a domain", DOMAIN, "domain: 203.0.113.10", SITE_LINE, "it is an address", "the name that leads"),
    _edit("email as a domain", DOMAIN, "domain: hi@highbeam.example", "hi@", "an email address", "`highbeam.example`"),
    _edit("capitals in a domain", DOMAIN, "domain: WWW.highbeam.example", "WWW", "capital letters", "`www.highbeam"),
    _edit("umlaut in a domain", DOMAIN, "domain: café.example", "café", "machines can read", "`xn--caf-dma.example`"),
    _edit("two dots", DOMAIN, "domain: www..example", "www..", "two dots meet", "1 to 63"),
    _edit("dash in front", DOMAIN, "domain: -www.highbeam.example", "-www", "`-www` cannot be a part", "no `-`"),
    _edit("digits at the end", DOMAIN, "domain: www.example.123", "123", "no such name can exist", "ends with letters"),
    _edit("text for a list", "[highbeam.example]", "highbeam.example", "redirects", "must be a list", "[highbeam.example]"),
    _edit("domain in a list", "[highbeam.example]", "[highbeam]", "redirects", "`highbeam` is not a domain", "whole name"),
    _edit("name for an address", ADDRESS, "address: web1.example", "address", "not an IPv4 address", "a name does not do"),
    _edit("impossible address", ADDRESS, "address: 203.0.113.310", "address", "not an IPv4 address", "looks like"),
    _edit("address with zeros", ADDRESS, "address: 203.0.113.010", "address", "not an IPv4", "write `203.0.113.10`"),
    _edit("network for an address", ADDRESS, ADDRESS + "/24", "address", "it is a network", "write `203.0.113.10`"),
    _edit("every address", ADDRESS, "address: 0.0.0.0", "address", "every address and none", "reached at"),
    _edit("loopback", ADDRESS, "address: 127.0.0.1", "address", "each machine itself", "reached at"),
    _edit("multicast", ADDRESS, "address: 224.0.0.1", "address", "many machines at once", "reached at"),
    _edit("broadcast", ADDRESS, "address: 255.255.255.255", "address", "nobody can have", "reached at"),
    _edit("link local", "2001:db8::10", "fe80::1", "ipv6", "next cable", "such as `2001:db8::10`"),
    _edit("other kind of address", ADDRESS, 'address: "2001:db8::10"', "address", "the other kind", "under `ipv6`"),
    _edit("IPv4 as IPv6", "ipv6: 2001:db8::10", "ipv6: 203.0.113.11", "ipv6", "the other kind", "under `address`"),
    _edit("account with a space", "    ipv6:", "    first_login: the root\n    ipv6:", "first_login", "name of an account",
          "`root` or `debian`"),
    _edit("server name with a dot", "  web1:", "  web1.highbeam:", "web1.highbeam", "not a short name", "`web1-highbeam`"),
    _edit("server name in capitals", "  web1:", "  Web1:", "Web1", "not a short name", "`web1`"),
    _edit("site name with a space", "          main:", "          our shop:", "our shop", "not a short name", "`our-shop`"),
    _edit("language in words", "[en, es]", "[english]", "languages", "`english` is not the code", "did you mean `en`?"),
    _edit("country for a language", "[en, es]", "[en, jp]", "languages", "`jp` is not the code", "did you mean `ja`?"),
    _edit("no language", "[en, es]", "[]", "languages", "`languages` is empty", "at least one"),
    _edit("one language as text", "[en, es]", "en", "languages", "must be a list, not `en`", "write `[en]`"),
    _edit("city for a time zone", ZONE, "time_zone: Chicago", "Chicago", "not a time zone", "`America/Chicago`"),
    _edit("misspelt time zone", ZONE, "time_zone: America/Chicgo", "Chicgo", "not a time zone", "`America/Chicago`"),
    _edit("hours of twelve", "02:00-05:00", "2am-5am", "2am", "not a span of hours", "02:00-05:00"),
    _edit("hour 25", "02:00-05:00", "02:00-25:00", "25:00", "not a span of hours", "24 hours"),
    _edit("hours without end", "02:00-05:00", "02:00-02:00", "02:00-02", "no time at all", "later"),
    _edit("email without @", "rosa@highbeam.example", "rosa.highbeam.example", "Rosa", "not an email", "name@example.org"),
    _edit("email at no domain", "rosa@highbeam.example", "rosa@localhost", "Rosa", "not an email address", "whole name"),
    _edit("German date", "2027-03-01", "01.03.2027", "01.03", "`01.03.2027` is not a date", "`2027-03-01`"),
    _edit("no such day", "2027-03-01", "2027-02-30", "02-30", "not a day of the calendar", "`2027-03-01`"),
)  # fmt: skip

CONTRADICTIONS = (
    _edit("two servers at one address", "  web1:", "  old: {address: 203.0.113.10}\n  web1:", "    address:",
          "`old` and `web1` have one address, `203.0.113.10`", "of its own"),
    _edit("two sources", "{folder: sites/main}", "{folder: sites/main, git: https://git.example.org/x}", "source",
          "has `folder` and `git`", "write `{folder"),
    _edit("no source", "{folder: sites/main}", "{}", "source", "needs a source", "write `{folder"),
    _edit("folder that is not there", "sites/main}", "sites/mayn}", "mayn", "there is no folder `sites/mayn`", "make it"),
    _edit("folder outside", "sites/main}", "../other}", "other", "`../other` is not a folder beside", "sites/main"),
    _edit("absolute folder", "sites/main}", "/etc}", "/etc", "`/etc` is not a folder beside org.yml", "sites/main"),
    _edit("git option for an address", "{folder: sites/main}", "{git: --upload-pack=id}", "upload", "git repository",
          "https"),
    _edit("two sites with one domain", "          main:", "          second: {domain: www.highbeam.example, "
          "source: {folder: sites/main}}\n          main:", "second", "`www.highbeam.example`", "one of them"),
    _edit("redirect from itself", "[highbeam.example]", "[www.highbeam.example]", SITE_LINE, "`www.highbeam.example`",
          "one of them"),
)  # fmt: skip

OPERATORS = (
    _edit("unknown setting of operators", "    ssh_keys:", "    keys:", "keys:", "no setting `keys`", "`ssh_keys`",
          "collective"),
    _edit("private key", "- ssh-ed25519", "- |\n        -----BEGIN OPENSSH PRIVATE KEY-----\n        #", "- |",
          "this is a private key", "`.pub`", "collective"),
    _edit("half a key", ADA, ADA[:40], ADA[:40], "not a whole SSH key", "to its end", "collective"),
    _edit("key of another type", "ssh-ed25519 " + ADA, "ssh-rsa " + ADA, "ssh-rsa", "not a whole SSH key", "again",
          "collective"),
    _edit("key without a type", "- ssh-ed25519 ", "- ", ADA, "not a public SSH key", "id_ed25519.pub", "collective"),
    _edit("key with options", "- ssh-ed25519 ", '- no-pty ssh-ed25519 ', "no-pty", "not a public SSH key",
          "without options", "collective"),
    _edit("old kind of key", "- ssh-ed25519 " + ADA, "- ssh-dss AAAAB3NzaC1kc3M=", "ssh-dss", "still accept",
          "id_ed25519.pub", "collective"),
    _edit("operator called root", "  ada:", "  root:", "root:", "`root` is an account of the system", "own name",
          "collective"),
    _edit("shared key", "\n  bruno:", "\n  eve: {name: Eve, ssh_keys: [ssh-ed25519 " + ADA + "]}\n  bruno:", "eve:",
          "`ada` and `eve` have the same key", "keys of their own", "collective"),
    _edit("nobody has a key", f"    ssh_keys:\n      - ssh-ed25519 {ADA}\n", "", "operators:", "could log in", "ssh_keys",
          "collective"),
    _edit("no operators", "operators:\n  ada:", "operators: {}\nothers:\n  ada:", "operators:", "`operators` is empty", "ada",
          "collective"),
)  # fmt: skip

BROKEN = (*WHOLE_FILES, *SHAPE, *SETTINGS, *VALUES, *CONTRADICTIONS, *OPERATORS)
