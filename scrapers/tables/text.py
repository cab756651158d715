"""Text of a capture as a reader sees it, and the words a page must (not) say for its numbers to mean what we think."""

import re
import unicodedata

from tracker.errors import ParseError

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad\u00b9\u00b2\u00b3\u2070-\u2079\u2080-\u2089]")


def clean(text: str) -> str:
    """Text as a reader sees it: no footnote marks or invisible characters, one space, full-width forms made plain."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return " ".join(text.replace("\u2212", "-").split())


def text_of(body: bytes) -> str:
    """UTF-8 text of a capture; NUL bytes (seen in one recording) are dropped."""
    try:
        return body.decode("utf-8-sig").replace("\x00", "")
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 text: byte {error.start}") from error


def require(text: str, *patterns: str) -> None:
    """The page must still say these things (unit and currency words) or its numbers mean something else."""
    for pattern in patterns:
        if not re.search(pattern, text, re.IGNORECASE):
            raise ParseError(f"the page no longer says {pattern!r}: unit or currency unproven")


OTHER_MONEY = (
    r"prices? (?:are )?in (?-i:(?!USD)[A-Z]{3}\b)|(?-i:\b(?!USD)[A-Z]{3}) per 1M tokens"  # "$" may be any dollar
)


def refuse(text: str, *patterns: str) -> None:
    """Words that contradict the declared unit or currency."""
    for pattern in patterns:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            raise ParseError(f"the page says {found.group()!r}, which contradicts the declared unit or currency")
