"""What an application can be told ends in units and scripts: nothing there can be misread."""

import pytest
from pydantic import TypeAdapter, ValidationError

from coopinfra.roles.website.kinds import AnySite

SITES: TypeAdapter[AnySite] = TypeAdapter(AnySite)
PYTHON = {"domain": "shop.highbeam.example", "kind": "python", "source": {"folder": "x"}, "wsgi": "shop:application"}
NODE = {"domain": "board.highbeam.example", "kind": "node", "source": {"folder": "x"}}


@pytest.mark.parametrize(
    ("site", "setting", "value", "said"),
    [
        (PYTHON, "wsgi", "shop; rm -rf /", "is not a callable of Python"),
        (PYTHON, "wsgi", None, "needs `wsgi` or `asgi`"),
        (PYTHON, "asgi", "shop:app", "has both"),
        (PYTHON, "environment", {"PATH": "/x"}, "is one that we set"),
        (PYTHON, "environment", {"a-b": "x"}, "is not the name of a variable"),
        (PYTHON, "environment", {"NAME": "two\nlines"}, "more than one line"),
        (PYTHON, "secrets", {"KEY": "weak"}, "Input should be 'random' or 'given'"),
        (PYTHON, "health", "/a'b", "is not the path of a page"),
        (PYTHON, "health", "/a b", "is not the path of a page"),
        (PYTHON, "jobs", {"daily": {"command": "x", "at": "daily\nExecStart=/bin/sh"}}, "is no time for systemd"),
        (PYTHON, "postgresql", "Shop", "is not a short name"),
        (PYTHON, "reaches", ["api.example.org"], "is not a host with its port"),
        (PYTHON, "reaches", ["api.example.org:0"], "is not a host with its port"),
        (PYTHON, "reaches", ["api.example.org:65536"], "is not a host with its port"),
        (PYTHON, "reaches", ["*.example.org:443"], "it is a wildcard"),
        (PYTHON, "reaches", ["10.0.0.1:443"], "it is an address"),
        (PYTHON, "reaches", ["[::1]:443"], "is not a domain"),
        (PYTHON, "reaches", ["localhost:80"], "it has no dot"),
        (PYTHON, "reaches", ["https://api.example.org:443"], "it is a whole link"),
        (PYTHON, "reaches", ["api.example.org:443\nExecStart=/bin/sh:1"], "is not a domain"),
        (PYTHON, "reaches", ["api.example.org:443"] * 2, "stands here twice"),
        (NODE, "scripts", ["esbuild; id"], "is not the name of a package of npm"),
        (NODE, "wsgi", "shop:app", "Extra inputs"),
    ],
)
def test_what_could_be_misread_is_refused(site, setting, value, said):
    with pytest.raises(ValidationError, match=said):
        SITES.validate_python({**site, setting: value})
