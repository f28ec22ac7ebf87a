"""Every text that people see can be translated, and is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.conf import settings

from whalefall.errors import CATALOGUE

ROOT = Path(settings.BASE_DIR)
CHINESE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
NOT_PRODUCT = shutil.ignore_patterns(".*", "var", "tests", "benchmarks", "docs", "__pycache__")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> polib.POFile:
    """The catalogue as `manage.py makemessages` would leave it now."""
    copy = tmp_path_factory.mktemp("texts") / "copy"
    shutil.copytree(ROOT, copy, ignore=NOT_PRODUCT)
    (copy / "locale").mkdir(exist_ok=True)
    subprocess.run([sys.executable, "manage.py", "makemessages", "-l", "zh_Hans"], cwd=copy, check=True)
    return polib.pofile(str(copy / CHINESE))


def test_texts_that_are_only_marked_are_collected_too(collected: polib.POFile) -> None:
    texts = {entry.msgid for entry in collected if not entry.obsolete}
    for error in CATALOGUE:
        assert {error.text, error.hint} - {""} <= texts


@pytest.mark.skipif(not (ROOT / CHINESE).exists(), reason="there is no Chinese catalogue yet")
def test_every_text_has_its_chinese(collected: polib.POFile) -> None:
    missing = [entry.msgid for entry in collected if not entry.obsolete and (entry.fuzzy or not entry.translated())]
    assert missing == []
