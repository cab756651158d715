"""What every record and every source must satisfy, whatever page it was read from."""

import ast
import math
from collections.abc import Iterator
from pathlib import Path

from scrapers.source import KINDS, PROOFS, Capture, Source
from tracker import records
from tracker.conditions import Condition, parse_band
from tracker.records import Declaration, Demand, FxRate, Limit, Metric, Notice, Offer, Quote, Record, Rental

ALLOWED_TRACKER = frozenset(("records", "units", "conditions", "errors"))
PURE_OUTSIDE = """ast base64 bisect bs4 calendar codecs collections csv dataclasses datetime decimal enum fractions
functools html io itertools json math operator re string textwrap typing unicodedata urllib xml zipfile zoneinfo"""
ALLOWED_OUTSIDE = frozenset(PURE_OUTSIDE.split())
FORBIDDEN_INSIDE = frozenset(("scrapers.fetch", "scrapers.archive"))
FORBIDDEN_NAMES = frozenset(("open", "print", "eval", "exec", "urlopen"))
FORBIDDEN_METHODS = frozenset(("now", "utcnow", "today", "urlopen", "read_text", "read_bytes", "write_text"))


def faults_of_source(source: Source, file_name: str) -> Iterator[str]:
    """Everything wrong with a SOURCE record."""
    if source.id != file_name:
        yield f"id {source.id!r} is not its file name {file_name!r}"
    if source.kind not in KINDS:
        yield f"kind {source.kind!r}"
    if source.proof not in PROOFS:
        yield f"proof {source.proof!r}"
    if source.proof != "none" and not source.proof_url.startswith("https://"):
        yield f"proof {source.proof!r} without a link: {source.proof_url!r}"
    if source.proof == "none" and source.enabled:
        yield "a source without proof ships disabled until its first live run was read"
    yield from _faults_of_wording(source)
    yield from _faults_of_requests(source)


def _faults_of_wording(source: Source) -> Iterator[str]:
    for field in ("title", "unit", "terms"):
        if not getattr(source, field).strip():
            yield f"{field} is empty"
    if not source.enabled and not source.notice:
        yield "disabled without a notice that says why"
    if source.kind in ("seller", "host", "market", "catalogue") and not source.anchors:
        yield "no anchor: a unit error would pass"
    if source.key_required and not source.key_env:
        yield "key_required without key_env"


def _faults_of_requests(source: Source) -> Iterator[str]:
    if not source.requests and source.enabled:
        yield "enabled without a request"
    if source.every_hours <= 0 or source.min_rows < 1:
        yield "every_hours and min_rows must be positive"
    for request in source.requests:
        if not request.url.startswith(("https://", "pkg:")):
            yield f"neither https nor pkg: {request.url}"
    for anchor in source.anchors:
        if not 0 <= anchor.low < anchor.high or anchor.component not in records.COMPONENTS:
            yield f"anchor {anchor}"


