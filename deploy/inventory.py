"""The servers of COOPINFRA_ORG for the plain `pyinfra` command; its stock connector, with the pinned host keys."""

import os

from coopinfra.deploy.planning.make import plan_of

PLAN = plan_of(os.environ["COOPINFRA_ORG"])

servers = [
    (
        each.server.id,
        {
            "ssh_hostname": each.server.address,
            "ssh_port": each.server.port,
            "ssh_user": os.environ.get("COOPINFRA_LOGIN", each.server.first_login),
            "ssh_key": os.environ.get("COOPINFRA_SSH_KEY"),
            "ssh_known_hosts_file": str(PLAN.known_hosts(each.server)),
            "ssh_strict_host_key_checking": "yes",
            "_sudo": True,
        },
    )
    for each in PLAN.servers
]
