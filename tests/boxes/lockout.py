"""Deploys highbeam with one hole that would lock us out; run inside a lab by test_faults.py.

The plan is the real one but for that file, or that account, and so is all that happens to it.
"""

import sys
from dataclasses import replace

from coopinfra.cli.console import say_problems
from coopinfra.deploy.jobs.deploy import Waits, apply, prepare
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.make import make_plan

HOLES = {
    "kex": ("/etc/ssh/sshd_config.d/00-coopinfra.conf", lambda old: b"KexAlgorithms sntrup761x25519-sha512\n" + old),
    "port": ("/etc/nftables.conf", lambda old: old.replace(b"dport 22 jump ssh", b"dport 22 drop")),
    "keys": ("/etc/ssh/authorized_keys.d/demo", lambda old: b""),
    "sudo": ("/etc/sudoers.d/coopinfra", lambda old: b"# nobody\n"),
    # Locks out visitors: the kernel kills each worker that takes a connection, and systemd calls the unit active.
    "dead": ("/etc/systemd/system/nginx.service.d/coopinfra.conf", lambda old: old + b"SystemCallFilter=~accept4\n"),
}


def spoiled(server, hole):
    if hole == "user":
        kept = tuple(each for each in server.declared if each.declaration not in server.users[:1])
        return replace(server, declared=kept)
    path, spoil = HOLES[hole]
    return replace(
        server,
        files=tuple(replace(each, content=spoil(each.content)) if each.path == path else each for each in server.files),
    )


plan = make_plan(load_named("highbeam"))
plan = replace(plan, servers=(spoiled(plan.servers[0], sys.argv[1]),))


def report(event):
    sys.stderr.write(f"{event.server}: {event.text}\n")


(prepared,) = prepare(plan, report)
result = (
    prepared if isinstance(prepared, CoopinfraError) else apply((prepared,), report, Waits(revert=int(sys.argv[2])))[0]
)
if isinstance(result, CoopinfraError):
    say_problems(result)
    sys.exit(result.exit_code)
