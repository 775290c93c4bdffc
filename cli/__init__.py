"""Talks to people: one file per verb, no decisions."""

import os

# pydantic would look through every installed package for plugins of its own: a tenth of a second at each start, and
# code of strangers. It reads this when it is imported, which typer does too.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
