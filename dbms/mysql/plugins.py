"""Keeps the client library from sending a password as it is to a server that could be anybody.

A server may ask for another way to log in, and the library loads whatever plugin that takes; two of them, for PAM and
LDAP, send the password in plain text. It loads them from one directory, so it gets one without these. (Its own option
for it, restricted-auth, ends the process by a segmentation fault in Connector/C 3.3.20.)
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

CHALLENGED = ("caching_sha2_password", "client_ed25519", "parsec", "sha256_password")  # native is built in
LIBRARY = re.compile(r"/\S*/libmariadb\.so\S*")
FOLDERS = ("libmariadb3/plugin", "mariadb/plugin", "plugin")  # beside the library: Debian, Red Hat, others


def without_plain_passwords() -> str:
    """The name of an options file for the driver, made once in each process."""
    return str(_options(os.getpid())[0])


@cache
def _options(_pid: int) -> tuple[Path, TemporaryDirectory[str]]:
    directory = TemporaryDirectory(prefix="whalefall-plugins-")  # goes with the process
    home = Path(directory.name)
    for plugin in _installed():
        (home / plugin.name).symlink_to(plugin)
    options = home / "client.cnf"
    options.write_text(f"[client]\nplugin-dir={home}\n", encoding="utf-8")
    return options, directory


def _installed() -> list[Path]:
    """The plugins that answer a challenge, beside the library that the driver has loaded."""
    loaded = LIBRARY.search(Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace"))
    if loaded is None:  # another library, or one inside the driver: it has its plugins inside too
        return []
    beside = [Path(loaded[0]).parent / folder for folder in FOLDERS]
    return [path for folder in beside for name in CHALLENGED if (path := folder / f"{name}.so").is_file()]
