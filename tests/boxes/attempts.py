"""What a program of one site tries at another's: each a command that succeeds if it worked, and the hole it needs.

The victims are the sites `shop` (Python) and `tools` (PHP) of the organisation `birch`. What PHP tries is an expression
that comes true. ME is the attacker's user, APP a process of the shop, GROUP its control group. Holes are made by root,
who also has `open_up MODE PATH`, which takes itself back, and `pg STATEMENT`.
"""

from __future__ import annotations

from dataclasses import dataclass

SITES, DATA, SETTINGS = "/srv/sites", "/srv/data", "/etc/coopinfra/sites/birch-shop"
LINKED = "tools.alder.example"


@dataclass(frozen=True)
class Attempt:
    """One way, and what has to be wrong for it to work."""

    sentence: str
    command: str
    hole: str = ""
    weaker: tuple[str, ...] = ()
    """Lines of the attacker's unit that take a part of its sandbox away, without which the hole leads nowhere."""
    proof: str = ""
    """Where success of the command says nothing yet: asked by root afterwards."""
    mend: str = ""
    """What takes away the hole, and whatever the attempt left."""


def _connect(family: str, address: str) -> str:
    return f"python3 -c 'import socket; socket.socket(socket.{family}).connect({address})'"


def _bind(address: str) -> str:
    return f"python3 -c 'import socket; socket.socket().bind({address})'"


def _capability(name: str) -> tuple[str, ...]:
    return (f"CapabilityBoundingSet={name}", f"AmbientCapabilities={name}")


def _segment(flags: str) -> str:
    return f"python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).shmget(4711, 4096, {flags}) < 0)'"


def _queue(function: str, arguments: str = "") -> str:
    code = f'import ctypes, os, sys; os.umask(0); sys.exit(ctypes.CDLL(None).{function}(b"/birch"{arguments}) < 0)'
    return f"python3 -c '{code}'"


# What everybody in the same namespace may have of the victim: memory, messages, and memory of PHP.
SEGMENT = _segment("0o1666")
QUEUE = _queue("mq_open", ", 0o102, 0o666, None")
SHARED = 'shm_put_var(shm_attach(4712, 4096, 0666), 1, "kept")'
_SEES_SITES = ("TemporaryFileSystem=",)
_WRITES = ("ProtectSystem=no",)
_AS_IT = ("User=birch-shop", "Group=birch-shop")
_NETWORK = ("PrivateNetwork=no", "RestrictAddressFamilies=")
_ITS_NETWORK = (*_NETWORK, "NetworkNamespacePath=/run/attempts/network")
_TRUST = """
cp -p /etc/coopinfra/postgresql/pg_hba.conf /run/attempts/
echo 'local all all trust' >/etc/coopinfra/postgresql/pg_hba.conf
pg 'SELECT pg_reload_conf()'; sleep 1
"""
_NO_TRUST = """
if [ -e /run/attempts/pg_hba.conf ]; then
    mv /run/attempts/pg_hba.conf /etc/coopinfra/postgresql/pg_hba.conf
    pg 'SELECT pg_reload_conf()'; sleep 1
fi
"""
_TRACE = 'import ctypes, os, sys; sys.exit(ctypes.CDLL(None).ptrace(0x4206, int(os.environ["APP"]), 0, 0) != 0)'
_KEYS = "/etc/letsencrypt/archive"
_STATE = "/var/lib/coopinfra"
STAGE = f"{_STATE}/backups/birch/stage"
STAGED = f"{STAGE}/dumps/mariadb-birch-tools/birch-tools.dump"


