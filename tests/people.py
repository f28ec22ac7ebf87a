"""Who uses the pages and the API in tests: a person of each role."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.test import APIClient


def person(role: str, *, password: str | None = None) -> User:
    """A user who may enter the admin, with one of the product's roles; `nobody` has none, `root` is a superuser.

    Without a password, which takes long to hash, only force_login() works.
    """
    if known := User.objects.filter(username=role).first():
        return known
    if role == "root":
        return User.objects.create_superuser(role, password=password)
    user = User.objects.create_user(role, password=password, is_staff=True)
    if role != "nobody":
        user.groups.add(Group.objects.get(name=role))
    return user


def api(role: str) -> APIClient:
    """An API client that is logged in as somebody of a role."""
    client = APIClient()
    client.force_login(person(role))
    return client


def browser(role: str) -> Client:
    """A browser without scripts, logged in as somebody of a role."""
    client = Client()
    client.force_login(person(role))
    return client
