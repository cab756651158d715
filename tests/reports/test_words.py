"""Every sentence of the report has its Chinese counterpart, with the same figures in it."""

import ast
import re
from pathlib import Path

import pytest

import reports
from reports.site import DOWNLOADS
from reports.weekly import write_report
from reports.words import sentences, words_of
from tracker.errors import UsageError
from tracker.settings import Home

SENTENCES = sentences("zh")
FOLDER = Path(reports.__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_TEMPLATE = re.compile(r"say\((?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)')")


def spoken() -> set[str]:
    """The first argument of every say(...) in code and templates."""
    found = set(DOWNLOADS.values())
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    for file in (FOLDER / "templates").glob("*.j2"):
        found |= {one or other for one, other in _TEMPLATE.findall(file.read_text())}
    return found


def test_no_sentence_is_missing_or_left_over() -> None:
    assert spoken() == set(SENTENCES)


def test_the_same_figures_stand_in_both() -> None:
    for english, chinese in SENTENCES.items():
        assert sorted(_SLOT.findall(english)) == sorted(_SLOT.findall(chinese)), english


def test_a_chinese_report_is_written_beside_the_english_one(home: Home) -> None:
    paths = write_report(home, "2026-W30", "zh")
    text = paths.html.read_text()
    assert paths.html.name == "2026-W30.zh.html"
    assert '<html lang="zh-Hans">' in text and "降价与涨价" in text and "促销开始" in text
    assert "Cuts and rises" not in text


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UsageError, match="'fr'"):
        words_of("fr")
