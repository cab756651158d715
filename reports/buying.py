"""Where to buy: the cheapest offer of each model at the end of the week, with what was declared and measured of it, and
the cheapest whose published limits carry 1, 50 or 1,000 requests at a time.

A limit carries C requests at a time when it allows C x 60 / (seconds per request) requests a minute (Little's law),
each of 3,400 tokens in and 500 out. Seconds per request: first token plus 500 tokens as measured, else 10 s.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reports.billed import Billed
from reports.ledger import Ledger, Rows
from reports.parts import Column, Row, Section, Table
from reports.words import Words

PRECISIONS = """
SELECT offer_id, arg_max(value, observed_at) AS precision FROM declarations
WHERE attribute = 'precision' AND observed_at <= ? AND (ended_at IS NULL OR ended_at > ?) GROUP BY offer_id
"""
METRICS = """
SELECT offer_id, CASE WHEN name = 'rate_limited_requests' THEN 'refused' ELSE name END AS name,
       CASE WHEN name IN ('requests', 'rate_limited_requests') THEN sum(value) ELSE median(value) END AS value
FROM metrics
WHERE (name IN ('throughput_tok_s', 'ttft_ms', 'uptime_pct') AND statistic IN ('p50', 'mean', 'last')
       OR name IN ('requests', 'rate_limited_requests')) AND measured_at >= ? AND measured_at <= ?
GROUP BY offer_id, name
"""
VERIFIED = """
SELECT provider, model_id, arg_max(value, measured_at) AS value FROM metrics
WHERE name = 'tool_call_schema_accuracy_pct' AND model_id IS NOT NULL AND measured_at <= ? GROUP BY provider, model_id
"""
LIMITS = """
SELECT provider, listed_name, tier, account_tier, measure, per, amount, status FROM limits
WHERE observed_at <= ? AND (ended_at IS NULL OR ended_at > ?) AND status IN ('number', 'unlimited')
  AND NOT regexp_matches(account_tier, '(?i)^(free|trial|no payment)')  -- says nothing of what a buyer may send
ORDER BY provider, listed_name, tier, account_tier, measure, per
"""
FULL_PRECISION = frozenset(("bf16", "fp16", "fp32"))
CONCURRENT = (1, 50, 1000)
PROMPT_TOKENS, OUTPUT_TOKENS, UNMEASURED_S = 3400, 500, 10.0
MINUTES = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0, "month": 43200.0}
SPENT = {
    "requests": 1,
    "tokens": PROMPT_TOKENS + OUTPUT_TOKENS,
    "input_tokens": PROMPT_TOKENS,
    "output_tokens": OUTPUT_TOKENS,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an offer beside its price."""

    precisions: Mapping[int, str]
    metrics: Mapping[int, Mapping[str, float]]
    verified: Mapping[tuple[str, str], float]
    limits: Mapping[tuple[str, str, str], Rows]

    def row(self, side: Billed) -> Row:
        measured = self.metrics.get(side.offer_id, {})
        asked = measured.get("requests")
        return {
            "model": side.model,
            "offer": side.offer,
            "provider": side.provider,
            "precision": self.precisions.get(side.offer_id),
            "input_usd": side.input_usd_per_mtok,
            "output_usd": side.output_usd_per_mtok,
            "blended_usd": side.blended_usd_per_mtok,
            "tok_s": measured.get("throughput_tok_s"),
            "ttft_ms": measured.get("ttft_ms"),
            "uptime_pct": measured.get("uptime_pct"),
            "refused_pct": 100 * measured["refused"] / asked if asked and "refused" in measured else None,
            "verified_pct": self.verified.get((side.provider, side.model)),
            "per_minute": self.requests_per_minute(side),
            "source": side.source_id,
        }

    def request_s(self, side: Billed) -> float:
        """Seconds one request takes, as measured by others."""
        measured = self.metrics.get(side.offer_id, {})
        first, rate = measured.get("ttft_ms"), measured.get("throughput_tok_s")
        return first / 1000 + OUTPUT_TOKENS / rate if first and rate else UNMEASURED_S

    def requests_per_minute(self, side: Billed) -> float | None:
        """What the most generous account tier may send; None where no number is published."""
        found: list[float] = []
        for name in (side.listed_name, ""):
            by_tier: defaultdict[str, list[float]] = defaultdict(list)
            for limit in self.limits.get((side.provider, name, side.tier), ()):
                by_tier[limit["account_tier"]].append(_per_minute(limit, self.request_s(side)))
            found += [max(min(rates) for rates in by_tier.values())] if by_tier else []
        best = min(found, default=float("inf"))
        return None if best == float("inf") else best

    def holds(self, side: Billed, concurrent: int) -> bool:
        """No published limit stands in the way of so many requests at a time."""
        allowed = self.requests_per_minute(side)
        return allowed is None or allowed >= concurrent * 60 / self.request_s(side)


def _per_minute(limit: Row, request_s: float) -> float:
    if limit["status"] == "unlimited" or limit["amount"] is None:
        return float("inf")
    if limit["measure"] == "concurrency":
        return float(limit["amount"]) * 60 / request_s
    if limit["measure"] not in SPENT or limit["per"] not in MINUTES:
        return float("inf")
    return float(limit["amount"]) / SPENT[limit["measure"]] / MINUTES[limit["per"]]


