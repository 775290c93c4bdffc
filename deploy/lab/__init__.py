"""Disposable Debian 13 machines (boxes), and a small internet for them (the lab)."""
