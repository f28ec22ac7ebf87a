"""A double of an Oracle server: Oracle Net and TTC on the wire, a data dictionary in SQLite behind it."""
