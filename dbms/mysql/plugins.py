"""Keeps the client library from ever sending a password as it is.

A server may ask for another way to log in, and the library loads whatever plugin that takes; two of them, for PAM and
LDAP, send the password in plain text. It loads them from one directory, so it gets one without these: for every
connection, because what was loaded once stays loaded. (Its own option for it, restricted-auth, ends the process by a
segmentation fault in Connector/C 3.3.20.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

CHALLENGED = ("caching_sha2_password", "client_ed25519", "parsec", "sha256_password")  # native is built in
LIBRARY = re.compile(r"/\S*/libmariadb\.so\S*")
FOLDERS = ("libmariadb3/plugin", "mariadb/plugin", "plugin")  # beside the library: Debian, Red Hat, others


@contextmanager
def without_plain_passwords() -> Iterator[str]:
    """The name of an options file for the driver, for as long as connecting takes."""
    with TemporaryDirectory(prefix="whalefall-plugins-") as home:
        for plugin in _installed():
            Path(home, plugin.name).symlink_to(plugin)
        options = Path(home, "client.cnf")
        options.write_text(f"[client]\nplugin-dir={home}\n", encoding="utf-8")
        yield str(options)


@cache
def _installed() -> tuple[Path, ...]:
    """The plugins that answer a challenge, beside the library that the driver has loaded."""
    loaded = LIBRARY.search(Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace"))
    if loaded is None:  # another library, or one inside the driver: it has its plugins inside too
        return ()
    beside = [Path(loaded[0]).parent / folder for folder in FOLDERS]
    return tuple(path for folder in beside for name in CHALLENGED if (path := folder / f"{name}.so").is_file())
