"""Who uses the pages and the API in tests: a person of each role."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.test import APIClient


def person(role: str, name: str = "") -> User:
    """A user who may enter the admin, with one of the product's roles; `nobody` has none, `root` is a superuser."""
    name = name or role
    if role == "root":
        return User.objects.create_superuser(name, password="secret")
    user = User.objects.create_user(name, password="secret", is_staff=True)
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
