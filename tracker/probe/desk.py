"""What the commands do: targets from the warehouse or from options, a plan run to its end, result files taken in."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tracker.errors import StoreError, TrackerError, UsageError
from tracker.probe.dialects import dialect_named
from tracker.probe.inbox import Row, read_rows, result_files
from tracker.probe.keys import Key, read_key
from tracker.probe.plan import PROVIDER_GAP_S, Candidate, Plan, Policy, Step, burst_cost, due, plan_day
from tracker.probe.run import Purse, Vantage, run_burst
from tracker.probe.signs import Typical, prefill, signs, typical
from tracker.probe.stream import check_url, is_loopback, run
from tracker.probe.targets import Target, endpoints, target_for
from tracker.probe.workloads import WORKLOADS, Workload
from tracker.records import Offer
from tracker.settings import Home

TRIES = 3  # a single stream that our own machine distorted is asked again


def money(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise UsageError(f"{option} {text!r} is not an amount of USD") from None
    if not value.is_finite() or value < 0:
        raise UsageError(f"{option} {text!r} is not an amount of USD")
    return value


def direct_target(
    url: str, model: str, provider: str, dialect: str, key_env: str, input_price: str, output_price: str
) -> Target:
    """A target from options alone. Its price must be said: without it no budget can be kept."""
    check_url(url)
    dialect_named(dialect)
    if not model:
        raise UsageError("--url needs --model")
    if not input_price or not output_price:
        raise UsageError("--url needs --input-price and --output-price (0 if it is free): no budget without a price")
    prices = money(input_price, "--input-price"), money(output_price, "--output-price")
    return Target(Offer(provider, model), url, dialect, key_env, *prices)


def direct_plan(target: Target, workloads: str, ladder: str, now_utc: datetime) -> Plan:
    """The named workloads one after another, then the rungs of the ladder."""
    bursts: list[tuple[Workload, int]] = [(_workload(name), 1) for name in workloads.split(",") if name.strip()]
    for rung in filter(None, ladder.split(",")):
        if not rung.strip().isdigit() or not 1 <= int(rung) <= 256:
            raise UsageError(f"--ladder {rung!r}: concurrencies are 1 to 256")
        bursts.append((WORKLOADS["100/300"], int(rung)))
    steps = []
    for workload, concurrency in bursts:
        expected, worst, tokens = burst_cost(target, workload, concurrency)
        steps.append(Step(target, workload, concurrency, now_utc, expected, worst, tokens, "asked for"))
    return Plan(tuple(steps), ())


def _workload(name: str) -> Workload:
    try:
        return WORKLOADS[name.strip()]
    except KeyError:
        raise UsageError(f"no workload {name.strip()!r}: one of {', '.join(WORKLOADS)}") from None


def candidates_of(history: Path, names: Sequence[str]) -> list[Candidate]:
    """Offers of the published ledger that have an endpoint; those named, else all."""
    from warehouse.history import open_history

    with open_history(history) as ledger:
        rows = ledger.rows(_CANDIDATES, [sorted(endpoints()), list(names), list(names)])
        flagged = {row["offer"] for row in ledger.rows("SELECT DISTINCT offer FROM flags WHERE closed_at IS NULL")}
    if missing := sorted(set(names) - {str(row["offer"]) for row in rows}):
        raise UsageError(f"no offer {missing[0]} with a known endpoint: see `tracker offers`, or give --url")
    return [_candidate(row, row["offer"] in flagged) for row in rows]


_CANDIDATES = """
WITH latest AS (SELECT offer, max(started_at) AS probed_at FROM probes GROUP BY offer),
lowest AS (
    SELECT provider, listed_name, min(amount) FILTER (measure = 'requests' AND per = 'minute') AS requests,
           min(amount) FILTER (measure = 'tokens' AND per = 'minute') AS tokens,
           min(amount) FILTER (measure = 'concurrency') AS concurrency
    FROM limits WHERE ended_at IS NULL AND status = 'number' GROUP BY provider, listed_name
), dearest AS (
    SELECT offer, max(amount_usd) FILTER (component = 'input') AS input,
           max(amount_usd) FILTER (component = 'output') AS output
    FROM price_history WHERE ended_at IS NULL AND unit = 'mtok' GROUP BY offer
)
SELECT o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant,
       greatest(o.input_usd_per_mtok, dearest.input) AS input_usd_per_mtok,
       greatest(o.output_usd_per_mtok, dearest.output) AS output_usd_per_mtok,
       o.changed_at, o.context_tokens, latest.probed_at, coalesce(own.requests, account.requests) AS requests,
       coalesce(own.tokens, account.tokens) AS tokens, coalesce(own.concurrency, account.concurrency) AS concurrency
