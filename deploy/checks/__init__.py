"""Asks whether the world is as the plan says: on the servers over SSH, and from outside."""
