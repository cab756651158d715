"""Collecting over real HTTP into a real DuckDB file: what is kept, held, refused, and that nothing stops the others."""

import json
from decimal import Decimal

import duckdb
import pytest

from scrapers import archive
from tests.shop import Shop, register, source, stock
from tracker.backfill.telling import reparse
from tracker.collect import run as collecting
from tracker.collect.run import collect
from tracker.collect.spool import spool_files
from tracker.explain.evidence import chains
from tracker.settings import Home
from warehouse.history import open_history
from warehouse.passes import Summary


def run(home: Home) -> dict[str, Summary]:
    return {summary.source_id: summary for summary in collect(home, loopback=True)}


def ask(home: Home, sql: str) -> list[tuple[object, ...]]:
    with open_history(home.history) as history:
        return [tuple(row.values()) for row in history.rows(sql)]


def everything(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """The content of every public view but the ones that count passes."""
    with open_history(home.history) as history:
        views = history.rows("SELECT view_name AS v FROM duckdb_views() WHERE NOT internal ORDER BY 1")
        names = [str(row["v"]) for row in views if row["v"] not in ("passes", "sources", "clock", "offers")]
        return {
            name: [tuple(row.values()) for row in history.rows(f"SELECT * FROM {name} ORDER BY ALL")] for name in names
        }


def test_a_price_can_be_traced_to_the_bytes_it_was_read_from(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = stock(fast=("0.5", "1.5"))
    shop.put("a", body)
    register(monkeypatch, source("a", shop.url("a")))
    assert run(home)["a"].opened == 4
    [chain] = [text for text in chains(home, "a/fast") if " output " in text]
    assert "= 1.5 USD per mtok" in chain
    assert archive.digest_of(body) in chain and "hash verified" in chain
    assert shop.url("a") in chain and '"out": "1.5e-06"' in chain


def test_the_same_pass_again_adds_one_row_and_nothing_else(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("a", stock(fast=("0.5", "1.5")))
    register(monkeypatch, source("a", shop.url("a")))
    run(home)
    before = everything(home)
    assert not run(home)["a"].changed
    assert everything(home) == before
    assert ask(home, "SELECT count(*) FROM passes") == [(2,)]


def test_an_unchanged_page_is_asked_for_conditionally(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("a", stock(), ETag='"v1"')
    register(monkeypatch, source("a", shop.url("a")))
    run(home)
    assert run(home)["a"].outcome == "good"
    last = [headers for path, headers in shop.asked if path == "a"][-1]
    assert last["If-None-Match"] == '"v1"'
    assert last["User-Agent"].startswith("inference-price-tracker/")


BROKEN = {
    "html": lambda shop: shop.put("bad", b"<html>Sign in</html>", Content_Type="text/html"),
    "empty list": lambda shop: shop.put("bad", b"[]"),
    "nul bytes": lambda shop: shop.put("bad", b"\0" * 300),
    "renamed column": lambda shop: shop.put("bad", stock().replace(b'"out"', b'"output"')),
    "a thousand times off": lambda shop: shop.put(
        "bad", json.dumps([{"id": "anchor-model", "in": 0.002, "out": 0.004}] * 2).encode()
    ),
    "torn gzip": lambda shop: shop.torn_gzip("bad", stock()),
    "200 MB": lambda shop: shop.endless("bad", 200),
    "not found": lambda shop: shop.status("bad", 404),
    "server error": lambda shop: shop.status("bad", 500),
    "redirect in circles": lambda shop: shop.status("bad", 302, Location="/bad"),
    "redirect away from https": lambda shop: shop.status("bad", 302, Location="ftp://127.0.0.1/x"),
    "redirect to a private address": lambda shop: shop.status("bad", 302, Location="http://10.0.0.1/x"),
    "robots": lambda shop: (shop.put("bad", stock()), shop.put("robots.txt", b"User-agent: *\nDisallow: /bad")),
    "deep nesting": lambda shop: shop.put("bad", b"[" * 200_000),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_source_is_one_clear_row_and_loses_nothing(
    what: str, home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("good", shop.url("good")), source("bad", shop.url("bad")))
    shop.put("good", stock(fast=("0.5", "1.5")))
    shop.put("bad", stock(slow=("3", "9")))
    run(home)
    shop.put("good", stock(fast=("0.4", "1.5")))
    BROKEN[what](shop)
    summaries = run(home)
    assert summaries["good"].opened == 1
    assert summaries["bad"].outcome == "failed" and 0 < len(summaries["bad"].problem) < 400
    assert "\n" not in summaries["bad"].problem
    assert ask(home, "SELECT output FROM offers WHERE offer = 'bad/slow'") == [(Decimal(9),)]
    assert ask(home, "SELECT last_outcome FROM sources WHERE source_id = 'bad'") == [("failed",)]


@pytest.mark.parametrize("price", ["NaN", "-1", "1e-400", "abc", None, "1e300"])
def test_a_bad_row_is_a_notice_and_the_rest_goes_on(
    price: object, home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*json.loads(stock(fast=("1", "2"))), {"id": "odd", "in": price, "out": "1e-6"}]
    shop.put("a", json.dumps(rows).encode())
    register(monkeypatch, source("a", shop.url("a")))
    assert run(home)["a"].opened == 5
    [(kind, _)] = ask(home, "SELECT kind, text FROM notices")
    assert kind == "bad_row"
    assert ask(home, "SELECT count(*) FROM quotes WHERE listed_name = 'odd' AND component = 'input'") == [(0,)]


def test_a_shrunken_page_does_not_delist(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"m{index}": ("1", "2") for index in range(10)}
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock(**many))
    run(home)
    shop.put("a", stock())
    assert run(home)["a"].outcome == "shrunk"
    assert ask(home, "SELECT count(*) FROM offers") == [(11,)]
    for _ in range(3):
        assert run(home)["a"].outcome == "good"
    assert ask(home, "SELECT count(*) FROM offers") == [(1,)]
    assert ask(home, "SELECT DISTINCT kind FROM price_changes") == [("removed",)]


def test_a_big_cut_is_held_and_a_second_source_settles_it(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = source("w", shop.url("w"), anchors=(), min_rows=1)
    register(monkeypatch, source("a", shop.url("a")), witness)
    shop.put("a", stock(deep=("20", "20")))
    shop.put("w", b'[{"id": "x", "in": "1e-6", "out": "1e-6"}]')
    run(home)
    shop.put("a", stock(deep=("0.5", "2")))
    assert run(home)["a"].held == 2
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'deep'") == [(Decimal(20),)]
    shop.put("w", b'[{"by": "a", "id": "deep", "in": "0.5e-6", "out": "2e-6"}]')
    run(home)
    run(home)
    assert ask(home, "SELECT input, output FROM offers WHERE listed_name = 'deep'") == [(Decimal("0.5"), Decimal(2))]
    assert ask(home, "SELECT DISTINCT state, decided_by FROM held") == [("admitted", "others agree")]
    cut = ask(home, "SELECT round(change, 3) FROM price_changes WHERE kind = 'cut' AND component = 'input'")
    assert cut == [(-0.975,)]


def test_a_busy_writer_leaves_the_pass_in_the_spool(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    from tracker.errors import BusyError

    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock())
    home.root.mkdir(parents=True)
    monkeypatch.setattr(collecting, "WRITER_WAIT_S", 0.1)
    with filelock.FileLock(home.write_lock), pytest.raises(BusyError):
        collect(home, loopback=True)
    assert len(spool_files(home)) == 1
    assert run(home)["a"].row_count == 2
    assert ask(home, "SELECT count(*) FROM passes") == [(2,)]
    assert not spool_files(home)


def test_reparse_tells_the_same_story(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    for price in ("1", "1.2", "1.2", "0.9"):
        shop.put("a", stock(fast=(price, "2")))
        run(home)
    before = everything(home)
    reparse(home)
    collecting.publish(home.warehouse, home.history, home.write_lock)
    assert everything(home) == before


def test_a_repaired_parser_retells_history_and_keeps_what_was_told(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tests.shop as shop_module
    from tracker.records import Quote

    register(monkeypatch, source("a", shop.url("a"), anchors=()))
    shop.put("a", stock(fast=("1", "2")))
    run(home)
    [(told_before,)] = ask(home, "SELECT max(recorded_at) FROM quotes")

    def repaired(capture):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        for record in shop_module.parse(capture):
            yield replace(record, amount=record.amount * 3) if isinstance(record, Quote) else record

    from types import SimpleNamespace

    module = SimpleNamespace(SOURCE=source("a", shop.url("a"), anchors=()), parse=repaired)
    monkeypatch.setattr("tracker.backfill.telling.source_module", lambda _: module)
    reparse(home)
    collecting.publish(home.warehouse, home.history, home.write_lock)
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'fast'") == [(Decimal(3),)]
    then = f"quotes_asof(TIMESTAMP '2999-01-01', known_at := TIMESTAMP '{told_before}')"
    assert ask(home, f"SELECT amount FROM {then} WHERE listed_name = 'fast' AND component = 'input'") == [(Decimal(1),)]


def test_fifty_thousand_offers(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": f"model-{index}", "in": "1e-6", "out": "2e-6"} for index in range(50_000)]
    shop.put("a", json.dumps([*json.loads(stock()), *rows]).encode())
    register(monkeypatch, source("a", shop.url("a")))
    assert run(home)["a"].opened == 100_002
    assert ask(home, "SELECT count(*) FROM offers") == [(50_001,)]


def test_an_offer_shown_twice_with_two_prices_is_a_contradiction_and_stored_once(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = [{"id": "odd", "in": "1e-6", "out": "1e-6"}, {"id": "odd", "in": "2e-6", "out": "1e-6"}]
    shop.put("a", json.dumps([*json.loads(stock()), *twice]).encode())
    register(monkeypatch, source("a", shop.url("a")))
    run(home)
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'odd'") == [(Decimal(1),)]
    assert ask(home, "SELECT kind FROM notices") == [("contradiction",)]


def test_the_published_file_opens_in_older_engines(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("a", stock())
    register(monkeypatch, source("a", shop.url("a")))
    run(home)
    with duckdb.connect(str(home.history), read_only=True) as connection:
        found = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'history'").fetchone()
    assert found is not None and str(found[0]["storage_version"]).startswith("v1.4")


def test_a_price_with_a_known_end_comes_before_its_dated_successor(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen together today, the undated price held until the date of the next one: a rise then, not a cut today."""
    from datetime import datetime
    from types import SimpleNamespace

    from scrapers.source import Capture, Request
    from tracker.conditions import Condition
    from tracker.records import Offer, Quote

    def parse(_: Capture):  # type: ignore[no-untyped-def]
        offer = Offer("a", "m")
        yield Quote(offer, "input", Decimal(1), "USD")
        yield Quote(offer, "input", Decimal(2), "USD", condition=Condition(effective_from=datetime(2026, 1, 1)))  # noqa: DTZ001

    given = source(
        "a", "pkg:tracker/data/price_war.csv", anchors=(), requests=(Request("pkg:tracker/data/price_war.csv"),)
    )
    modules = {"a": SimpleNamespace(SOURCE=given, parse=parse)}
    register(monkeypatch, given)
    for place in ("tracker.collect.run.source_modules", "tracker.reference.source_modules"):
        monkeypatch.setattr(place, lambda: modules)
    monkeypatch.setattr("tracker.collect.run.source_module", lambda _: modules["a"])
    run(home)
    told = ask(home, "SELECT kind, old_amount, new_amount, changed_at FROM price_changes ORDER BY changed_at")
    assert told == [("rise", Decimal(1), Decimal(2), datetime(2026, 1, 1))]  # noqa: DTZ001
    assert ask(home, "SELECT input FROM offers") == [(Decimal(2),)]


def test_checking_the_live_pages_compares_and_stores_nothing(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracker.collect import survey

    given = source("a", shop.url("a")), source("b", shop.url("b"))
    register(monkeypatch, *given)
    monkeypatch.setattr("tracker.collect.survey.source_modules", collecting.source_modules)
    shop.put("a", stock(fast=("1", "2"), slow=("1", "1")))
    shop.put("b", stock())
    run(home)
    before = home.history.read_bytes()
    shop.put("a", stock(fast=("1", "3"), other=("5", "5")))
    shop.status("b", 503)
    rows = {row["source"]: row for row in survey.check(home, loopback=True)}
    told = {name: rows["a"][name] for name in ("stored", "same", "changed", "new", "gone")}
    assert told == {"stored": 6, "same": 3, "changed": 1, "new": 2, "gone": 2}
    assert rows["b"]["page"] == "failed" and "503" in str(rows["b"]["remark"])
    assert home.history.read_bytes() == before


def test_a_repaired_parser_reads_what_the_broken_one_choked_on(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    import tests.shop as shop_module

    def broken(_):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("oops")
        yield

    given = source("a", shop.url("a"))
    register(monkeypatch, given)
    monkeypatch.setattr("tracker.collect.run.source_module", lambda _: SimpleNamespace(SOURCE=given, parse=broken))
    shop.put("a", stock(fast=("1", "2")))
    assert "parser bug, ZeroDivisionError" in run(home)["a"].problem
    monkeypatch.setattr(
        "tracker.backfill.telling.source_module", lambda _: SimpleNamespace(SOURCE=given, parse=shop_module.parse)
    )
    reparse(home)
    collecting.publish(home.warehouse, home.history, home.write_lock)
    assert ask(home, "SELECT output FROM offers WHERE listed_name = 'fast'") == [(Decimal(2),)]
    assert ask(home, "SELECT outcome FROM passes") == [("good",)]


def test_a_repaired_parser_retells_measurements_and_demand(
    home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import date
    from types import SimpleNamespace

    import tests.shop as shop_module
    from tracker.records import Demand, Metric, Offer

    def counting(per_day: int, speed: float):  # type: ignore[no-untyped-def]
        def parse(capture):  # type: ignore[no-untyped-def]
            yield from shop_module.parse(capture)
            yield Demand("fast", date(2026, 1, 1), 3000 // per_day, "router")
            yield Metric(Offer("a", "fast"), "throughput_tok_s", "p50", "30m", speed)

        return SimpleNamespace(SOURCE=given, parse=parse)

    def told() -> list[tuple[object, ...]]:
        collecting.publish(home.warehouse, home.history, home.write_lock)
        tokens = ask(home, "SELECT tokens FROM demand")
        return tokens + ask(home, "SELECT value FROM metrics ORDER BY observed_at")

    given = source("a", shop.url("a"))
    register(monkeypatch, given)
    for module in ("tracker.collect.run.source_module", "tracker.backfill.telling.source_module"):
        monkeypatch.setattr(module, lambda _: counting(1, 50.0))
    for price in ("1", "1", "1.2"):  # the second pass shows nothing new: it has no measurements of its own
        shop.put("a", stock(fast=(price, "2")))
        run(home)
    assert told() == [(3000,), (50.0,), (50.0,)]
    reparse(home)
    assert told() == [(3000,), (50.0,), (50.0,)]
    monkeypatch.setattr("tracker.backfill.telling.source_module", lambda _: counting(30, 25.0))
    for _ in range(2):
        reparse(home)
        assert told() == [(100,), (25.0,), (25.0,)]
    assert ask(home, "SELECT count(*) FROM core.demand WHERE superseded_at IS NOT NULL") == [(1,)]