FROM offers o LEFT JOIN latest ON latest.offer = o.offer LEFT JOIN dearest ON dearest.offer = o.offer
LEFT JOIN lowest own ON own.provider = o.provider AND own.listed_name = o.listed_name
LEFT JOIN lowest account ON account.provider = o.provider AND account.listed_name = ''
WHERE o.provider IN (SELECT unnest(?)) AND o.tier IN ('standard', 'free')
  AND (len(?::VARCHAR[]) = 0 OR o.offer IN (SELECT unnest(?::VARCHAR[])))
ORDER BY o.offer
"""


def _candidate(row: dict[str, Any], has_flag: bool) -> Candidate:
    offer = Offer(row["provider"], row["listed_name"], row["tier"], row["region"], row["variant"])
    price = [None if row[name] is None else Decimal(str(row[name])) for name in _PRICES]
    count = {name: None if row[name] is None else int(row[name]) for name in _COUNTS}
    return Candidate(
        target_for(offer, price[0], price[1]),
        has_flag,
        row["changed_at"],
        row["probed_at"],
        count["requests"],
        count["tokens"],
        count["concurrency"],
        count["context_tokens"],
    )


_PRICES = ("input_usd_per_mtok", "output_usd_per_mtok")
_COUNTS = ("requests", "tokens", "concurrency", "context_tokens")


def day_plan(
    candidates: Iterable[Candidate], usd_per_day: Decimal, now_utc: datetime, spent_usd: Decimal, whole_day: bool
) -> Plan:
    """The plan of the day or of the running hour."""
    made = plan_day(candidates, Policy(usd_per_day), now_utc, spent_usd)
    return made if whole_day else due(made, now_utc)


def with_key(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those whose key stands in the environment."""
    return [each for each in candidates if os.environ.get(each.target.key_env, "").strip()]


def why_nothing(
    known: Sequence[Candidate], asked: Sequence[Candidate], usd_per_day: Decimal, now_utc: datetime, spent_usd: Decimal
) -> str:
    """Why no burst is due now, and what would change it. `known`: all with an endpoint; `asked`: those with a key."""
    if not known:
        return "nothing to probe: no offer of the ledger has a known endpoint; give --url, or [[probe.targets]]"
    if not asked:
        keys = sorted({each.target.key_env for each in known})
        named = ", ".join(keys[:5]) + (f" or {len(keys) - 5} others" if len(keys) > 5 else "")
        return f"nothing to probe: {len(known)} offers have a known endpoint, but no key is set: set {named}"
    day = day_plan(asked, usd_per_day, now_utc, spent_usd, whole_day=True)
    if day.steps:
        first = day.steps[0]
        return f"nothing is due this hour: next {first.target.offer} {first.workload.name} at {first.at_utc:%H:%M} UTC"
    reason = day.left_out[0] if day.left_out else "all of today's times are past"
    return f"nothing to probe today: {reason} ({len(asked)} offers, {spent_usd} of {usd_per_day} USD spent or reserved)"


def run_plan(
    plan: Plan, purse: Purse, vantage: Vantage, key_file: Path | None, say: Callable[[str], None]
) -> tuple[list[Row], str]:
    """Run the steps in order; the rows, and why it stopped early if it did. Keys are read before anything is sent."""
    keys = {step.target.key_env: read_key(step.target.key_env, key_file) for step in plan.steps}
    return run(run_steps(plan, keys, purse, vantage, say))


