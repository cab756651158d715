"""How far the flags can be trusted: quantization against declared labels, price-war cases, stability, false alarms.

    python -m bench.flags [--home HOME] [--write]

Reads the recorded endpoint tables beside the checkout and says so where they are missing; the case table needs nothing
but the shipped data. `--home` names a ledger whose flags are counted and whose offers are rated for the speed row.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np

from bench import flags_quantization as quantization
from bench.docs import refresh
from tracker.assess import judge, rules_version
from tracker.assess_costs import groq_mixtral_usd_per_mtok
from tracker.assess_market import cost_floors
from tracker.assess_write import write_conclusions
from tracker.cost import Estimate, Question, assess
from tracker.flags import RULES, sudden_change
from tracker.flags.lifecycle import Key, OpenFlag, Step, advance
from tracker.flags.likely_quantized import CAP_WITHOUT_AUDIT
from tracker.flags.quantization import MIN_LABELS, features, labelled_elsewhere, select
from tracker.flags.sudden_change import Move, Series
from warehouse.flag_facts import read_facts
from warehouse.store import open_file, transaction

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "openrouter_sui414"
README = "tracker/flags/README.md"
WEIGHTS = ROOT / "tracker" / "flags" / "weights.csv"


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled price. `expected`: flagged, borderline or clean, as the articles and disclosures have it."""

    name: str
    expected: str
    question: Question | None
    remark: str = ""


def _mixtral(given: float | None, output: float, when: date = date(2023, 12, 15)) -> Question:
    return Question("mistralai/mixtral-8x7b", "bf16", given, output, when, "mixtral-2023")


def _deepseek(model: str, given: float, output: float, cached: float) -> Question:
    return Question(
        f"deepseek-ai/{model}", "fp8", given, output, date(2025, 2, 28), "deepseek-2025", cached_usd_per_mtok=cached
    )


CASES = (
    Case("DeepInfra, Mixtral .27 out", "flagged", _mixtral(None, 0.27)),
    Case("Anyscale, Mixtral .50 out", "flagged", _mixtral(None, 0.50)),
    Case("Perplexity, Mixtral .14 in .56 out", "flagged", _mixtral(0.14, 0.56), "rests on which hardware is at hand"),
    Case("OpenRouter, Mixtral free", "flagged", _mixtral(0.0, 0.0)),
    Case(
        "Together, Mixtral 0 in .60 out",
        "borderline",
        _mixtral(0.0, 0.60),
        "the essays disagree: loses, or breaks even",
    ),
    Case(
        "Mistral, Mixtral .65 in 1.96 out",
        "clean",
        _mixtral(0.65, 1.96),
        "the essays disagree: barely breaks even, or earns",
    ),
    Case("OpenAI, GPT-3.5 Turbo 1 in 2 out", "clean", None, "weights not published: the rule stays silent"),
    Case("Groq, Mixtral .27 out", "flagged", _mixtral(None, 0.27, date(2024, 2, 20))),
    Case("DeepSeek, R1 .55 in 2.19 out, .14 cached", "clean", _deepseek("deepseek-r1", 0.55, 2.19, 0.14)),
    Case("DeepSeek, V3 .27 in 1.10 out, .07 cached", "clean", _deepseek("deepseek-v3", 0.27, 1.10, 0.07)),
)


