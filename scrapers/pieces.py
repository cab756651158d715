"""Catalogues read entry by entry, so that an entry which stands in the text as it did before is not read again.

A source whose entries can be read alone says so with `PIECES`: where the entries stand, how one is read (`read`), and
what only the whole can say (`gather`: which of two entries names an offer, how many rows had an unknown word). Its
`parse` is the same two functions over all entries, so reading by pieces cannot mean anything else. All pure.
"""

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress
from json.decoder import scanstring  # type: ignore[attr-defined]
from operator import attrgetter, is_not
from typing import Any

from scrapers.json_text import Figure, pointer
from tracker.records import Notice, Offer, Record

_DECODER = json.JSONDecoder(parse_float=Figure, parse_int=Figure, parse_constant=Figure)
_KEY, _LENGTH, _PART = attrgetter("key"), attrgetter("length"), attrgetter("part")
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

    @property
    def outline(self) -> tuple[object, ...]:
        """Everything `gather` may judge by: an entry with the outline of another takes its place in the whole."""
        counted = self.unread, self.unplaced, self.skipped, self.doubled
        return (self.key, self.rank, self.found, self.named, list(self.offers), *counted)


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
    """Cuts version after version of one catalogue; holds the text and the pieces of the latest only."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._text = ""
        self._before: list[Piece] = []
        self._starts: list[int] = []  # of each piece in the text, and where the last one ends
        self._at: dict[str, int] = {}
        self._place: Place | None = None

    def parts(self, body: bytes) -> list[Part] | None:
        """The parts of every entry, in order; None where only `parse` can say what the body is."""
        try:
            text = body.decode("utf-8-sig")
            opened = self._open(text)
            found = self._cut(text, *opened) if opened else []
        except (ValueError, StopIteration, IndexError, RecursionError):
            return None
        if not found or (found[0].key and len(set(map(_KEY, found))) != len(found)):
            return None
        assert opened
        self._text, self._before, self._at = text, found, {}
        self._starts = list(accumulate(map(_LENGTH, found), initial=opened[1]))
        return list(map(_PART, found))

    def _cut(self, text: str, place: Place, at: int) -> list[Piece]:
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
        return found if tail and tail[0].count("}") == len(place[0]) + (closer == "}") else []

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
        if expected >= len(self._before) or not text.startswith(self._before[expected].text, at):
            return expected, at
        start = self._starts[expected]
        end = start + _alike(self._text, start, text, at)
        beyond = min(bisect_right(self._starts, end), len(self._before)) - 1  # the last piece ends without a comma
        found += self._before[expected:beyond]
        return beyond, at + self._starts[beyond] - start

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


class Gathered:
    """Version after version of one catalogue as `gather` sees it, which is asked only where the whole may differ.

    `kept` are the parts that count in the latest version, `gone` and `come` those that the one before had or lacked.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._cutter, self._gather = Cutter(pieces), pieces.gather
        self.restart()

    def restart(self) -> None:
        """Let everything have come with the next version."""
        self.kept: list[Part] = []
        self.notices: Sequence[Notice] = ()
        self.gone: list[Part] = []
        self.come: list[Part] = []
        self._parts: list[Part] = []
        self._places: dict[int, int] = {}  # of the kept, by their identity

    def next(self, body: bytes) -> bool:
        """Move to a version; False, with nothing done, where only `parse` can say what it means."""
        parts = self._cutter.parts(body)
        if parts is None:
            return False
        if not self._swap(parts):
            kept, self.notices = self._gather(parts)
            stay, before = set(map(id, kept)), self._places.keys()
            self.gone = [part for part in self.kept if id(part) not in stay]
            self.come = [part for part in kept if id(part) not in before]
            self.kept, self._places = list(kept), {id(part): place for place, part in enumerate(kept)}
        self._parts = parts
        return True

    def _swap(self, parts: list[Part]) -> bool:
        """Where every entry that changed has the outline it had, each takes its own place again."""
        if len(parts) != len(self._parts) or len(self._places) != len(self.kept):  # one part kept twice has two places
            return False
        fresh = list(compress(zip(self._parts, parts, strict=True), map(is_not, self._parts, parts)))
        if not all(id(was) in self._places and was.outline == now.outline for was, now in fresh):
            return False
        self.gone, self.come = [was for was, _ in fresh], [now for _, now in fresh]
        for was, now in fresh:
            self._places[id(now)] = place = self._places.pop(id(was))
            self.kept[place] = now
        return True


def _alike(one: str, at: int, other: str, other_at: int) -> int:
    """How many characters two texts have in common from there on: strides that double, then a bisection."""
    same, stride = 0, 4096
    most = min(len(one) - at, len(other) - other_at)
    while same < most and one[at + same : at + same + stride] == other[other_at + same : other_at + same + stride]:
        same, stride = same + stride, stride * 2
    low, high = min(same, most), min(same + stride, most)
    while low < high:
        middle = (low + high + 1) // 2
        if one[at + low : at + middle] == other[other_at + low : other_at + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
