"""Talks to people: one file per verb, no decisions."""
