"""The report's own words, in the reader's language. Text from outside is a value of a sentence, never a template."""

from dataclasses import dataclass

from reports.chinese import SENTENCES
from tracker.errors import UsageError

LANGUAGES = {"en": {}, "zh": SENTENCES}


@dataclass(frozen=True, slots=True)
class Words:
    """One language. English templates are their own keys."""

    lang: str

    def __call__(self, template: str, /, **values: object) -> str:
        return LANGUAGES[self.lang].get(template, template).format(**values)

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        return self(one if count == 1 else many, count=f"{count:,}", **values)


def words_of(lang: str) -> Words:
    if lang not in LANGUAGES:
        raise UsageError(f"no reports in {lang!r}: choose one of {', '.join(LANGUAGES)}")
    return Words(lang)
