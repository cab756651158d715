"""The report's own words, in the reader's language. Text from outside is a value of a sentence, never a template."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tracker.errors import UsageError

GAPS = {"en": (" ", "; ", ", "), "zh": ("", "；", "、")}  # between sentences, clauses, items
LANGUAGES = {"en": "", "zh": "chinese.toml"}  # English templates are their own keys


@cache
def sentences(lang: str) -> Mapping[str, str]:
    """English template -> the same in this language."""
    name = LANGUAGES[lang]
    return tomllib.loads((files("reports") / name).read_text("utf-8")) if name else {}


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    lang: str

    def __call__(self, template: str, /, **values: object) -> str:
        return sentences(self.lang).get(template, template).format(**values)

    def sentences(self, parts: Iterable[str]) -> str:
        return GAPS[self.lang][0].join(parts)

    def clauses(self, parts: Iterable[str]) -> str:
        return GAPS[self.lang][1].join(parts)

    def items(self, parts: Iterable[str]) -> str:
        return GAPS[self.lang][2].join(parts)


def words_of(lang: str) -> Words:
    if lang not in LANGUAGES:
        raise UsageError(f"no reports in {lang!r}: choose one of {', '.join(LANGUAGES)}")
    return Words(lang)
