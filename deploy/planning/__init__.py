"""Org -> Plan: who provides what to whom, and every file that follows; touches nothing, asks nobody."""
