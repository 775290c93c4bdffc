"""What can be asked of a lab: names and addresses that do not collide."""

from __future__ import annotations

import ipaddress
from collections import Counter

from coopinfra.deploy.lab import internet
from coopinfra.deploy.lab.recipes import recipe_of
from coopinfra.deploy.lab.state import NAME, BoxSpec
from coopinfra.deploy.organisation.problems import Problem, raise_all


def check_specs(boxes: tuple[BoxSpec, ...]) -> None:
    """Find all that is wrong with the boxes that are asked for."""
    addresses = Counter(address for spec in boxes for address in (spec.address, spec.ipv6) if address)
    problems = [Problem(f"two boxes are to have the address `{address}`") for address, n in addresses.items() if n > 1]
    for name, number in Counter(spec.name for spec in boxes).items():
        if number > 1 or name == internet.SPEC.name or not NAME.fullmatch(name):
            problems.append(Problem(f"no box can be called `{name}`, or not two of them", hint="choose another name"))
    for spec in boxes:
        for address, version in ((spec.address, 4), (spec.ipv6 or "::1", 6)):
            try:
                right = ipaddress.ip_address(address).version == version
            except ValueError:
                right = False
            if not right or address in internet.TAKEN:
                hint = "an address as org.yml says it; the lab itself takes " + ", ".join(internet.TAKEN)
                problems.append(Problem(f"`{spec.name}` cannot have the address `{address}`", hint=hint))
        recipe_of(spec.image)
    raise_all(problems)
