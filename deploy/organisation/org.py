"""An organisation as `org.yml` and `collective.yml` describe it together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ConfigDict, PrivateAttr

from coopinfra.deploy.organisation.document import Document
from coopinfra.deploy.organisation.models import Collective, OperatorEntry, OrganisationFile, ServerEntry, TenantEntry
from coopinfra.roles.settings import Table


@dataclass(frozen=True)
class Machine:
    """A server of another organisation, as far as one that shares it may know of it."""

    owner: str
    name: str
    host_name: str
    entry: ServerEntry
    lets: TenantEntry
    operators: Mapping[str, OperatorEntry]
    """Who looks after the owner, and so may log in."""


class Org(OrganisationFile):
    """One organisation as both files describe it, checked; made by `load_org` only."""

    # It is put together from parts that were checked already.
    model_config = ConfigDict(defer_build=True)

    id: str
    folder: Path
    collective: Collective
    machines: Mapping[str, Machine]
    """The machines of others that it shares, by the short name of its own server."""
    _document: Document = PrivateAttr()

    @classmethod
    def put_together(cls, document: Document, said: OrganisationFile, folder: Path, collective: Collective) -> Org:
        """Join what was read; nothing is checked again."""
        org = cls.model_construct(
            **dict(said), id=folder.name, folder=folder, collective=collective, machines=Table({})
        )
        org._document = document  # noqa: SLF001 - its own
        return org

    def operators(self, day: date | None = None) -> Mapping[str, OperatorEntry]:
        """Return who looks after this organisation on a day, today by default, by account."""
        when = day or date.today()  # noqa: DTZ011 - a last day ends where the operator is
        return {login: each for login, each in self.collective.operators.items() if each.works_for(self.id, when)}

    def place(self, *path: str | int, value: str = "") -> tuple[str, int]:
        """Return file and line of a setting, or of the first `value` within it; the nearest there is, else."""
        return self._document.file, self._document.find(path, value)
