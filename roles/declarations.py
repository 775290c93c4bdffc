"""What roles tell each other: frozen facts, which touch nothing and ask nobody.

A *need* finds exactly one provider on its server, a role that lists the kind in its `PROVIDES`. An *item* is acted on
by the primitives. A *fact* is read by whoever is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from coopinfra.roles.contract import check_path

SecretKind: TypeAlias = Literal[
    "random",  # letters and digits for programs
    "password",  # for people: groups of letters that are read aloud without mistakes
    "given",  # what only somebody else can make, such as a token of a provider
    "password-hash",  # made from a password; the form that crypt(3) of the server knows
    "htpasswd",  # made from a password; one line for a web server
    "dkim-rsa",
    "dkim-ed25519",
    "tls-key",
    "certificate",  # made from a tls-key
    "ssh-key",
    "age-key",
    "wireguard-key",
    "vapid",
    "onion-key",
]


Privilege: TypeAlias = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]

# Names without `_` and `%` need no escaping in MariaDB, where both stand for other letters in a grant.
DATABASE = re.compile(r"[a-z][a-z0-9-]{0,47}")
ACCOUNT = re.compile(r"[a-z][a-z0-9-]{0,30}")
TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
EXTENSION = re.compile(r"[a-z][a-z0-9_-]*")
LOCALE = re.compile(r"C\.UTF-8|[a-z]{2,3}(-[A-Za-z0-9]+)*")
OWN_DATABASES = ("mysql", "postgres", "sys", "template0", "template1", "test")
OWN_ACCOUNTS = ("mariadb", "mysql", "nobody", "postgres", "public", "root")


@dataclass(frozen=True)
class Declaration:
    """What follows from the settings of one role."""

    @property
    def claims(self) -> tuple[str, ...]:
        """What nobody else on the server may claim too."""
        return ()


class Need(Declaration):
    """A declaration that exactly one provider serves."""


class Item(Declaration):
    """A declaration that the primitives act on."""


class Fact(Declaration):
    """A declaration that is read by whoever is there."""


@dataclass(frozen=True)
class Packages(Need):
    """Debian packages; all roles' packages go in one transaction (`base`)."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Port(Need):
    """A port that the world may reach (`base`)."""

    number: int
    protocol: Literal["tcp", "udp"] = "tcp"

    @property
    def claims(self) -> tuple[str, ...]:
        """One port has one owner."""
        return (f"port {self.number}/{self.protocol}",)


@dataclass(frozen=True)
class Vhost(Need):
    """A site that the web server answers for (`nginx`), over TLS.

    `include` is a file of whoever declares it: what the web server does for its names, as directives within a server.
    """

    domain: str
    aliases: tuple[str, ...] = ()
    include: str = ""
    redirects_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.include)

    @property
    def served(self) -> tuple[str, ...]:
        """The names under which its files are shown."""
        return (self.domain, *self.aliases)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which it is reached, the main one first."""
        return (*self.served, *self.redirects_from)

    @property
    def claims(self) -> tuple[str, ...]:
        """One domain has one site."""
        return self.names


@dataclass(frozen=True)
class Certificate(Need):
    """One TLS certificate (`certificates`): its names, who reloads it, and where the challenge is answered."""

    names: tuple[str, ...]
    webroot: str
    readers: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where `fullchain.pem` and `privkey.pem` lie: from the first minute, as a placeholder until it is issued."""
        return f"/var/lib/coopinfra/certificates/{self.names[0]}"


@dataclass(frozen=True)
class User(Item):
    """An account on the server. Its SSH keys are a `File` of the role that declares it."""

    name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    shell: str = "/usr/sbin/nologin"
    home: str = "/nonexistent"
    system: bool = True

    @property
    def claims(self) -> tuple[str, ...]:
        """One account has one owner."""
        return (f"user {self.name}",)


@dataclass(frozen=True)
class Unit(Item):
    """A systemd unit that is enabled and runs no older than its program and what it `reads` (files or folders).

    `reload` prefers a reload to a restart; `validate` runs before either. `answers` is a real request that must succeed
    after either, else the files of that deploy are put back. `access` marks what could lock us out.
    """

    name: str
    reads: tuple[str, ...] = ()
    reload: bool = False
    validate: str = ""
    answers: str = ""
    access: bool = False

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        for path in self.reads:
            check_path(path)

    @property
    def claims(self) -> tuple[str, ...]:
        """One unit has one owner."""
        return (f"unit {self.name}",)