def case_lines() -> list[str]:
    """The case table; the verdict is the rule's, nothing is fitted on any of these rows."""
    lines = [
        "| case | expected | P(below cost) | verdict | price | cost low - mid - high | cost / price | holds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    asked = [case.question for case in CASES if case.question is not None]
    answers = dict(zip((id(q) for q in asked), assess(asked), strict=True))
    for case in CASES:
        estimate = answers[id(case.question)] if case.question is not None else None
        lines.append(_case_line(case, estimate))
    own = groq_mixtral_usd_per_mtok()
    disclosed = answers[id(CASES[-2].question)]
    if disclosed.blended_usd_per_mtok is not None and disclosed.price_blended_usd_per_mtok is not None:
        profit = disclosed.price_blended_usd_per_mtok / disclosed.blended_usd_per_mtok.mid - 1
        lines += [
            "",
            f"DeepSeek, all traffic at R1 prices: profit over cost {profit:.0%}; disclosed for that day: 545 %.",
        ]
    lines += [
        "",
        f"Groq on chips of its own, by the essay's own sum (72 servers, annuity at 18 %, hosting, no idle time): "
        f"{own:.2f} USD per million tokens, {own / 0.27:.1f} times the price.",
        "Where only the output price is known, it is held against the cost of output alone.",
    ]
    return lines


def _case_line(case: Case, estimate: Estimate | None) -> str:
    if estimate is None or case.question is None:
        holds = "yes" if case.expected == "clean" else "no"
        return f"| {case.name} | {case.expected} | - | not judged ({case.remark}) | | | | {holds} |"
    q, free = case.question, not (case.question.input_usd_per_mtok or case.question.output_usd_per_mtok)
    p = 1.0 if free else float(estimate.probability_below or 0.0)
    verdict = "flagged" if p >= RULES["below_cost"].open_at else "borderline" if p >= 0.3 else "clean"
    one_side = q.input_usd_per_mtok is None
    band = estimate.output_usd_per_mtok if one_side else estimate.blended_usd_per_mtok
    price = q.output_usd_per_mtok if one_side else estimate.price_blended_usd_per_mtok
    if band is None or price is None:
        return f"| {case.name} | {case.expected} | - | {estimate.reason} | | | | no |"
    span = f"{band.low:.2f} - {band.mid:.2f} - {band.high:.2f}"
    times = f"{band.mid / price:.1f}" if price else "free"
    remark = f" ({case.remark})" if case.remark else ""
    return (
        f"| {case.name}{remark} | {case.expected} | {p:.2f} | {verdict} | {price:.2f} | {span} | {times} | "
        f"{'yes' if verdict == case.expected else 'no'} |"
    )


def quantization_lines(data: quantization.Labelled) -> list[str]:
    """Scores, reliability, the labels that are unknown, and the first look recomputed."""
    table, strict = quantization.score_table(data)
    y, groups = data.truth[data.labelled], data.groups[data.labelled]
    low, high = quantization.interval(strict, y, groups)
    model = quantization.final_fit(data, quantization.SHIPPED)
    judged = ~data.labelled & (labelled_elsewhere(data.endpoints) >= MIN_LABELS)
    hidden = model.probabilities(select(features(data.endpoints), quantization.SHIPPED))[judged]
    over = int((hidden >= RULES["likely_quantized"].open_at).sum())
    return [
        f"{data.seen} endpoints were recorded; {data.seen_labelled} declare a label, {len(data.endpoints)} serve a "
        f"model whose native precision is known, {len(y)} of them both ({int(y.sum())} below native, "
        f"{len(set(groups))} models).",
        "",
        *table,
        "",
        f"80 % interval of the shipped AUROC when whole models are drawn again: {low:.2f} to {high:.2f}.",
        "",
        *quantization.reliability_table(strict, y),
        "",
        f"Unknown labels, scored and never trained on: {int((~data.labelled).sum())}; {len(hidden)} of them at hosts "
        f"that label at least {MIN_LABELS} other models, the only ones judged; {over} reach "
        f"{RULES['likely_quantized'].open_at:.2f} (held at {CAP_WITHOUT_AUDIT:.2f} without an audit).",
        "",
        *quantization.first_look(CORPUS),
    ]


def generated_moves(at: datetime) -> tuple[Move, ...]:
    """A price that moves 134 times in 9 days."""
    gap = timedelta(days=9) / 134
    return tuple(Move(at + gap * i, 1.0 + (i % 2) * 0.6, f"move {i}") for i in range(135))


def flags_of(series: Series) -> tuple[int, float]:
    """How many flags the rule opens when asked at every move, and the shortest time between two openings in days."""
    standing: dict[Key, OpenFlag] = {}
    opened: list[datetime] = []
    for move in series.moves:
        found = sudden_change.judge(series, move.at)
        key = (series.offer, RULES["sudden_change"].kind)
        steps = advance(standing, {key: found} if found else {}, {series.offer}, {series.offer}, RULES, move.at)
        standing = _applied(standing, steps)
        opened += [step.at for step in steps if step.action == "opened"]
    gaps = [(b - a) / timedelta(days=1) for a, b in pairwise(opened)]
    return len(opened), min(gaps, default=float("inf"))


def _applied(standing: dict[Key, OpenFlag], steps: Sequence[Step]) -> dict[Key, OpenFlag]:
    after = dict(standing)
    for step in steps:
        key = (step.offer, step.kind)
        if step.action == "closed":
            del after[key]
        elif step.action == "opened" and step.finding is not None:
            f = step.finding
            after[key] = OpenFlag(1, step.offer, step.kind, f.rule_version, f.probability, step.at, None, f.expires_at)
        else:
            after[key] = replace(after[key], cooling_since=step.at if step.action == "cooled" else None)
    return after


_HOURLY = """
SELECT model_slug || ' at ' || split_part(provider_slug, '/', 1) AS name, endpoint_id,
       list(CAST(left(scraped_at, 19) AS TIMESTAMP) ORDER BY scraped_at) AS times,
       list(TRY_CAST(price_completion AS DOUBLE) * 1e6 ORDER BY scraped_at) AS prices
FROM read_parquet(?) WHERE variant = 'standard' GROUP BY ALL HAVING count(*) > 20 ORDER BY endpoint_id
"""


def hourly_series(folder: Path) -> list[Series]:
    """The output price of each endpoint as its moves."""
    found = []
    for name, _, times, prices in duckdb.connect().execute(_HOURLY, [str(folder / "perf_hourly.parquet")]).fetchall():
        moves: list[Move] = []
        for moment, price in zip(times, prices, strict=True):
            if price is not None and (not moves or moves[-1].value != price):
                moves.append(Move(moment, price, str(moment)))
        found.append(Series(name, "the output price", "USD/Mtok", True, tuple(moves), "quotes"))
    return found


def stability_lines(folder: Path) -> list[str]:
    """One flag, not a hundred."""
    start = datetime.fromisoformat("2026-07-01")
    generated = Series("generated", "the output price", "USD/Mtok", True, generated_moves(start), "quotes")
    series = hourly_series(folder)
    moving = sorted((s for s in series if len(s.moves) > 1), key=lambda s: -len(s.moves))
    contested = [s for s in series if s.offer.startswith("z-ai/glm-5.2 at novita")]
    lines = ["| price series | moves | flags opened |", "|---|---|---|"]
    lines.append(f"| generated: 134 moves in 9 days | {len(generated.moves) - 1} | {flags_of(generated)[0]} |")
    for one in [*contested, *moving[:4]]:
        lines.append(f"| {one.offer} | {len(one.moves) - 1} | {flags_of(one)[0]} |")
    counts = [flags_of(one) for one in moving]
    lines.append(f"| all {len(moving)} that moved, of {len(series)} | {sum(len(s.moves) - 1 for s in moving)} "
                 f"| {sum(count for count, _ in counts)} |")  # fmt: skip
    again = sum(gap < 7 for _, gap in counts)
    lines += ["", f"Offers whose flag closed and opened again within a week: {again}."]
    if not contested:
        lines.append(
            "GLM-5.2 at Novita does not occur in this recording; the four series that moved most stand in for it."
        )
    return lines


def noise_lines(folder: Path) -> list[str]:
    """False alarms of the measured series: the same days in random order hold no shift."""
    rows = (
        duckdb.connect()
        .execute(
            "SELECT endpoint_id, list(TRY_CAST(p50_throughput AS DOUBLE) ORDER BY scrape_date) FROM read_parquet(?) "
            "WHERE TRY_CAST(p50_throughput AS DOUBLE) > 0 GROUP BY endpoint_id HAVING count(*) >= 14 "
            "ORDER BY endpoint_id",
            [str(folder / "endpoints_daily.parquet")],
        )
        .fetchall()
    )
    rng, start = np.random.default_rng(3), datetime.fromisoformat("2026-07-17")
    threshold, alarms, found = RULES["sudden_change"].open_at, 0, 0
    for name, values in rows:
        found += _alarm(name, values, start, threshold)
        alarms += _alarm(name, rng.permutation(values).tolist(), start, threshold)
    weekly = alarms / len(rows) / 2
    return [
        f"Throughput of {len(rows)} endpoints over three weeks: {found} shifts flagged; with the days of each endpoint "
        f"shuffled, where no shift exists, {alarms}. That is {weekly:.2%} of the series per week: "
        f"{weekly * 1000:.1f} false flags a week per thousand measured offers.",
    ]


def _alarm(name: str, values: list[float], start: datetime, threshold: float) -> bool:
    moves = tuple(Move(start + timedelta(days=i), float(v), str(i)) for i, v in enumerate(values))
    judged = sudden_change.judge(Series(name, "throughput", "tok/s", False, moves, "metrics"), moves[-1].at)
    return judged is not None and judged.probability >= threshold


def ledger_lines(home: Path) -> list[str]:
    """Counts of a real ledger: flags by kind, what their own probabilities say of false ones, flips."""
    connection = duckdb.connect(str(home / "history.duckdb"), read_only=True)
    days, first, last = connection.execute("SELECT count(*), min(day), max(day) FROM calc.assessed_day").fetchall()[0]
    weeks = max((last - first).days / 7, 1 / 7)
    lines = [
        f"A ledger assessed on {days} days from {first} to {last}:",
        "",
        "| kind | opens at | open now | opened a week | expected false a week, by probability | flips within a week |",
        "|---|---|---|---|---|---|",
    ]
    rows = connection.execute(
        "SELECT kind, count(*) FILTER (closed_at IS NULL), count(*), sum(1 - probability), "
        "count(*) FILTER (closed_at - opened_at < INTERVAL 7 DAY AND cause NOT LIKE '%left the market%') "
        "FROM flags GROUP BY kind ORDER BY kind"
    ).fetchall()
    for kind, standing, opened, false, flips in rows:
        threshold, per_week = RULES[kind].open_at, f"{opened / weeks:.1f} | {false / weeks:.1f}"
        lines.append(f"| {kind} | {threshold:.2f} | {standing} | {per_week} | {flips} |")
    return lines


def speed_lines(home: Path, offers: int = 3000) -> list[str]:
    """A full assessment: the ledger's offers of open models, repeated with other prices until there are `offers`."""
    with duckdb.connect(str(home / "history.duckdb"), read_only=True) as connection:
        [(day,)] = connection.execute("SELECT max(day) FROM calc.assessed_day").fetchall()
        at = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001
        facts: dict[str, Any] = dict(read_facts(connection, at))
    facts["offers"] = _repeated(facts["offers"], offers)
    started, busy = time.perf_counter(), time.process_time()
    judged = judge(facts, at, {})
    floors = cost_floors(judged.offers, at, judged.rents)
    judging, busy = time.perf_counter() - started, time.process_time() - busy
    with TemporaryDirectory() as folder, open_file(Path(folder) / "warehouse.duckdb") as connection:
        started = time.perf_counter()
        with transaction(connection):
            write_conclusions(connection, judged, floors, rules_version(), at)
        writing = time.perf_counter() - started
    return [
        f"Full assessment of {len(judged.offers):,} offers, {len(judged.costs):,} of them priced on hardware: "
        f"{judging:.0f} s judging ({busy:.0f} s of processor time) and {writing:.0f} s writing (limit 60 s).",
    ]


def _repeated(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Copies under other names and ids, each 1 % dearer than the last."""
    made: list[dict[str, Any]] = []
    turn = 0
    while len(made) < count:
        for row in rows[: count - len(made)]:
            price = {k: row[k] * (1 + turn / 100) for k in ("input", "output") if row[k] is not None}
            offer_id = row["offer_id"] if not turn else hash((row["offer_id"], turn)) % 2**62
            made.append({**row, **price, "offer": f"{row['offer']}{turn or ''}", "offer_id": offer_id})
        turn += 1
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a ledger whose flags are counted and whose offers are rated again")
    parser.add_argument("--write", action="store_true", help="refresh the blocks of the README and weights.csv")
    given = parser.parse_args()
    blocks = {"flags_cases": case_lines()}
    if CORPUS.is_dir():
        data = quantization.read(CORPUS)
        blocks["flags_quantization"] = quantization_lines(data)
        blocks["flags_stability"] = [*stability_lines(CORPUS), "", *noise_lines(CORPUS)]
    else:
        print(f"quantization and stability are skipped: no recorded endpoint tables at {CORPUS}")
    if given.home:
        blocks["flags_ledger"] = [*ledger_lines(given.home), "", *speed_lines(given.home)]
    for name, lines in blocks.items():
        print(f"\n## {name}\n", *lines, sep="\n")
        if given.write:
            refresh(README, name, "\n".join(lines))
    if given.write and CORPUS.is_dir():
        model = quantization.final_fit(data, quantization.SHIPPED)
        y = data.truth[data.labelled]
        WEIGHTS.write_text(quantization.weights_csv(model, quantization.SHIPPED, float(y.mean()), len(y)), "utf-8")


if __name__ == "__main__":
    main()
