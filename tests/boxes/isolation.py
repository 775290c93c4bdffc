"""How attempts are made: by a program in the sandbox of a site's own unit, as the site's user alone, and with a hole.

The unit that is started is a copy of the site's, as systemd has it, with another program in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote

from attempts import BY_PHP, BY_PROGRAMS, DATA, QUEUE, SEGMENT, SHARED, STAGE, Attempt
from boxes import Operator
from coopinfra.deploy.lab import lab as labs

ATTACKERS = ("alder-letters", "birch-letters")
"""A site of another organisation, and another site of the same one."""
PHP_ATTACKER, PHP_SITE, PHP_VICTIM = "alder-tools", "https://tools.alder.example/", "https://tools.birch.example/"
HERE = "/run/attempts"
ALIVE = "alive"
UNITS = "/run/systemd/system"
NAMED = {f"sh-{number}": each for number, each in enumerate(BY_PROGRAMS)}
NAMED_PHP = {f"php-{number}": each for number, each in enumerate(BY_PHP)}

# Says which commands succeeded, and that it could do at all what it may.
RUN = f"""
. {HERE}/facts
export ME=$(id -un)
for each; do
    if timeout -k 1 10 sh {HERE}/$each.command </dev/null >/dev/null 2>&1; then echo $each; fi
done
touch /srv/data/$ME/{ALIVE} && rm /srv/data/$ME/{ALIVE} && echo {ALIVE}
"""
AS_ROOT = f"""
. {HERE}/facts
export ME=$1
open_up() {{
    printf "chmod %s '%s'\\n" "$(stat -Lc %a "$2")" "$2" >>{HERE}/opened
    chmod "$1" "$2"
}}
pg() {{
    runuser -u postgres -- psql -q -d birch-shop -c "$1"
}}
cd /
. {HERE}/$2
"""
# Of what is said to have worked, repeats what did.
PROVEN = f"""
while read -r each; do
    if [ ! -e {HERE}/$each.proof ] || sh {HERE}/as_root {ATTACKERS[0]} $each.proof >/dev/null 2>&1; then
        echo $each
    fi
done
"""
MEND = f"""
tac {HERE}/opened 2>/dev/null | sh
rm -f {HERE}/opened
for each; do sh {HERE}/as_root {ATTACKERS[0]} $each.mend >/dev/null 2>&1 || true; done
"""
# What the victim has in its own namespaces, where a neighbour would look for it: files, ports and memory.
VICTIM = r"""
theirs() {
    nsenter -t $APP "$@"
}
theirs -m sh -c 'for each in /tmp /var/tmp /dev/shm; do echo kept >$each/birch; chmod 644 $each/birch; done'
theirs -i setpriv --reuid=birch-shop --regid=birch-shop --clear-groups sh /run/attempts/theirs
systemd-run --quiet --collect --unit=attempts-listener nsenter -t $APP -n python3 -c '
import socket, threading
port, name = socket.create_server(("127.0.0.1", 9000)), socket.socket(socket.AF_UNIX)
name.bind("\0birch")
name.listen()
threading.Event().wait()
'
touch /run/attempts/network
mount --bind /proc/$APP/ns/net /run/attempts/network
systemctl start birch-shop@job-count.service
printf picture >/srv/data/birch-tools/uploads/beam.png
"""
# A real backup that stands still in the middle, with a whole copy of a database: the next one waits for a table.
STOOD_STILL = f"""
cd /
runuser -u postgres -- psql -q -d birch-shop -c 'BEGIN; LOCK TABLE orders; SELECT pg_sleep(120)' >/dev/null 2>&1 &
unit=coopinfra-backup@birch.service
sleep 1
systemctl start --no-block $unit
timeout 60 sh -c 'until [ -e {STAGE}/dumps/postgresql-birch-shop ]; do sleep 0.1; done'
echo 1 >"/sys/fs/cgroup$(systemctl show -P ControlGroup $unit)/cgroup.freeze"
runuser -u postgres -- psql -q -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query LIKE '%LOCK%' AND pid <> pg_backend_pid()" >/dev/null
"""
# The machine's own setting keeps programs from leaving any; a box cannot set it, as the kernel is its host's, and where
# that one takes them elsewhere, a file stands in, as the kernel would leave it.
CRASHED = f"""
cd {DATA}/birch-shop
ulimit -c unlimited
setpriv --reuid=birch-shop --regid=birch-shop --clear-groups sh -c 'kill -SEGV $$' 2>/dev/null || true
if ls core.* >/dev/null 2>&1; then mv core.* core; fi
[ -e core ] || echo kept | install -m 0600 -o birch-shop -g birch-shop /dev/stdin core
cd /
"""


def prepare(operator: Operator) -> None:
    """Lay on the box what attempts need, and what there is to be taken."""
    _root(operator, "\n".join((*_preparation(), STOOD_STILL, CRASHED)))
    operator.outside("curl", "-sS", "--form-string", f"code={SHARED};", PHP_VICTIM)


def _preparation() -> Iterator[str]:
    yield f"set -e; rm -rf {HERE}; mkdir -p {HERE}"
    yield "APP=$(systemctl show -P MainPID birch-shop@web) GROUP=$(systemctl show -P ControlGroup birch-shop@web)"
    yield f'printf "export APP=%s GROUP=\'%s\'\\n" $APP "$GROUP" >{HERE}/facts'
    files = {"run": RUN, "as_root": AS_ROOT, "proven": PROVEN, "mend": MEND, "theirs": f"{SEGMENT} && {QUEUE}"}
    for name, each in (NAMED | NAMED_PHP).items():
        files |= {f"{name}.command": each.command, f"{name}.hole": each.hole, f"{name}.mend": each.mend}
        if each.proof:
            files[f"{name}.proof"] = each.proof
    for name, text in files.items():
        yield f"printf '%s\\n' {quote(text)} >{HERE}/{name}"
    yield VICTIM
    for attacker in ATTACKERS:
        yield from _unit(attacker, f"attempts-{attacker}", *NAMED)
    for name, each in NAMED.items():
        yield from _unit(ATTACKERS[0], f"attempt-{name}", name, weaker=each.weaker)
    yield "systemctl daemon-reload"


def _unit(attacker: str, unit: str, *names: str, weaker: tuple[str, ...] = ()) -> Iterator[str]:
    program = f"ExecStart=/bin/sh {HERE}/run {' '.join(names)}"
    said = f"StandardOutput=truncate:{HERE}/{unit}"
    changes = "\n".join(("[Service]", "ExecStart=", program, "Type=oneshot", "Restart=no", said, *weaker))
    yield f"mkdir -p {UNITS}/{unit}.service.d; printf '%s\\n' {quote(changes)} >{UNITS}/{unit}.service.d/attempt.conf"
    yield f"systemctl cat {attacker}@web.service >{UNITS}/{unit}.service"


def in_the_sandbox(operator: Operator, attacker: str) -> list[str]:
    """Try everything in the sandbox of a site's program; return what worked."""
    return _tried(operator, _started(f"attempts-{attacker}"), NAMED)


