"""Doubles of the servers that cannot be installed for a test."""
