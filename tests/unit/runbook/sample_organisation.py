"""The sample organisation, as text."""

from __future__ import annotations

from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWYUaWB2z2Yn6tFNRPdGvKbYJvaSYCCkXQaNwEkXHhH"
COLLECTIVE = f"""
name: Lantern Tech Co-op
email: help@lantern.example
phone: "+1 555 0142"
operators:
  ada: {{name: Ada Okoye, email: ada@lantern.example, phone: "+1 555 0141", ssh_keys: [{KEY}]}}
"""
ORG = """
name: High Beam Coffee Roasters
kind: worker co-op
domain: highbeam.example
languages: [en, es]
time_zone: America/Chicago
contacts:
  - {name: Rosa Ibarra, does: decides, email: rosa@highbeam.example, phone: "+1 555 0100"}
  - {name: Sam Okafor, does: second contact, email: sam@highbeam.example}
owns:
  - {what: domain highbeam.example, held_by: Rosa Ibarra, paid_until: 2027-03-01, costs: 14 EUR a year}
servers:
  web1:
    address: 203.0.113.10
    ipv6: 2001:db8::10
    roles:
      website:
        sites:
          main:
            domain: www.highbeam.example
            redirects_from: [highbeam.example]
            kind: static
            source: {folder: sites/main}
          shop:
            domain: shop.highbeam.example
            kind: static
            source: {folder: sites/main}
"""


def write_inventories(folder: Path, text: str = ORG) -> Path:
    """Write the sample organisation and its collective below `folder`; return it."""
    site = folder / "highbeam/sites/main"
    site.mkdir(parents=True, exist_ok=True)
    (site / "index.html").write_text("<p>coffee</p>")
    (folder / "highbeam/org.yml").write_text(text)
    (folder / "collective.yml").write_text(COLLECTIVE)
    return folder
