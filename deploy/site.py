"""The same roles under the plain `pyinfra` command, one server at a time.

COOPINFRA_ORG=highbeam pyinfra --limit web1 deploy/inventory.py deploy/site.py
"""

import os

from pyinfra import host, logger

from coopinfra.deploy.engine.converge import converge
from coopinfra.deploy.jobs.secrets_ready import make_ready
from coopinfra.deploy.jobs.sources import find_sources

logger.warning("no lock, no journal and no revert here: `coopinfra deploy` has them")
READY = make_ready(os.environ["COOPINFRA_ORG"])
SERVER = next(each for each in READY.plan.servers if each.server.id == host.name)
converge(SERVER, find_sources(READY.plan), reveal=READY.reveal)
