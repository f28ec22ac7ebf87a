"""Sizes as people write and read them."""

from __future__ import annotations

import pytest

from capacity import units
from whalefall.errors import ValidationFailed


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500 GB", 500 * 1024**3),
        ("1.5TiB", 1536 * 1024**3),
        (" 800m ", 800 * 1024**2),
        ("1 b", 1),
        ("0.5 KB", 512),
        ("8191 pb", 8191 * 1024**5),
    ],
)
def test_a_written_size_is_understood(text, size):
    assert units.parse(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "500", "GB", "-1 GB", "1,5 TB", "1 GB 2", "0 GB", "0.1 B", "8192 PB", "1 EB", "１ GB", "1e3 GB", "1..5 GB"],
)
def test_what_is_no_size_is_refused_not_guessed(text):
    with pytest.raises(ValidationFailed):
        units.parse(text)


@pytest.mark.parametrize("size", [1, 1023, 1024, 1536, 500 * 1024**3, 3 * 1024**5, 2**63 - 1])
def test_an_exact_size_says_the_same_again(size):
    assert units.parse(units.exact(size)) == size
