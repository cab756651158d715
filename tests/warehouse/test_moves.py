"""What the engine moves in bulk is what `advance` would have moved one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.checks import CALM, doubt_move
from tracker.collect.parsing import judge_of, sort_records
from tracker.conditions import Condition
from tracker.records import Declaration, Offer, Quote, Record
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.retell import retell
from warehouse.store import Connection, migrate
from warehouse.versions import NEVER_CALM, Calm, identities, identity, row_texts

START = datetime(2026, 1, 1)  # noqa: DTZ001
TABLES = ("quote_now", "quote_past", "declaration_now", "declaration_past", "hold", "pass", "offer")

prices = st.sampled_from(["1", "1.5", "3.9", "4", "5", "12", "0.1", "100", "6000", "0.000000001"]).map(Decimal)
dates = st.sampled_from([None, START - timedelta(days=9), START + timedelta(days=2)])
quotes = st.builds(
    lambda name, component, amount, currency, since, until: Quote(
        Offer("p", name), component, amount, currency, "known", condition=Condition(None, None, "", since, until)
    ),
    st.sampled_from("abc"), st.sampled_from(["input", "output"]), prices, st.sampled_from(["USD", "USD", "CNY"]),
    dates, dates,
)  # fmt: skip
declarations = st.builds(
    lambda name, value: Declaration(Offer("p", name), "precision", value),
    st.sampled_from("abc"), st.sampled_from(["fp8", "bf16"]),
)  # fmt: skip
passes = st.lists(st.lists(quotes | declarations, max_size=7), min_size=2, max_size=8)


def facts_of(records: list[Record], number: int) -> PassFacts:
    when = START + timedelta(hours=13 * number)
    facts = PassFacts("s", "", when, when, [CaptureRow(number, "x", "", "", str(number), 1)])
    sort_records(facts, records, number)
    return facts


@cache
def _migrated() -> Connection:
    connection = duckdb.connect()
    migrate(connection)
    return connection


@contextmanager
def ledger() -> Iterator[Connection]:
    """An empty ledger; the same one each time, because making the views takes longer than all else."""
    connection = _migrated()
    yield connection
    for name in (*TABLES, "capture", "notice"):
        connection.execute(f"DELETE FROM core.{name}")


def stored(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: connection.execute(f"SELECT * FROM core.{name} ORDER BY ALL").fetchall() for name in TABLES}


def told(shelves: list[list[Record]], calm: Calm) -> tuple[list[Summary], dict[str, list[tuple[object, ...]]]]:
    with ledger() as connection:
        summaries = [append_pass(connection, facts_of(shelf, n), judge_of, calm) for n, shelf in enumerate(shelves)]
        return summaries, stored(connection)


@settings(max_examples=15, deadline=None)
@given(passes)
def test_bulk_moves_store_what_moves_one_by_one_store(shelves: list[list[Record]]) -> None:
    assert told(shelves, CALM) == told(shelves, NEVER_CALM)


@settings(max_examples=10, deadline=None)
@given(passes)
def test_live_passes_and_their_retelling_agree(shelves: list[list[Record]]) -> None:
    with ledger() as connection:
        for number, shelf in enumerate(shelves):
            append_pass(connection, facts_of(shelf, number), judge_of, CALM)
        before = stored(connection)
        every = (facts_of(shelf, number) for number, shelf in enumerate(shelves))
        retell(connection, "s", every, START + timedelta(days=99), judge_of)
        after = stored(connection)
    for name in ("quote_now", "quote_past", "declaration_now", "declaration_past"):
        assert after[name] == before[name]


@given(prices, st.decimals("0.26", "3.99", places=3), st.sampled_from(["USD", "EUR", "CNY"]))
def test_a_calm_move_is_one_that_no_check_doubts(old: Decimal, factor: Decimal, currency: str) -> None:
    new = old * factor
    assert new > CALM.ceiling or doubt_move(old, new, currency) is None


def test_ids_of_many_are_the_ids_of_each() -> None:
    facts = facts_of([Quote(Offer("p", "it's"), "input", Decimal("1.50"), "USD", raw="1")], 0)
    rows = facts.rows["quote"]
    [(key, row)] = rows.items()
    assert identities("s/quote", row_texts(rows), START) == [identity("s/quote", key, row.value, START)]


def test_every_quote_of_a_large_pass_moves() -> None:
    """Thousands at once: nothing doubled, nothing lost, each closed when the next opened."""
    shelf = [Quote(Offer("p", f"m{n}"), "input", Decimal(n + 1), "USD") for n in range(3_000)]
    dearer = [Quote(quote.offer, "input", (quote.amount or 0) * Decimal("1.1"), "USD") for quote in shelf]
    with ledger() as connection:
        append_pass(connection, facts_of(shelf, 0), judge_of, CALM)
        done = append_pass(connection, facts_of(dearer, 1), judge_of, CALM)
        assert (done.opened, done.closed, done.held) == (3_000, 3_000, 0)
        found = connection.execute(
            "SELECT count(*), count(DISTINCT offer_id), sum(n.amount / p.amount), bool_and(p.ended_at = n.observed_at) "
            "FROM core.quote_now n JOIN core.quote_past p USING (offer_id)"
        ).fetchone()
    assert found is not None and found[:2] == (3_000, 3_000) and found[3] and abs(found[2] - 3_300) < 0.01
