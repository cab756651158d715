"""Catalogues read entry by entry, so that an entry which stands in the text as it did before is not read again.

A source whose entries can be read alone says so with `PIECES`: where the entries stand, how one is read (`read`), and
what only the whole can say (`gather`: which of two entries names an offer, how many rows had an unknown word). Its
`parse` is the same two functions over all entries, so reading by pieces cannot mean anything else. All pure.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from scrapers.json_text import Figure, pointer
from tracker.records import Notice, Offer, Record

_DECODER = json.JSONDecoder(parse_float=Figure, parse_int=Figure, parse_constant=Figure)
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")

Place = tuple[tuple[str, ...], str]  # keys that lead to the entries, and "{" for members or "[" for elements


@dataclass(slots=True, eq=False)
class Part:
    """What one entry says, and what the whole needs to know of it."""

    key: str
    records: Sequence[Record] = ()
    unread: Counter[str] = field(default_factory=Counter)
    unplaced: Counter[str] = field(default_factory=Counter)  # counted even where another entry names the same offer
    skipped: Counter[str] = field(default_factory=Counter)
    named: frozenset[Offer] = frozenset()  # the offer it is about
    found: bool = False  # it has what every answer of this source has somewhere
    rank: tuple[bool, str] = (False, "")  # its place among entries that name one offer
    offers: dict[Offer, "Part"] = field(default_factory=dict)  # an entry of many offers: what it says of each
    doubled: int = 0  # how often it names an offer again
    told: object = None  # what a reader of many versions made of it


@dataclass(frozen=True, slots=True)
class Pieces:
    """`places` says where the entries may stand, the innermost first.

    `read` takes the pointer of the container, the entry's key ("" in a list), its index and its value.
    """

    places: tuple[Place, ...]
    read: Callable[[str, str, int, Any], Part]
    gather: Callable[[Sequence[Part]], tuple[Sequence[Part], Sequence[Notice]]]


def records_of_parts(kept: Sequence[Part], notices: Sequence[Notice]) -> Iterator[Record]:
    """Everything a gathered whole says, in order."""
    for part in kept:
        yield from part.records
    yield from notices


@dataclass(slots=True, eq=False)
class Piece:
    """One entry with the comma that follows it; `part` is what was read from it."""

    key: str
    text: str
    last: bool
    part: Part
    length: int


class Cutter:
    """Cuts version after version of one catalogue; holds the pieces of the latest only."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._before: list[Piece] = []
        self._at: dict[str, int] = {}
        self._place: Place | None = None

    def parts(self, body: bytes) -> list[Part] | None:
        """The parts of every entry, in order; None where only `parse` can say what the body is."""
        try:
            found = self._cut(body.decode("utf-8-sig"))
        except (ValueError, StopIteration, IndexError, RecursionError):
            return None
        if not found or (found[0].key and len({piece.key for piece in found}) != len(found)):
            return None
        self._before, self._at = found, {}
        return [piece.part for piece in found]

    def _cut(self, text: str) -> list[Piece] | None:
        opened = self._open(text)
        if opened is None:
            return None
        place, at = opened
        if place != self._place:
            self._before, self._at, self._place = [], {}, place
        closer = "}" if place[1] == "{" else "]"
        found: list[Piece] = []
        expected = 0
        while not found or not found[-1].last:
            expected, at = self._run(text, at, expected, found)
            guess = self._as_before(text, at, expected, closer)
            piece = self._before[guess] if guess >= 0 else self._piece(text, at, place, len(found))
            expected = guess + 1 if guess >= 0 else self._index().get(piece.text, expected - 1) + 1
            found.append(piece)
            at += len(piece.text)
        tail = re.compile(r"[ \t\r\n]*" + re.escape(closer) + r"[ \t\r\n}]*").fullmatch(text, at)
        return found if tail and tail[0].count("}") == len(place[0]) + (closer == "}") else None

    def _open(self, text: str) -> tuple[Place, int] | None:
        """Where the first entry starts; the containers around it may hold nothing else."""
        for path, opener in self._pieces.places:
            steps = "".join(rf'\{{\s*"{re.escape(step)}"\s*:\s*' for step in path)
            match = re.compile(rf"\s*{steps}{re.escape(opener)}\s*").match(text)
            if match:
                return (path, opener), match.end()
        return None

    def _run(self, text: str, at: int, expected: int, found: list[Piece]) -> tuple[int, int]:
        """Take over the pieces that follow each other here as they did before; where the first other one starts."""
        starts, add = text.startswith, found.append
        for piece in islice(self._before, expected, None):
            if piece.last or not starts(piece.text, at):
                break
            add(piece)
            at += piece.length
            expected += 1
        return expected, at

    def _as_before(self, text: str, at: int, expected: int, closer: str) -> int:
        """The piece of the version before that stands here again: the next one, or the one after it."""
        for guess in (expected, expected + 1):
            if guess < len(self._before) and text.startswith(self._before[guess].text, at):
                piece = self._before[guess]
                if not piece.last or text.startswith(closer, _end(_SPACE, text, at + len(piece.text))):
                    return guess
        return -1

    def _piece(self, text: str, start: int, place: Place, index: int) -> Piece:
        """The entry that starts here: a known one that moved, or one to be read. ValueError where there is none."""
        path, opener = place
        closer, key, at = "}" if opener == "{" else "]", "", start
        if opener == "{":
            if text[at] != '"':
                raise ValueError("a member without a key")
            key, at = scanstring(text, at + 1)
            if not path and any(other[:1] == (key,) for other, _ in self._pieces.places):
                raise ValueError("the entries stand further inside")
            colon = _COLON.match(text, at)
            if not colon:
                raise ValueError("a key without a value")
            at = colon.end()
        value, end = _DECODER.raw_decode(text, at)
        comma = _COMMA.match(text, end)
        if not comma and not text.startswith(closer, _end(_SPACE, text, end)):
            raise ValueError("no comma after an entry")
        raw = text[start : comma.end() if comma else end]
        known = self._index().get(raw)
        if known is not None:
            return self._before[known]
        return Piece(key, raw, not comma, self._pieces.read(pointer(*path), key, index, value), len(raw))

    def _index(self) -> dict[str, int]:
        if not self._at and self._before:
            self._at = {piece.text: index for index, piece in enumerate(self._before)}
        return self._at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