def as_the_user(operator: Operator, attacker: str) -> list[str]:
    """Try everything with no more than the rights of a site's user, and no less; return what worked."""
    return _tried(operator, f"runuser -u {attacker} -- sh {HERE}/run {' '.join(NAMED)}", NAMED)


def in_php(operator: Operator) -> list[str]:
    """Try by code of a site in PHP what such code can; return what worked."""
    said = operator.outside("curl", "-sS", "--form-string", f"code={_php(NAMED_PHP)}", PHP_SITE).stdout
    return _tried(operator, f"printf %s {quote(said)}", NAMED_PHP)


def as_the_user_of_php(operator: Operator) -> list[str]:
    """Try the same as the user of the site in PHP, without its sandbox and its settings; return what worked."""
    return _tried(operator, _by_php(NAMED_PHP), NAMED_PHP)


def with_holes(operator: Operator) -> list[str]:
    """Try each once more, with its own hole and no other; return what did not work."""
    worked = set[str]()
    for name in NAMED:
        worked |= _with_hole(operator, name, ATTACKERS[0], _started(f"attempt-{name}"))
    for name, each in NAMED_PHP.items():
        worked |= _with_hole(operator, name, PHP_ATTACKER, _by_php({name: each}))
    return [each.sentence for name, each in (NAMED | NAMED_PHP).items() if name not in worked]


def _with_hole(operator: Operator, name: str, attacker: str, tries: str) -> set[str]:
    hole = f"sh {HERE}/as_root {attacker} {name}.hole >/dev/null"
    return set(_root(operator, f"{hole}; {{ {tries}; }} | sh {HERE}/proven; sh {HERE}/mend {name}").split())


def _tried(operator: Operator, tries: str, names: Mapping[str, Attempt]) -> list[str]:
    said = _root(operator, f"{{ {tries}; }} | sh {HERE}/proven; sh {HERE}/mend {' '.join(names)}").split()
    assert ALIVE in said, f"who tried could not even do what it may:\n{said}"
    return [each.sentence for name, each in names.items() if name in said]


def _started(unit: str) -> str:
    return f"systemctl start {unit} || journalctl -q --no-pager -n 20 -u {unit} >&2; cat {HERE}/{unit}"


def _by_php(names: Mapping[str, Attempt]) -> str:
    return f"runuser -u {PHP_ATTACKER} -- php -r {quote(_php(names))}"


def _php(names: Mapping[str, Attempt]) -> str:
    """Return code that says which expressions came true, and that it could do at all what it may."""
    alive = f"/srv/data/{PHP_ATTACKER}/uploads/{ALIVE}"
    tries = {**{name: each.command for name, each in names.items()}, ALIVE: f"touch('{alive}') && unlink('{alive}')"}
    return "".join(
        f"try {{ if (@({tried})) echo '{name}', PHP_EOL; }} catch (Throwable) {{}}" for name, tried in tries.items()
    )


def _root(operator: Operator, script: str) -> str:
    return labs.shell(operator.lab, "shared1", "sh -s", given=script).stdout
