"""Public age keys: whole, and never the private half."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from coopinfra.roles.types import quoted, refuse


def check_age_key(value: str) -> str:
    """Return the public half of an age identity, or refuse it; what may be a private key is never repeated."""
    if "AGE-SECRET-KEY" in value.upper():
        refuse(
            "this is a private age identity", "delete it here and replace it; write its line that starts with `age1`"
        )
    if not re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", value) or not _bech32_sums_up(value):
        hint = "`coopinfra secrets identity` makes one and prints the line to write here"
        refuse(f"{quoted(value)} is not a whole public age key", hint)
    return value


def _bech32_sums_up(text: str) -> bool:
    """Check the six letters that catch slips of the pen: BIP 173, which age takes over."""
    prefix, _, data = text.rpartition("1")
    values = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    values += ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(each) for each in data]
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum == 1


AgeKey = Annotated[str, AfterValidator(check_age_key)]
