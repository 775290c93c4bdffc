"""An organisation of many servers, each with a site of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from coopinfra.deploy.lab.state import BoxSpec

NAME = "fleet"
DOMAIN = "fleet.example"


def specs(number: int) -> tuple[BoxSpec, ...]:
    """Return the machines."""
    return tuple(BoxSpec(f"w{each}", f"192.0.2.{each}", organisation=NAME) for each in range(1, number + 1))


def write(inventories: Path, number: int) -> None:
    """Write the organisation into a folder of inventories that holds the example."""
    folder = inventories / NAME
    shutil.copytree(inventories / "highbeam/sites", folder / "sites")
    servers = {
        spec.name: {
            "address": spec.address,
            "roles": {
                "website": {
                    "sites": {
                        spec.name: {
                            "domain": f"{spec.name}.{DOMAIN}",
                            "kind": "static",
                            "source": {"folder": "sites/main"},
                        }
                    }
                }
            },
        }
        for spec in specs(number)
    }
    org = {
        "name": "Fleet",
        "kind": "test",
        "domain": DOMAIN,
        "languages": ["en"],
        "time_zone": "Etc/UTC",
        "quiet_hours": "02:00-05:00",
        "contacts": [{"name": "Rosa Ibarra", "does": "decides", "email": "rosa@fleet.example"}],
        "servers": servers,
    }
    (folder / "org.yml").write_text(json.dumps(org, indent=2))
