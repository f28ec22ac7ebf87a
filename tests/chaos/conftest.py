"""Everything here runs real worker hosts on a real PostgreSQL of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.site import Site
from whalefall.demo import servers


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    with servers.postgresql(binaries) as database:
        yield lambda **environment: Site(tmp_path, database, **environment)