@dataclass(frozen=True)
class Making:
    """How a site is made of its source on the operator's side: by a shell command, which leaves it in `output`."""

    command: str
    output: str
    version: str = ""
    """The command that tells the builder's version; by default the first word of the other, with `--version`."""
    minutes: int = 10


@dataclass(frozen=True)
class Archive:
    """A zip archive of somebody else's, which goes into the folder `to` of a release, if it is what `sha256` says.

    It comes from `url`, or lies as `file` beside org.yml. A folder that such archives have around all is left out.
    """

    to: str
    sha256: str
    url: str = ""
    file: str = ""


@dataclass(frozen=True)
class Release(Item):
    """Files of a site, published at once: `path`/current leads to the newest of `path`/releases.

    They come from a `folder` beside org.yml, or from `git` at `ref`, as they are or made by `making`, and from
    `archives`; the newest `keep` stay for a rollback. People call it by its `name`. `build` makes of the files what is
    served, and `trial` says whether that may be served: commands of the server, which get the folder of the new release
    and its id as arguments. Where one of them fails, the release never is, and the one before stays untouched.
    """

    name: str
    path: str
    folder: str = ""
    git: str = ""
    ref: str = ""
    build: str = ""
    trial: str = ""
    keep: int = 5
    making: Making | None = None
    archives: tuple[Archive, ...] = ()

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)

    @property
    def current(self) -> str:
        """What a web server serves."""
        return f"{self.path}/current"

    @property
    def claims(self) -> tuple[str, ...]:
        """One path has one source."""
        return (self.path,)


@dataclass(frozen=True)
class Record(Fact):
    """A DNS record; `name` is absolute without the last dot, `value` as in a zone file."""

    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "SRV", "TXT"]
    name: str
    value: str
    ttl: int = 3600


@dataclass(frozen=True)
class Website(Fact):
    """A site on this server, for the commands that people give about it by its `name`."""

    name: str
    kind: str
    domain: str
    path: str
    log: str
    user: str
    """The account that its programs run as, where one of that name is declared."""

    @property
    def current(self) -> str:
        """The link to the release that is served."""
        return f"{self.path}/current"

    @property
    def closed(self) -> str:
        """The file that closes it for maintenance while it is there."""
        return f"{self.path}/closed"


@dataclass(frozen=True)
class Link(Fact):
    """Something to click on, for the organisation's people."""

    title: str
    url: str
    for_whom: Literal["everybody", "members", "operators"] = "everybody"


@dataclass(frozen=True)
class Secret(Fact):
    """Something that nobody else may know: made once on the operator's side, before the server exists.

    Templates write it with `secret(name)`; what the world may know of it is `part.public(name)`. `made_from` names
    secrets of the same role. `subject` is what it speaks of: the user of a password, the name in a certificate.
    """

    name: str
    kind: SecretKind
    made_from: str = ""
    subject: str = ""
    deployed: bool = True
    """False: it stays with the operators, and no server ever gets it."""
    phase: Literal["install", "configure", "activate"] = "configure"
    """From when on the server needs it."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made: our bug, never the operator's."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a secret")
        if bool(self.made_from) != (self.kind in ("password-hash", "htpasswd", "certificate")):
            raise ValueError(f"secret {self.name!r}: only hashes and certificates are made from others")


@dataclass(frozen=True)
class Dump(Fact):
    """How something is copied while it is used, and put back, in commands for root.

    `dump FOLDER` leaves `file`, and in `counts` what was in it at the same moment, one `table rows fingerprint` a line.
    `restore FOLDER` puts `file` into an empty place that a deploy has made. `count` prints the lines for what is there
    now, so that both can be compared.
    """

    name: str
    dump: str
    restore: str
    count: str
    file: str
    counts: str


@dataclass(frozen=True)
class Grant:
    """What one more system user may do in a database: with every table, also those to come, or with one.

    A grant on a table that is not there yet waits until it is: `Database.settle` grants what has come, and so does each
    deploy and a timer.
    """

    user: str
    privileges: tuple[Privilege, ...]
    table: str = ""
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no engine could grant: our bug, never the operator's."""
        _check_user(self.user)
        for name in (self.table, *self.columns):
            if name and not TABLE.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a table or column")
        if not self.privileges or (self.columns and (not self.table or "DELETE" in self.privileges)):
            raise ValueError(f"a grant to {self.user!r} grants nothing, or columns of no table")


