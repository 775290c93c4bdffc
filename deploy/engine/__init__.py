"""Reaches servers: connection, lock, journal, and pyinfra with a connector of our own."""
