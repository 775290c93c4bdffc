"""A co-op's server, and the collective's machine that keeps its backups: two organisations, two boxes."""

from __future__ import annotations

import shutil

from boxes import Operator
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec, Lab

WEB = BoxSpec("web1", "203.0.113.10", organisation="highbeam")
VAULT = BoxSpec("vault1", "203.0.113.20", organisation="collective")
SECOND = BoxSpec("vault2", "203.0.113.30", organisation="collective")
BACKUPS = "backups: {to: [collective/vault1], also: [/srv/shared], leave_out: [/srv/shared/films]}"
CLIENT = f"""\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{{name: Rosa Ibarra, does: decides}}]
servers:
  web1:
    address: 203.0.113.10
    roles:
      postgresql: {{databases: {{members: {{}}}}}}
      {BACKUPS}
"""
KEEPER = """\
name: Lantern Tech Co-op
domain: lantern.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  vault1:
    address: 203.0.113.20
    roles:
      backup-server: {keeps: [highbeam/web1]}
"""
NAME = "highbeam-members"
STATE = "/var/lib/coopinfra/backups/highbeam"
LISTS = "/etc/coopinfra/backups/highbeam"
UNIT = "coopinfra-backup@highbeam.service"
RESTIC = "/usr/local/lib/coopinfra/backups restic highbeam collective-vault1"
# Until the server of the backups, once started anew, takes connections: systemd calls it started before.
ANSWERS = "timeout 20 bash -c 'until : <>/dev/tcp/vault1.lantern.example/8000; do sleep 0.2; done' 2>/dev/null"
REPOSITORY = "/srv/backups/highbeam.web1"


def two_machines(
    lab: Lab, client: str = CLIENT, keeper: str = KEEPER, boxes: tuple[BoxSpec, ...] = (WEB, VAULT)
) -> Operator:
    """Deploy both organisations; their secrets are made before, as each side needs the other's public half."""
    for name, text in (("highbeam", client), ("collective", keeper)):
        folder = lab.inventories / name
        folder.mkdir(exist_ok=True)
        for each in (folder / "secrets", folder / "receipts"):
            shutil.rmtree(each, ignore_errors=True)
        (folder / "org.yml").write_text(text)
    for spec in boxes:
        labs.add_box(labs.load(lab.name), spec)
    operator = Operator(labs.load(lab.name))
    for organisation, domain in (("highbeam", "highbeam.example"), ("collective", "lantern.example")):
        operator.ok("secrets", "generate", organisation)
        labs.publish(operator.lab, domain, operator.ok("dns", organisation).stdout)
    running = [operator.start(*operator.argv("deploy", each, "--yes")) for each in ("highbeam", "collective")]
    for each in running:
        said = each.communicate()[1]
        assert each.returncode == 0, said
    return operator


def sql(operator: Operator, statement: str) -> str:
    """Run one statement as the database's owner."""
    return operator.root(f'cd / && runuser -u {NAME} -- psql -X -A -t -q -d {NAME} -c "{statement}"').strip()


def seed(operator: Operator) -> None:
    """Fill a table, and a folder with files of several kinds."""
    sql(operator, "CREATE TABLE people (id integer PRIMARY KEY, name text)")
    sql(operator, "INSERT INTO people SELECT n, md5(n::text) FROM generate_series(1, 1000) n")
    operator.root(
        "mkdir -p /srv/shared/films /srv/elsewhere; echo film >/srv/shared/films/one; echo minutes >/srv/shared/note;"
        "echo odd >'/srv/shared/odd [name]*'; ln -s gone /srv/shared/link; chown www-data: /srv/shared/note"
    )
