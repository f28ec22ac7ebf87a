"""Stored values as a person reads them. Pure functions; templates only lay them out.

Driven by the shapes of the values like `changes`, so that a new category needs no line here.
"""