@dataclass(frozen=True)
class Database(Need):
    """A database for a system user of the server, who gets in over a socket as itself: no password exists.

    Ask for one of an engine, `PostgresqlDatabase` or `MariadbDatabase`; whoever reads all of them asks for this class.
    `readers` may read every table. Both names carry the organisation's.
    """

    name: str
    owner: str
    readers: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()

    engine: ClassVar[Literal["postgresql", "mariadb"]]
    socket: ClassVar[str]
    script: ClassVar[str]
    """Where the engine's script lies on the server."""

    def __post_init__(self) -> None:
        """Refuse names that would have to be quoted, or are the engine's own."""
        if not DATABASE.fullmatch(self.name) or self.name in OWN_DATABASES:
            raise ValueError(f"{self.name!r} cannot be the name of a database")
        _check_user(self.owner)
        for user in self.users:
            _check_user(user)

    @property
    def claims(self) -> tuple[str, ...]:
        """One database has one owner."""
        return (f"{self.engine} database {self.name}",)

    @property
    def rights(self) -> tuple[Grant, ...]:
        """What others than the owner may do."""
        return (*(Grant(reader, ("SELECT",)) for reader in self.readers), *self.grants)

    @property
    def users(self) -> tuple[str, ...]:
        """The others who may get in."""
        return tuple(dict.fromkeys((*self.readers, *(grant.user for grant in self.grants))))

    @property
    def settle(self) -> str:
        """The command that grants what waited for its table; for whoever has just made tables."""
        return f"{self.script} settle {self.name}"

    @property
    def dump(self) -> Dump:
        """How it is copied and put back; the engines' scripts take the same words."""
        dump, restore, count = (f"{self.script} {verb} {self.name}" for verb in ("dump", "restore", "count"))
        return Dump(f"{self.engine}-{self.name}", dump, restore, count, f"{self.name}.dump", f"{self.name}.counts")


@dataclass(frozen=True)
class PostgresqlDatabase(Database):
    """A database of PostgreSQL (`postgresql`); `locale` is its own C.UTF-8 or a language of ICU, such as `es`."""

    extensions: tuple[str, ...] = ()
    locale: str = "C.UTF-8"

    engine = "postgresql"
    socket = "/run/postgresql"
    script = "/usr/local/lib/coopinfra/postgresql"

    def __post_init__(self) -> None:
        """Refuse also what is no extension or locale."""
        super().__post_init__()
        for extension in self.extensions:
            if not EXTENSION.fullmatch(extension):
                raise ValueError(f"{extension!r} cannot be the name of an extension")
        if not LOCALE.fullmatch(self.locale):
            raise ValueError(f"{self.locale!r} is not a locale")


@dataclass(frozen=True)
class MariadbDatabase(Database):
    """A database of MariaDB (`mariadb`), in utf8mb4."""

    engine = "mariadb"
    socket = "/run/mysqld/mysqld.sock"
    script = "/usr/local/lib/coopinfra/mariadb"


@dataclass(frozen=True)
class Cache(Need):
    """A cache for one system user of the server (`valkey`): nobody else reaches it, and its content is never missed."""

    name: str
    user: str
    megabytes: int = 64

    def __post_init__(self) -> None:
        """Refuse what could not be in the name of a unit."""
        if not DATABASE.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a cache")
        _check_user(self.user)

    @property
    def claims(self) -> tuple[str, ...]:
        """One cache has one user."""
        return (f"cache {self.name}",)

    @property
    def unit(self) -> str:
        """What runs it, for whoever starts after it."""
        return f"valkey@{self.name}.service"

    @property
    def socket(self) -> str:
        """Where it is reached."""
        return f"/run/valkey-{self.name}/socket"


@dataclass(frozen=True)
class BackupPath(Fact):
    """A file or folder that cannot be made anew; backups take it after all dumps, so that it has what they refer to."""

    path: str
    without: tuple[str, ...] = ()
    """What of it need not be kept, such as thumbnails: patterns as restic's `--exclude`."""

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)


def _check_user(name: str) -> None:
    if not ACCOUNT.fullmatch(name) or name in OWN_ACCOUNTS:
        raise ValueError(f"{name!r} cannot be the user of a database")
