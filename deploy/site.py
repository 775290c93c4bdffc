"""The same roles under the plain `pyinfra` command, one server at a time.

COOPINFRA_ORG=highbeam pyinfra --limit web1 deploy/inventory.py deploy/site.py
"""

import os

from pyinfra import host, logger

from coopinfra.deploy.engine.converge import converge
from coopinfra.deploy.jobs.deploy import find_sources
from coopinfra.deploy.planning.make import plan_of

logger.warning("no lock, no journal and no revert here: `coopinfra deploy` has them")
PLAN = plan_of(os.environ["COOPINFRA_ORG"])
converge(next(each for each in PLAN.servers if each.server.id == host.name), find_sources(PLAN))
