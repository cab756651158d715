"""Where to buy: the cheapest offer of each model at the end of the week, with what was declared and measured of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reports.ledger import Ledger
from reports.moves import Billed
from reports.parts import Column, Row, Section, Table
from reports.words import Words

PRECISIONS = """
SELECT offer_id, arg_max(value, observed_at) AS precision FROM declarations
WHERE attribute = 'precision' AND observed_at <= ? AND (ended_at IS NULL OR ended_at > ?) GROUP BY offer_id
"""
METRICS = """
SELECT offer_id, name, median(value) AS value, count(*) AS samples FROM metrics
WHERE name IN ('throughput_tok_s', 'ttft_ms', 'uptime_pct') AND statistic IN ('p50', 'mean', 'last')
  AND measured_at >= ? AND measured_at <= ? GROUP BY offer_id, name
"""
FULL_PRECISION = frozenset(("bf16", "fp16", "fp32"))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an offer beside its price."""

    precisions: Mapping[int, str]
    metrics: Mapping[int, Mapping[str, float]]

    def row(self, side: Billed) -> Row:
        measured = self.metrics.get(side.offer_id, {})
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
            "source": side.source_id,
        }


def standing_of(ledger: Ledger) -> Standing:
    """Precision as declared at the end of the week, and the week's median of others' measurements."""
    end = ledger.week.told_to_utc
    precisions = {r["offer_id"]: r["precision"] for r in ledger.rows(PRECISIONS, end, end)}
    metrics: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for row in ledger.during(METRICS):
        metrics[row["offer_id"]][row["name"]] = row["value"]
    return Standing(precisions, dict(metrics))


def priced(after: Mapping[int, Billed]) -> dict[str, list[Billed]]:
    """Standard-tier offers of known models with a proven price above zero, cheapest first, by model."""
    by_model: defaultdict[str, list[Billed]] = defaultdict(list)
    for side in after.values():
        if side.model_id and side.tier == "standard" and not side.zero_claimed and side.blended_usd_per_mtok:
            by_model[side.model_id].append(side)
    for sides in by_model.values():
        sides.sort(key=lambda side: (side.blended_usd_per_mtok or 0.0, side.offer))
    return dict(sorted(by_model.items(), key=lambda item: (-len({s.provider for s in item[1]}), item[0])))


def cheapest_section(after: Mapping[int, Billed], standing: Standing, say: Words) -> Section:
    """Per model: the cheapest at any precision, and the cheapest that declares full precision."""
    any_rows, full_rows = [], []
    for sides in priced(after).values():
        rows = [dict(standing.row(side), sellers=len({s.provider for s in sides})) for side in sides]
        any_rows.append(rows[0])
        full_rows += [row for row in rows if row["precision"] in FULL_PRECISION][:1]
    columns = (
        Column("model", say("Model"), "code"),
        Column("sellers", say("Sellers"), "count"),
        Column("offer", say("Offer"), "code"),
        Column("precision", say("Declared"), "code"),
        Column("input_usd", say("Input $/M"), "money"),
        Column("output_usd", say("Output $/M"), "money"),
        Column("blended_usd", say("3:1 blend $/M"), "money"),
        Column("ttft_ms", say("First token ms"), "ms"),
        Column("tok_s", say("tok/s"), "tok_s"),
        Column("uptime_pct", say("Uptime %"), "percent"),
        Column("source", say("Source"), "code"),
    )
    note = say("Most sellers first; the data file has all models. Speeds are the week's median, as others measured.")
    tables = (
        Table("cheapest_any", say("Cheapest at any precision"), columns, tuple(any_rows), 30, note),
        Table(
            "cheapest_full_precision", say("Cheapest that declares bf16 or fp16"), columns, tuple(full_rows), 30, note
        ),
    )
    return Section("cheapest", say("Cheapest per model"), (), (), tables)
