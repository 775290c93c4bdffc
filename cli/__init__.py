"""Talks to people: one file per verb, no decisions."""

import gc
import os

# What is loaded at the start stays: to look through it for garbage again and again takes a tenth of that time.
gc.set_threshold(100_000, 50, 50)

# pydantic would look through every installed package for plugins of its own: a tenth of a second at each start, and
# code of strangers. It reads this when it is imported, which typer does too.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