async def run_steps(
    plan: Plan, keys: dict[str, Key], purse: Purse, vantage: Vantage, say: Callable[[str], None]
) -> tuple[list[Row], str]:
    rows: list[Row] = []
    last: dict[str, float] = {}
    clock = asyncio.get_running_loop().time
    for step in plan.steps:
        provider = step.target.offer.provider
        if provider in last and not _is_local(step.target):
            await asyncio.sleep(max(0.0, last[provider] + PROVIDER_GAP_S - clock()))
        made: list[Row] = []
        try:
            for _ in range(TRIES):
                if made and not (step.concurrency == 1 and made[-1]["outcome"] == "distorted"):
                    break
                key = keys[step.target.key_env]
                made += await run_burst(step.target, step.workload, step.concurrency, key, purse, vantage)
        except TrackerError as error:
            return rows + made, str(error)
        except asyncio.CancelledError:  # interrupted: what was measured until here is kept
            return rows + made, "interrupted"
        last[provider] = clock()
        rows += made
        good = sum(row["outcome"] == "ok" for row in made)
        say(f"{step.target.offer} {step.workload.name} x{step.concurrency}: {good} of {len(made)} ok")
    return rows, ""


def _is_local(target: Target) -> bool:
    from urllib.parse import urlsplit

    return is_loopback(urlsplit(target.base_url).hostname or "")


def ingest_folder(folder: Path, home: Home) -> tuple[int, int, list[str]]:
    """Take the result files of a folder and publish; rows taken, files known before, and what was rejected."""
    from tracker.probe.learned import store_learned
    from warehouse.history import publish
    from warehouse.probes import store_file
    from warehouse.store import writing

    taken, known, now_utc = 0, 0, datetime.now(UTC).replace(tzinfo=None)
    rejected: list[str] = []
    with writing(home.warehouse, home.write_lock) as connection:
        for path in result_files(folder):
            try:
                digest, rows = read_rows(path, now_utc)
                stored = store_file(connection, digest, rows)
            except (TrackerError, OSError) as error:
                rejected.append(str(error) if isinstance(error, TrackerError) else f"{path.name}: {error.strerror}")
                continue
            taken += stored
            known += stored == 0 and bool(rows)
        if taken:
            store_learned(connection, home)
    if taken and not publish(home.warehouse, home.history, home.write_lock):
        raise StoreError(f"cannot publish {home.history}")
    return taken, known, rejected


def tell(rows: Sequence[Row]) -> list[str]:
    """The rows of a run in words: a line per workload, then prefill and signs per offer."""
    lines: list[str] = []
    for offer in dict.fromkeys(row["offer"] for row in rows):
        own = [row for row in rows if row["offer"] == offer]
        lines.append(offer + (" (sandbox)" if any(row["is_sandbox"] for row in own) else ""))
        lines += [f"  {_line(each)}" for each in typical(own)]
        if fit := prefill(own):
            lines.append(f"  prefill {fit.tok_s:,.0f} tok/s, fixed part of the first token {fit.fixed_ms:.0f} ms")
        lines += [f"  {sign.kind}: {sign.sentence}" for sign in signs(own)]
    return lines


def _line(each: Typical) -> str:
    head = f"{each.workload} x{each.concurrency}: "
    if not each.good:
        return head + ", ".join(f"{count} {outcome}" for outcome, count in each.outcomes.items())
    speed = f"{1000 / each.itl_ms:.1f} tok/s" if each.itl_ms else "one chunk"
    total = f", {each.burst_tok_s:.0f} tok/s together" if each.burst_tok_s and each.concurrency > 1 else ""
    bad = "".join(f", {count} {outcome}" for outcome, count in each.outcomes.items() if outcome != "ok")
    return f"{head}first token {each.ttft_ms:.0f} ms, {speed}{total}, whole {each.e2e_ms:.0f} ms{bad}"