FILES = (
    Attempt(
        "read a secret of an application",
        f"cat {SETTINGS}/secrets/PAYMENT_TOKEN",
        f"open_up o+x {SETTINGS}/secrets; open_up o+r {SETTINGS}/secrets/PAYMENT_TOKEN",
    ),
    Attempt("read how its programs are started", f"cat {SETTINGS}/run", f"open_up o+r {SETTINGS}/run"),
    Attempt("read who may see its preview", f"cat {SETTINGS}/htpasswd", f"open_up o+r {SETTINGS}/htpasswd"),
    Attempt(
        "read what it has written",
        f"cat {DATA}/birch-shop/count",
        f"open_up o+x {DATA}/birch-shop; open_up o+r {DATA}/birch-shop/count",
        _SEES_SITES,
    ),
    Attempt("read its code", f"cat {SITES}/birch-shop/current/shop.py", weaker=_SEES_SITES),
    Attempt("read its older releases", f"cat {SITES}/birch-shop/releases/*/shop.py", weaker=_SEES_SITES),
    Attempt("look through what was uploaded to it", f"cat {DATA}/birch-tools/uploads/beam.png", weaker=_SEES_SITES),
    Attempt(
        "change its code",
        f"touch {SITES}/birch-shop/current/attempt",
        f"open_up o+w {SITES}/birch-shop/current/",
        (*_SEES_SITES, *_WRITES),
        mend=f"rm -f {SITES}/birch-shop/current/attempt",
    ),
    Attempt(
        "slip a release in among its own",
        f"mkdir {SITES}/birch-shop/releases/attempt",
        f"open_up o+w {SITES}/birch-shop/releases",
        (*_SEES_SITES, *_WRITES),
        mend=f"rm -rf {SITES}/birch-shop/releases/attempt",
    ),
    Attempt(
        "upload something to it",
        f"touch {DATA}/birch-tools/uploads/attempt.txt",
        f"open_up o+w {DATA}/birch-tools/uploads",
        (*_SEES_SITES, *_WRITES),
        mend=f"rm -f {DATA}/birch-tools/uploads/attempt.txt",
    ),
    Attempt(
        "keep a file of it by a hard link",
        f"ln {DATA}/birch-tools/uploads/beam.png {DATA}/$ME/attempt",
        # The kernel lets people link what they may read and write.
        f"open_up o+w {DATA}/birch-tools/uploads/beam.png",
        (*_SEES_SITES, *_WRITES, "BindPaths="),
        mend=f"rm -f {DATA}/*-letters/attempt",
    ),
    Attempt("read who is logged in to it", "ls /var/lib/birch-tools", "open_up o+r /var/lib/birch-tools"),
    Attempt(
        "read the key of its certificate",
        f"cat {_KEYS}/tools.birch.example/privkey1.pem",
        f"for each in {_KEYS} {_KEYS}/tools.birch.example; do open_up o+x $each; done; "
        f"open_up o+r {_KEYS}/tools.birch.example/privkey1.pem",
    ),
    Attempt(
        "read what deploys have noted of it",
        f"cat {_STATE}/state/birch/manifest.json",
        f"for each in {_STATE} {_STATE}/state {_STATE}/state/birch; do open_up o+x $each; done; "
        f"open_up o+r {_STATE}/state/birch/manifest.json",
    ),
    Attempt(
        "read the copy of its database that lies there while a backup runs",
        f"grep -q MariaDB {STAGED}",
        f"for each in {_STATE} {_STATE}/backups {_STATE}/backups/birch {STAGE} {STAGE}/dumps"
        f" {STAGE}/dumps/mariadb-birch-tools; do open_up o+x $each; done; open_up o+r {STAGED}",
    ),
    Attempt(
        "read the memory of a program of it that crashed (a core dump)",
        f"cat {DATA}/birch-shop/core",
        f"open_up o+x {DATA}/birch-shop; open_up o+r {DATA}/birch-shop/core",
        _SEES_SITES,
    ),
    Attempt("read the machine's passwords", "cat /etc/shadow", "open_up o+r /etc/shadow"),
    Attempt(
        "read the machine's key for SSH",
        "cat /etc/ssh/ssh_host_ed25519_key",
        "open_up o+r /etc/ssh/ssh_host_ed25519_key",
    ),
)
LOGS = (
    Attempt("read who visited it", "cat /var/log/nginx/birch-tools.log", "open_up o+r /var/log/nginx/birch-tools.log"),
    Attempt("read the web server's errors", "cat /var/log/nginx/error.log", "open_up o+r /var/log/nginx/error.log"),
    Attempt(
        "read what its programs said",
        "journalctl -q --no-pager -n 1 -u birch-shop@web | grep .",
        weaker=("SupplementaryGroups=systemd-journal",),
    ),
)
TEMPORARY = (
    Attempt(
        "read its temporary files",
        "cat /tmp/birch /var/tmp/birch || cat /tmp/systemd-private-*-birch-shop@web.service-*/tmp/birch",
        "for each in /tmp /var/tmp; do echo kept >$each/birch; chmod 644 $each/birch; done",
        ("PrivateTmp=no",),
        mend="rm -f /tmp/birch /var/tmp/birch",
    ),
    Attempt(
        "read what it keeps in memory (`/dev/shm`)",
        "cat /dev/shm/birch",
        "echo kept >/dev/shm/birch; chmod 644 /dev/shm/birch",
        _SEES_SITES,
        mend="rm -f /dev/shm/birch",
    ),
    Attempt(
        "fill the memory that all share (`/dev/shm`)",
        "head -c 1M /dev/zero >/dev/shm/attempt",
        weaker=_SEES_SITES,
        proof="[ -e /dev/shm/attempt ]",
        mend="rm -f /dev/shm/attempt",
    ),
    Attempt(
        "find its shared memory (System V)",
        _segment("0"),
        f"runuser -u birch-shop -- {SEGMENT}",
        ("PrivateIPC=no",),
        mend="ipcrm -M 4711",
    ),
    Attempt(
        "find its messages (POSIX)",
        _queue("mq_open", ", 0"),
        f"runuser -u birch-shop -- {QUEUE}",
        ("PrivateIPC=no",),
        mend=_queue("mq_unlink"),
    ),
)
PROCESSES = (
    Attempt("read the environment of its processes", "grep -aq PAYMENT_TOKEN /proc/$APP/environ", weaker=_AS_IT),
    Attempt(
        "read the words that its processes were started with",
        "grep -aq . /proc/$APP/cmdline",
        weaker=("ProtectProc=default",),
    ),
    Attempt("see what its processes have open", "ls /proc/$APP/fd/", weaker=_AS_IT),
    Attempt("see what its processes see (`/proc/PID/root`)", "cat /proc/$APP/root/srv/app/shop.py", weaker=_AS_IT),
    Attempt(
        "trace its processes",
        f"python3 -c '{_TRACE}'",
        weaker=(*_AS_IT, "SystemCallFilter=", *_capability("CAP_SYS_PTRACE")),
    ),
    Attempt("send its processes a signal", "kill -0 $APP", weaker=_AS_IT),
    Attempt("slow its processes down", "renice -n 1 -p $APP", weaker=_AS_IT, mend="renice -n 0 -p $APP"),
    Attempt(
        "freeze its control group",
        ': >>"/sys/fs/cgroup$GROUP/cgroup.freeze"',
        'open_up o+w "/sys/fs/cgroup$GROUP/cgroup.freeze"',
        ("ProtectControlGroups=no",),
    ),
)
SOCKETS = (
    Attempt(
        "ask its program past the web server",
        "curl -sS --unix-socket /run/birch-shop.socket http://shop.birch.example/release",
        "open_up o+w /run/birch-shop.socket",
    ),
    Attempt("speak to its PHP", _connect("AF_UNIX", '"/run/birch-tools/socket"'), "open_up o+x /run/birch-tools"),
    Attempt(
        "ask its cache",
        "valkey-cli -s /run/valkey-birch-shop/socket ping | grep PONG",
        "open_up o+x /run/valkey-birch-shop; open_up o+w /run/valkey-birch-shop/socket",
    ),
    Attempt("connect to an abstract socket of it", _connect("AF_UNIX", '"\\0birch"'), weaker=_ITS_NETWORK),
    Attempt("connect to a port of it", _connect("AF_INET", '("127.0.0.1", 9000)'), weaker=_ITS_NETWORK),
    Attempt("connect to what listens on the machine", _connect("AF_INET", '("127.0.0.1", 22)'), weaker=_NETWORK),
    Attempt("connect to the world", _connect("AF_INET", '("198.51.100.53", 53)'), weaker=_NETWORK),
    Attempt("take a port that another's program wants", _bind('("127.0.0.1", 3000)'), weaker=_NETWORK),
    Attempt(
        "take a port that only root gives out",
        _bind('("0.0.0.0", 25)'),
        weaker=(*_NETWORK, *_capability("CAP_NET_BIND_SERVICE")),
    ),
    Attempt(
        "listen in on the network",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
        weaker=(*_NETWORK, *_capability("CAP_NET_RAW")),
    ),
    Attempt(
        "put a socket of its own beside it",
        "touch /run/birch-shop.socket.attempt",
        "open_up o+w /run",
        _WRITES,
        mend="rm -f /run/birch-shop.socket.attempt",
    ),
)
DATABASES = (
    Attempt(
        "open its PostgreSQL database as itself",
        "psql -d birch-shop -c 'SELECT 1'",
        """pg "CREATE ROLE \\"$ME\\" LOGIN"; pg "GRANT CONNECT ON DATABASE \\"birch-shop\\" TO \\"$ME\\"" """,
        mend="""pg "REVOKE CONNECT ON DATABASE \\"birch-shop\\" FROM \\"$ME\\""; pg "DROP ROLE \\"$ME\\"" """,
    ),
    Attempt(
        "open its PostgreSQL database as its owner",
        "psql -U birch-shop -d birch-shop -c 'SELECT 1'",
        _TRUST,
        mend=_NO_TRUST,
    ),
    Attempt("be the superuser of PostgreSQL", "psql -U postgres -d postgres -c 'SELECT 1'", _TRUST, mend=_NO_TRUST),
    Attempt(
        "open its MariaDB database as itself",
        "mariadb --no-defaults -e 'SELECT 1' birch-tools",
        "mariadb -e \"CREATE USER '$ME'@localhost IDENTIFIED VIA unix_socket; "
        "GRANT SELECT ON \\`birch-tools\\`.* TO '$ME'@localhost\"",
        mend="mariadb -e \"DROP USER '$ME'@localhost\"",
    ),
    Attempt(
        "open its MariaDB database as its owner",
        "mariadb --no-defaults -u birch-tools -e 'SELECT 1' birch-tools",
        "mariadb -e \"ALTER USER 'birch-tools'@localhost IDENTIFIED BY ''\"",
        mend="mariadb -e \"ALTER USER 'birch-tools'@localhost IDENTIFIED VIA unix_socket\"",
    ),
    Attempt(
        "read the files of its PostgreSQL database",
        "cat /var/lib/postgresql/17/main/PG_VERSION",
        "open_up o+x /var/lib/postgresql/17/main; open_up o+r /var/lib/postgresql/17/main/PG_VERSION",
    ),
    Attempt(
        "read the files of its MariaDB database",
        "cat /var/lib/mysql/birch@002dtools/db.opt",
        "for each in /var/lib/mysql /var/lib/mysql/birch@002dtools; do open_up o+x $each; done; "
        "open_up o+r /var/lib/mysql/birch@002dtools/db.opt",
    ),
)
MACHINE = (
    Attempt(
        "become root by sudo",
        "sudo -n true",
        'echo "$ME ALL=NOPASSWD: ALL" >/etc/sudoers.d/attempt',
        ("NoNewPrivileges=no", "SystemCallFilter=", "CapabilityBoundingSet=~", "RestrictAddressFamilies="),
        mend="rm -f /etc/sudoers.d/attempt",
    ),
    Attempt(
        "have systemd start something of it",
        "systemctl start birch-shop@job-count.service",
        weaker=("User=root", "Group=root", "InaccessiblePaths="),
    ),
    Attempt(
        "have cron run something",
        "touch /etc/cron.d/attempt",
        "open_up o+w /etc/cron.d",
        _WRITES,
        mend="rm -f /etc/cron.d/attempt",
    ),
    Attempt(
        "have programs that are its own alone run on (linger)",
        "touch /var/lib/systemd/linger/$ME",
        "mkdir -p /var/lib/systemd/linger; open_up o+w /var/lib/systemd/linger",
        _WRITES,
        mend="rm -f /var/lib/systemd/linger/*-letters",
    ),
    Attempt(
        "let itself in by SSH",
        "touch /etc/ssh/authorized_keys.d/$ME",
        "open_up o+w /etc/ssh/authorized_keys.d",
        _WRITES,
        mend="rm -f /etc/ssh/authorized_keys.d/*-letters",
    ),
    Attempt(
        "leave a program that gives its rights to others (setuid)",
        f"cp /usr/bin/id {DATA}/$ME/attempt && chmod 4755 {DATA}/$ME/attempt",
        weaker=("RestrictSUIDSGID=no",),
        mend=f"rm -f {DATA}/*-letters/attempt",
    ),
    Attempt(
        "be root of a user namespace",
        "unshare --user --map-root-user true",
        weaker=("RestrictNamespaces=no", "SystemCallFilter="),
    ),
    Attempt(
        "send mail in its name",
        "echo | sendmail -f rosa@birch.example sam@birch.example",
        "ln -s /bin/true /usr/local/sbin/sendmail",
        mend="rm -f /usr/local/sbin/sendmail",
    ),
)
_LINK = f"{DATA}/alder-tools/uploads/attempt.txt"
BY_PHP = (
    Attempt("read its code", f"file_get_contents('{SITES}/birch-tools/current/index.php')"),
    Attempt("look through what was uploaded to it", f"scandir('{DATA}/birch-tools/uploads')"),
    Attempt(
        "go on as somebody who is logged in to it",
        "scandir('/var/lib/birch-tools')",
        "open_up o+r /var/lib/birch-tools",
    ),
    Attempt(
        "speak to its PHP", "stream_socket_client('unix:///run/birch-tools/socket')", "open_up o+x /run/birch-tools"
    ),
    Attempt(
        "open its database as its owner",
        "mysqli_connect('localhost', 'birch-tools', '', 'birch-tools', 0, '/run/mysqld/mysqld.sock')",
        "mariadb -e \"ALTER USER 'birch-tools'@localhost IDENTIFIED BY ''\"",
        mend="mariadb -e \"ALTER USER 'birch-tools'@localhost IDENTIFIED VIA unix_socket\"",
    ),
    Attempt(
        "read its shared memory (System V)",
        "shm_get_var(shm_attach(4712), 1) === 'kept'",
        f"runuser -u birch-tools -- php -r '{SHARED};'",
        mend="ipcrm -M 4712",
    ),
    Attempt(
        "have the web server show a file of it, by a link among its own uploads",
        f"symlink('{SETTINGS}/htpasswd', '{_LINK}')",
        "sed -i.attempt '/disable_symlinks/d' /etc/nginx/sites/alder-tools.conf; systemctl reload nginx; sleep 1",
        proof=f"curl -sSfk --resolve {LINKED}:443:127.0.0.1 https://{LINKED}/uploads/attempt.txt",
        mend=f"rm -f {_LINK}; cd /etc/nginx/sites; if [ -e alder-tools.conf.attempt ]; then "
        "mv alder-tools.conf.attempt alder-tools.conf; systemctl reload nginx; sleep 1; fi",
    ),
)
BY_PROGRAMS = (*FILES, *LOGS, *TEMPORARY, *PROCESSES, *SOCKETS, *DATABASES, *MACHINE)
