"""Certificates that are due now, and those that nobody wants any more."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from coopinfra.roles.certificates import SCRIPT, CertificatesSettings
from coopinfra.roles.contract import Part
from coopinfra.roles.primitives.asking import ScriptAnswers

SERVICE = "coopinfra-certificates.service"


@operation()
def placeholders() -> Generator[StringCommand, None, None]:
    """Make a self-signed certificate wherever a reader would find none."""
    if not host.get_fact(ScriptAnswers, script=SCRIPT, question="missing"):
        host.noop("every certificate has something to show")
        return
    yield StringCommand(SCRIPT, "placeholders")


@operation()
def leftovers() -> Generator[StringCommand, None, None]:
    """Remove certificates that no list names any more."""
    if not host.get_fact(ScriptAnswers, script=SCRIPT, question="leftover"):
        host.noop("no certificate is left over")
        return
    yield StringCommand(SCRIPT, "clear")


@operation()
def requests() -> Generator[StringCommand, None, None]:
    """Ask the authority for what is due, by the service that goes on trying each hour.

    A refusal fails the service, not the deploy: all else is done by now, `check` is red, and the timer tries again.
    """
    if not host.get_fact(ScriptAnswers, script=SCRIPT, question="due"):
        host.noop("no certificate is due, or its names do not lead here yet")
        return
    yield StringCommand(f"systemctl start {SERVICE} || journalctl --no-pager -q -n 15 -o cat -u {SERVICE} >&2")


def configure(_part: Part[CertificatesSettings]) -> None:
    """Leave no reader without a certificate and no certificate without a reader."""
    placeholders(name="Make placeholders for certificates that are not issued yet")
    leftovers(name="Remove certificates that nobody reads any more")


def activate(part: Part[CertificatesSettings]) -> None:
    """Ask the authority for every name whose DNS already leads here."""
    requests(name=f"Request certificates from {part.settings.directory.split('/')[2]}")
