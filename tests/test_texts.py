"""Every text that people see can be translated, and is."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polib
import pytest
from django.conf import settings

from whalefall.details import DETAILS, recognise
from whalefall.errors import CATALOGUE

ROOT = Path(settings.BASE_DIR)
CHINESE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
WORDED = ("detail", "reason")
NOT_PRODUCT = shutil.ignore_patterns(".*", "var", "tests", "benchmarks", "docs", "__pycache__")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> polib.POFile:
    """The catalogue as `manage.py makemessages` would leave it now."""
    copy = tmp_path_factory.mktemp("texts") / "copy"
    shutil.copytree(ROOT, copy, ignore=NOT_PRODUCT)
    (copy / "locale").mkdir(exist_ok=True)
    subprocess.run([sys.executable, "manage.py", "makemessages", "-l", "zh_Hans"], cwd=copy, check=True)
    return polib.pofile(str(copy / CHINESE))


@pytest.fixture(scope="module")
def committed() -> polib.POFile:
    """The catalogue of the repository."""
    return polib.pofile(str(ROOT / CHINESE))


def test_texts_that_are_only_marked_are_collected_too(collected: polib.POFile) -> None:
    texts = {entry.msgid for entry in collected if not entry.obsolete}
    for error in CATALOGUE:
        assert {error.text, error.hint} - {""} <= texts


def test_every_text_has_its_chinese(collected: polib.POFile) -> None:
    missing = [entry.msgid for entry in collected if not entry.obsolete and (entry.fuzzy or not entry.translated())]
    assert missing == []


def test_the_committed_catalogue_holds_the_texts_of_the_code_and_no_others(
    collected: polib.POFile, committed: polib.POFile
) -> None:
    keys = [{key(entry) for entry in catalogue if not entry.obsolete} for catalogue in (committed, collected)]
    assert keys[0] == keys[1], "manage.py makemessages -l zh_Hans"
    assert committed.obsolete_entries() == []


def test_the_compiled_catalogue_is_that_of_the_texts(committed: polib.POFile) -> None:
    """A fresh machine has no gettext, so the compiled form is committed."""
    compiled = polib.mofile(str(ROOT / CHINESE.with_suffix(".mo")))
    assert {key(entry): said(entry) for entry in compiled} == {key(entry): said(entry) for entry in committed}, (
        "manage.py compilemessages"
    )


def test_a_translation_fills_the_places_of_its_text_and_no_others(committed: polib.POFile) -> None:
    for entry in committed:
        for text in said(entry):
            assert places(text) == places(entry.msgid_plural or entry.msgid), entry.msgid


def test_a_translation_is_chinese_and_ends_as_its_text_does(committed: polib.POFile) -> None:
    same = {entry.msgid for entry in committed if not re.search("[一-鿿]", "".join(said(entry)))}
    assert same == {"TLS", "worker", "{sentence}: {counts}"}
    for entry in committed:
        for text in said(entry):
            assert text.endswith(("。", ">")) == entry.msgid.endswith((".", ">")) or "..." in entry.msgid, entry.msgid
            assert text.endswith("？") == entry.msgid.endswith("?"), entry.msgid


def test_what_our_own_code_says_as_a_detail_is_known_to_be_translated() -> None:
    """Every `detail=` and `reason=` that is written in these packages, with a word in each place."""
    where = ("dbms/**/*.py", "sessions_app/*.py", "classification/**/*.py")
    written = dict(literals(path) for pattern in where for path in ROOT.glob(pattern))
    phrases = {text for texts in written.values() for text in texts if " " in text}
    assert len(phrases) > 10
    assert {text for text in phrases if not recognise(text)[0]} == set()


def test_what_is_said_of_an_expression_is_known_to_be_translated() -> None:
    tree = ast.parse((ROOT / "classification/dsl/parse.py").read_text(encoding="utf-8"))
    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
    said = {ast.literal_eval(call.args[0]) for call in calls if call.func.id == "_refused"}
    assert len(said) > 10
    assert said - set(DETAILS) == set()


@pytest.mark.parametrize(
    ("text", "template", "places"),
    [
        ("vanished", "vanished", {}),
        ("the whole read took longer than 30 s", "the whole read took longer than {seconds} s", {"seconds": "30"}),
        ("expr.args[0].op is missing", "{path} is missing", {"path": "expr.args[0].op"}),
        ("it vanished", "", {}),
        ("the relation is missing", "", {}),
        ("", "", {}),
    ],
)
def test_only_words_of_our_own_are_recognised(text: str, template: str, places: dict[str, str]) -> None:
    assert recognise(text) == (template, places)


def key(entry: polib.POEntry) -> tuple[str, str]:
    return entry.msgid, entry.msgid_plural


def said(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def places(text: str) -> Counter[str]:
    """What a formatter would replace, and markup."""
    return Counter(re.findall(r"%\(\w+\)[.\d]*[sdf]|%[sd]|\{\w*\}|<[^>]+>|WHALEFALL_\w+", text))


def literals(path: Path) -> tuple[Path, set[str]]:
    """The texts given as `detail` or `reason` in a module; a place in an f-string becomes "7"."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    values = [word.value for word in ast.walk(tree) if isinstance(word, ast.keyword) and word.arg in WORDED]
    values += [
        assigned.value
        for assigned in ast.walk(tree)
        if isinstance(assigned, ast.Assign) and isinstance(name := assigned.targets[0], ast.Name) and name.id in WORDED
    ]
    for value in values:
        match value:
            case ast.Constant(value=str(text)):
                found.add(text)
            case ast.JoinedStr(values=parts):
                found.add("".join(part.value if isinstance(part, ast.Constant) else "7" for part in parts))
    return path, found