def faults_of_imports(path: Path) -> Iterator[str]:
    """Imports and calls that would give a parser a network, a clock, a disk or a database."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (f"imports {name.name}" for name in node.names if not _allowed(name.name, ()))
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if not _allowed(node.module or "", names):
                yield f"imports {node.module}"
        elif isinstance(node, ast.Call) and (name := _forbidden_call(node)):
            yield f"calls {name}() in line {node.lineno}"


def _forbidden_call(node: ast.Call) -> str:
    """`open(...)` but not `archive.open(...)`: a zip in memory is no disk."""
    if isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in FORBIDDEN_NAMES else ""
    name = getattr(node.func, "attr", "")
    return name if name in FORBIDDEN_METHODS else ""


def _allowed(module: str, names: tuple[str, ...]) -> bool:
    head, _, rest = module.partition(".")
    if head == "tracker":
        wanted = {rest} if rest else set(names)
        return wanted <= ALLOWED_TRACKER
    if head == "scrapers":
        inside = {module} if rest else {f"scrapers.{name}" for name in names}
        return not inside & FORBIDDEN_INSIDE and not any(name.startswith("scrapers.sources") for name in inside)
    return head in ALLOWED_OUTSIDE


def faults_of_record(record: Record) -> Iterator[str]:
    """Everything about one record that the vocabulary does not know or that cannot be."""
    if isinstance(record, Quote):
        yield from _faults_of_quote(record)
    elif isinstance(record, Declaration):
        yield from _faults_of_offer(record.offer)
        if not record.attribute or not isinstance(record.value, str) or not record.value:
            yield f"declaration {record.attribute!r} = {record.value!r}"
    elif isinstance(record, Limit):
        yield from _faults_of_limit(record)
    elif isinstance(record, Metric):
        yield from _faults_of_offer(record.offer)
        if not math.isfinite(record.value) or record.value < 0 or not record.name:
            yield f"metric {record.name} = {record.value}"
    elif isinstance(record, Rental):
        if record.commitment not in records.COMMITMENTS or record.amount <= 0 or record.gpu_count < 1:
            yield f"rental {record}"
    elif isinstance(record, FxRate):
        if record.rate <= 0 or len(record.base_currency) != 3 or len(record.quote_currency) != 3:
            yield f"fx {record}"
    elif isinstance(record, Demand):
        if record.tokens < 0 or not record.listed_name:
            yield f"demand {record}"
    elif not (isinstance(record, Notice) and record.kind and record.text):
        yield f"not a record: {record!r}"


def _faults_of_offer(offer: Offer) -> Iterator[str]:
    if not offer.listed_name or offer.listed_name != offer.listed_name.strip():
        yield f"listed name {offer.listed_name!r}"
    if not offer.provider or offer.provider != offer.provider.lower() or " " in offer.provider:
        yield f"provider {offer.provider!r}"
    if offer.tier not in records.TIERS:
        yield f"tier {offer.tier!r}"
    if offer.listed_name[1:].endswith(tuple(f":{tier}" for tier in records.TIERS)):
        yield f"tier in the name {offer.listed_name!r}"


def _faults_of_quote(quote: Quote) -> Iterator[str]:
    yield from _faults_of_offer(quote.offer)
    yield from _faults_of_condition(quote.condition)
    if quote.component not in records.COMPONENTS:
        yield f"component {quote.component!r}"
    if quote.unit not in records.UNITS or quote.basis not in records.BASES or len(quote.currency) != 3:
        yield f"unit {quote.unit!r}, basis {quote.basis!r} or currency {quote.currency!r}"
    if quote.status not in records.PRICE_STATUSES:
        yield f"status {quote.status!r}"
    if not quote.raw or not quote.locator:
        yield f"no evidence: raw {quote.raw!r}, locator {quote.locator!r}"
    expected = {True: ("known",), False: ("free", "zero_claimed"), None: ("dynamic", "unknown")}
    if quote.status not in expected[None if quote.amount is None else quote.amount > 0]:
        yield f"amount {quote.amount} with status {quote.status!r}"


def _faults_of_condition(condition: Condition) -> Iterator[str]:
    if condition.hours:
        parse_band(condition.hours)
    low, high = condition.min_prompt_tokens, condition.max_prompt_tokens
    if low < 0 or (high is not None and high <= low):
        yield f"prompt band {low}..{high}"
    begin, end = condition.effective_from, condition.effective_until
    if begin and end and end <= begin:
        yield f"effective {begin}..{end}"


def _faults_of_limit(limit: Limit) -> Iterator[str]:
    if limit.measure not in records.LIMIT_MEASURES or limit.window not in records.LIMIT_WINDOWS:
        yield f"limit of {limit.measure!r} per {limit.window!r}"
    if limit.status not in records.LIMIT_STATUSES or limit.learned_from not in records.LEARNED_FROM:
        yield f"limit status {limit.status!r}, learned from {limit.learned_from!r}"
    if limit.tier not in records.TIERS:
        yield f"limit tier {limit.tier!r}"
    if (limit.amount is not None) != (limit.status == "number"):
        yield f"limit amount {limit.amount} with status {limit.status!r}"


HOSTILE = {
    "empty": b"",
    "login page": b"<!doctype html><html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>",
    "empty list": b"[]",
    "empty object": b"{}",
    "null": b"null",
    "number": b"42",
    "empty data": b'{"data": []}',
    "NUL": b"\0\0\0",
    "NUL inside": b'{"data": [{"id": "a\0b"}]}',
    "truncated": b'{"data": [{"id": "x", "pricing": {"prompt": "0.0',
    "not UTF-8": b'\xff\xfe{"data"',
    "deep list": b"[" * 100_000,
    "deep object": b'{"data":' * 50_000,
    "wrong types": b'{"data": {"id": 7}, "models": "x", "prices": 3, "providers": [1, null, {"a": []}]}',
    "rows of wrong types": b'{"data": [1, null, "x", {"id": null}, {"id": 5, "pricing": []}], "models": [[], 1, {}]}',
    "list of wrong types": b'[1, null, "x", [], {}, {"id": {}, "models": 4}]',
    "huge number": b'{"data": [{"id": "x", "pricing": {"prompt": ' + b"9" * 5_000 + b"}}]}",
    "table without words": b"<table><tr><td></td></tr></table>",
}


def hostile_captures(source: Source) -> Iterator[tuple[str, Capture]]:
    """The same bad bodies for every shape a source reads."""
    from tests.scrapers.golden_pages import OBSERVED_AT, label_of, pages, source_id_of

    labels = {request.label for request in source.requests}
    labels |= {label_of(page) for page in pages() if source_id_of(page) == source.id}
    for label in sorted(labels):
        for name, body in HOSTILE.items():
            yield f"{name} [{label}]", Capture(source.id, _url_of(source), body, OBSERVED_AT, label)


def _url_of(source: Source) -> str:
    """Where the capture says it is from; a source that fetches nothing has only its name."""
    return source.requests[0].url if source.requests else source.id
