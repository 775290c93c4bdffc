"""An application in Python that answers over WSGI or ASGI, with requirements that are locked by hashes."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from coopinfra.roles.settings import Field, WholeNumber
from coopinfra.roles.types import quoted, refuse
from coopinfra.roles.website.kinds.app_settings import AppSite, Runtime

LAUNCHER = "/usr/local/lib/coopinfra/asgi"
CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def _callable(value: str) -> str:
    if not CALLABLE.fullmatch(value):
        refuse(f"{quoted(value)} is not a callable of Python", "write it as `shop.wsgi:application`")
    return value


class PythonSite(AppSite):
    """An application in Python; its locked requirements bring gunicorn (WSGI) or uvicorn (ASGI)."""

    runtime = Runtime("python", ("python3", "python3-pip"), ".venv/bin")

    kind: Literal["python"] = Field(description="What it is made of.")
    wsgi: Annotated[str, AfterValidator(_callable)] | None = Field(
        default=None, description="What gunicorn calls, as `module:callable`.", examples=["shop.wsgi:application"]
    )
    asgi: Annotated[str, AfterValidator(_callable)] | None = Field(
        default=None, description="What uvicorn calls, as `module:callable`.", examples=["shop.asgi:application"]
    )
    processes: WholeNumber = Field(default=2, ge=1, le=64, description="How many of it answer at once.")

    @model_validator(mode="after")
    def _check_one(self) -> PythonSite:
        if bool(self.wsgi) == bool(self.asgi):
            both = "this application has both" if self.wsgi else "an application in Python needs `wsgi` or `asgi`"
            refuse(both, "write one of them, as `wsgi: shop.wsgi:application`")
        return self

    @property
    def server(self) -> str:
        """The package that serves it."""
        return "gunicorn" if self.wsgi else "uvicorn"

    @property
    def launcher(self) -> str:
        """The program of ours that starts it; empty where it starts by itself."""
        return LAUNCHER if self.asgi else ""

    @property
    def serve(self) -> str:
        """The shell command that answers visitors, on the socket that it is given."""
        if self.wsgi:
            return f"python -m gunicorn --workers {self.processes} --graceful-timeout 20 {self.wsgi}"
        options = "--proxy-headers --forwarded-allow-ips '*' --no-access-log --timeout-graceful-shutdown 20"
        return f"python -P {LAUNCHER} --fd 3 --workers {self.processes} {options} {self.asgi}"