def standing_of(ledger: Ledger) -> Standing:
    """Precision and limits at the end of the week, the week's measurements, the latest vendor verification."""
    end = ledger.week.told_to_utc
    precisions = {r["offer_id"]: r["precision"] for r in ledger.rows(PRECISIONS, end, end)}
    metrics: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for row in ledger.during(METRICS):
        metrics[row["offer_id"]][row["name"]] = row["value"]
    verified = {(row["provider"], row["model_id"]): row["value"] for row in ledger.rows(VERIFIED, end)}
    limits: defaultdict[tuple[str, str, str], Rows] = defaultdict(list)
    for row in ledger.rows(LIMITS, end, end):
        limits[row["provider"], row["listed_name"], row["tier"]].append(row)
    return Standing(precisions, dict(metrics), verified, dict(limits))


def priced(after: Mapping[int, Billed]) -> dict[str, list[Billed]]:
    """Standard-tier offers of known models with a proven price above zero, cheapest first, by model."""
    by_model: defaultdict[str, list[Billed]] = defaultdict(list)
    for side in after.values():
        if side.model_id and side.tier == "standard" and not side.zero_claimed and side.blended_usd_per_mtok:
            by_model[side.model_id].append(side)
    for sides in by_model.values():
        sides.sort(key=lambda side: (side.blended_usd_per_mtok or 0.0, side.offer))
    return dict(sorted(by_model.items(), key=lambda item: (-len({s.provider for s in item[1]}), item[0])))


def stated(sides: Sequence[Billed], copied: Collection[str]) -> Sequence[Billed]:
    """Those that a seller or a router states itself; where nobody does, what copies state."""
    return [side for side in sides if side.offer not in copied] or sides


def cheapest_section(
    after: Mapping[int, Billed], left_out: int, copied: Collection[str], standing: Standing, say: Words
) -> Section:
    """Per model and load: the cheapest at any precision, and with full precision declared; `left_out` counts doubts.

    `copied`: offers whose price only a copy states; they stand in only where nobody states one himself.
    """
    any_rows, full_rows = [], []
    for every in priced(after).values():
        sides = stated(every, copied)
        full = [side for side in sides if standing.precisions.get(side.offer_id) in FULL_PRECISION]
        sellers = len({side.provider for side in every})
        any_rows += [{**row, "sellers": sellers} for row in _by_load(sides, standing)]
        full_rows += [{**row, "sellers": sellers} for row in _by_load(full, standing)]
    text: tuple[str, ...] = (
        say(
            "Standard tier, proven prices above zero, 3:1 blend of input and output in dollars. 'At a time' is how "
            "many requests of 3,400 tokens in and 500 out the seller's published limits carry at once; where the "
            "cheapest seller's limits do not, the cheapest that carries more follows on the next line. A seller "
            "without a published limit is not known to refuse. A price that only a catalogue copies stands in where "
            "no seller and no router states one."
        ),
        say(
            "'Uptime' and 'refused' (requests turned away for rate limits) are the week's, as a router counted them; "
            "'verified' is the accuracy of tool calls that the model's author measured at that seller."
        ),
        say(
            "Offers left out because an open flag doubts the price itself (stale, a wrong unit, sources in conflict): "
            "{count}.",
            count=left_out,
        ),
    )
    if all(row["uptime_pct"] is None for row in any_rows):
        text = (*text, say("No source of this week publishes the uptime of these offers."))
    tables = (
        _table("cheapest_any", say("Cheapest at any precision"), any_rows, say),
        _table("cheapest_full_precision", say("Cheapest that declares bf16 or fp16"), full_rows, say),
    )
    return Section("cheapest", say("Cheapest per model"), text, (), tables)


def _by_load(sides: Sequence[Billed], standing: Standing) -> list[Row]:
    """The cheapest offer at each load; loads that one offer carries stand on one line."""
    loads: dict[int, list[int]] = {}
    chosen: dict[int, Billed] = {}
    for concurrent in CONCURRENT:
        best = next((side for side in sides if standing.holds(side, concurrent)), None)
        if best is not None:
            chosen[best.offer_id] = best
            loads.setdefault(best.offer_id, []).append(concurrent)
    return [
        {**standing.row(chosen[offer_id]), "at_a_time": "\u00a0· ".join(f"{count:,}" for count in counts)}
        for offer_id, counts in loads.items()
    ]


def _table(table_id: str, title: str, rows: Sequence[Row], say: Words) -> Table:
    columns = (
        Column("model", say("Model"), "code"),
        Column("sellers", say("Sellers"), "count"),
        Column("at_a_time", say("At a time")),
        Column("offer", say("Offer"), "code"),
        Column("precision", say("Declared"), "code"),
        Column("input_usd", say("Input $/M"), "money"),
        Column("output_usd", say("Output $/M"), "money"),
        Column("blended_usd", say("Blend $/M"), "money"),
        *(
            (Column("uptime_pct", say("Uptime %"), "percent"),)
            if any(row["uptime_pct"] is not None for row in rows)
            else ()
        ),
        Column("verified_pct", say("Verified %"), "percent"),
        Column("refused_pct", say("Refused %"), "percent"),
        Column("ttft_ms", say("First token ms"), "ms"),
        Column("tok_s", say("tok/s"), "tok_s"),
        Column("per_minute", say("Requests a minute"), "count"),
        Column("source", say("Source of the price"), "code"),
    )
    note = say("Most sellers first; the data file has all models. Speeds are the week's median, as others measured.")
    return Table(table_id, title, columns, tuple(rows), 30, note)
