"""Reading by pieces means what reading the whole means: on recordings, version after version, and on torn bodies."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scrapers.pieces import Cutter, Gathered, Part, Pieces, records_of_parts
from scrapers.source import source_module
from tests.scrapers.corpus import capture, marks, read_corpus, versions
from tracker.errors import ParseError
from tracker.records import Notice, Record

SERIES = (
    ("litellm_catalogue", "series/litellm_rocry.jsonl.zst", 60),
    ("litellm_catalogue", "series/litellm_tokencost.jsonl.zst", 12),
    ("openrouter_models", "series/openrouter_models_skissue.jsonl.zst", 20),
    ("genai_prices", "series/genai_prices_data.jsonl.zst", 20),
)
SNAPSHOTS = (
    ("modelsdev", "snapshots/modelsdev_api.json.zst"),
    ("portkey", "snapshots/portkey_pricing_all.json.zst"),
    ("genai_prices", "snapshots/genai_prices_v2_head.json.zst"),
    ("litellm_catalogue", "snapshots/litellm_2026-08.json.zst"),
)
PAGES = Path(__file__).parent / "pages"


def pieces_of(source_id: str) -> Pieces:
    found = getattr(source_module(source_id), "PIECES", None)
    assert isinstance(found, Pieces)
    return found


def by_pieces(source_id: str, cutter: Cutter, body: bytes) -> list[Record] | None:
    parts = cutter.parts(body)
    return None if parts is None else list(records_of_parts(*pieces_of(source_id).gather(parts)))


def placeless(records: list[Record]) -> list[Record]:
    """Without locators: an element of a list that moved keeps the place where it was first read."""
    return [replace(record, locator="") if hasattr(record, "locator") else record for record in records]


@pytest.mark.parametrize(
    "source_id,name,every", [pytest.param(*row, id=row[1].split("/")[1], marks=marks(row[1])) for row in SERIES]
)
def test_a_series_says_the_same_by_pieces(source_id: str, name: str, every: int) -> None:
    gathered, reused = Gathered(pieces_of(source_id)), 0
    before: list[Part] = []
    for observed_at, body in versions(name, every):
        if not gathered.next(body):  # torn, or a key stands twice: only the parser can say
            continue
        whole = list(source_module(source_id).parse(capture(source_id, body, observed_at[:10])))
        assert placeless(list(records_of_parts(gathered.kept, gathered.notices))) == placeless(whole)
        stayed = set(map(id, before)) - set(map(id, gathered.gone))
        assert set(map(id, gathered.kept)) == stayed | set(map(id, gathered.come))
        reused += len(stayed)
        before = list(gathered.kept)
    assert reused > 0


@pytest.mark.parametrize("source_id,name", [pytest.param(*row, id=row[0], marks=marks(row[1])) for row in SNAPSHOTS])
def test_a_recorded_answer_says_the_same_by_pieces(source_id: str, name: str) -> None:
    body = read_corpus(name)
    whole = list(source_module(source_id).parse(capture(source_id, body)))
    assert by_pieces(source_id, Cutter(pieces_of(source_id)), body) == whole


@pytest.mark.parametrize("page", ["litellm_catalogue", "modelsdev", "genai_prices", "openrouter_models"])
def test_edited_and_torn_bodies_say_the_same_or_are_left_to_the_parser(page: str) -> None:
    """Random cuts, doubled stretches and swapped characters; the cutter remembers the healthy version."""
    dice, text = random.Random(5), (PAGES / f"{page}.json").read_text(encoding="utf-8")
    cutter, read = Cutter(pieces_of(page)), 0
    assert cutter.parts(text.encode()) is not None
    for _ in range(400):
        body = _spoiled(text, dice).encode()
        whole = _whole(page, body)
        try:
            found = by_pieces(page, cutter, body)
        except ParseError:
            assert whole is None
            continue
        if found is not None:
            assert whole is not None
            assert placeless(found) == placeless(whole)
            read += 1
        cutter.parts(text.encode())
    assert read > 20


def _whole(page: str, body: bytes) -> list[Record] | None:
    try:
        return list(source_module(page).parse(capture(page, body)))
    except ParseError:
        return None


def _spoiled(text: str, dice: random.Random) -> str:
    at, length = dice.randrange(len(text)), dice.randrange(1, 12)
    kind = dice.randrange(4)
    if kind == 0:
        return text[:at] + text[at + length :]
    if kind == 1:
        return text[:at] + text[at : at + length] + text[at:]
    if kind == 2:
        return text[:at] + dice.choice('0123456789,{}[]": ') + text[at + 1 :]
    return json.dumps(json.loads(text), indent=dice.choice((None, 1, 4)))


def _numbers() -> Pieces:
    """A source whose entries are bare numbers: the shapes in which one text is the start of another."""

    def read(root: str, key: str, _index: int, value: object) -> Part:
        return Part(key, (Notice("n", f"{key}={value}", root),))

    return Pieces((((), "{"), ((), "[")), read, lambda parts: (parts, ()))


def test_one_entry_being_the_start_of_another_is_no_match() -> None:
    cutter = Cutter(_numbers())

    def texts(body: str) -> list[str] | None:
        parts = cutter.parts(body.encode())
        return (
            None if parts is None else [part.records[0].text for part in parts if isinstance(part.records[0], Notice)]
        )

    assert texts('{"a":1,"b":2}') == ["a=1", "b=2"]
    assert texts('{"a":1,"b":22}') == ["a=1", "b=22"]
    assert texts('{"a":1,"b":2,"c":3}') == ["a=1", "b=2", "c=3"]
    assert texts('{"c":3}') == ["c=3"]
    assert texts('{"c":3,"c":4}') is None  # the parser decides which one counts
    assert texts('{"c":3,}') is None
    assert texts('{"c":3}}') is None
    assert texts("[1,1,12]") == ["=1", "=1", "=12"]
    assert texts("[1,12]") == ["=1", "=12"]
    assert texts("[]") is None


def test_an_entry_that_stays_is_read_once() -> None:
    cutter = Cutter(_numbers())
    first = cutter.parts(b'{"a": {"x": 1}, "b": 2, "c": 3}')
    second = cutter.parts(b'{"new": 0, "a": {"x": 1}, "c": 3}')
    assert first
    assert second
    assert [part.key for part in second] == ["new", "a", "c"]
    assert second[1] is first[0]
    assert second[2] is first[2]


def test_gather_is_asked_only_where_the_whole_may_differ() -> None:
    asked = []

    def gather(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Notice]]:
        asked.append([part.key for part in parts])
        return [part for part in parts if part.key != "b"], ()

    gathered = Gathered(replace(_numbers(), gather=gather))
    told = []
    for body in (b'{"a":1,"b":2,"c":3}', b'{"a":1,"b":2,"c":4}', b'{"a":1,"b":5,"c":4}', b'{"a":1,"b":5,"d":4}'):
        assert gathered.next(body)
        told.append(([part.key for part in gathered.gone], [part.key for part in gathered.come]))
    assert told == [([], ["a", "c"]), (["c"], ["c"]), ([], []), (["c"], ["d"])]
    assert asked == [["a", "b", "c"], ["a", "b", "c"], ["a", "b", "d"]]  # the change of c alone was no question


def test_one_entry_twice_is_left_to_gather() -> None:
    gathered = Gathered(_numbers())
    for body, kept in ((b"[1,1,2]", 3), (b"[3,3,2]", 3), (b"[3,4,2]", 3), (b"[3,4,2,4]", 4)):
        assert gathered.next(body)
        assert len(gathered.kept) == kept


def test_labelled_captures_are_not_cut() -> None:
    """A label says that the body is laid out in another way: one provider's file has models where others have files."""
    from tracker.collect.piecewise import Memory
    from warehouse.passes import PassFacts

    module, bodies = source_module("portkey"), {}
    for label, page in (("openai", "portkey.openai.json"), ("", "portkey-all-in-one.json")):
        given = capture("portkey", (PAGES / page).read_bytes(), label=label)
        facts = PassFacts("portkey", "corpus", given.observed_at, given.observed_at)
        bodies[label] = Memory(module).tell(given, facts, 1), len(facts.rows["quote"])
    assert bodies["openai"] == (None, 0)
    assert bodies[""][1] > 0
