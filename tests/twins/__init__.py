"""Doubles of servers that cannot be installed on a build machine, for the real drivers to connect to."""
