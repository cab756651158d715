"""What `tracker audit` does around an audit: endpoints from offers or URLs, the plan, the money, the rows to keep."""

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tracker.audit.ask import Party, Wallet
from tracker.audit.noise import HonestNoise
from tracker.audit.plan import Endpoints, Step, plan_audit, total_cost
from tracker.audit.run import Report, Table, run_audit
from tracker.errors import ProbeError, UsageError
from tracker.probe.budget import Ledger
from tracker.probe.desk import candidates_of, direct_target
from tracker.probe.keys import NO_KEY, Key, read_key
from tracker.probe.prices import GRAIN
from tracker.probe.stream import is_loopback, run
from tracker.probe.targets import Target

# Honest noise assumed while planning, before any control has answered: what bench/audit.py learns, rounded up.
ASSUMED = HonestNoise(0.08, 0, 0)
FEWEST_PROMPTS = 50  # what the greedy texts take


@dataclass(frozen=True, slots=True)
class Defaults:
    """What endpoints given as URLs have in common."""

    model: str
    dialect: str
    key_env: str
    input_price: str
    output_price: str
    key_file: Path | None = None


def endpoint(spec: str, defaults: Defaults, history: Path) -> Target:
    """An offer of the ledger, or `URL` or `MODEL@URL` (a llama.cpp, vLLM or SGLang server is one such line)."""
    if "://" not in spec:
        return candidates_of(history, [spec])[0].target
    model, _, url = spec.rpartition("@")
    parts = urlsplit(url)
    provider = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    chosen = model or defaults.model
    if not chosen:
        raise UsageError(f"{url} needs a model: write MODEL@URL or say --model")
    return direct_target(
        url, chosen, provider.lower(), defaults.dialect, defaults.key_env, defaults.input_price, defaults.output_price
    )


def seat(
    suspect: Target,
    reference: Target,
    controls: Sequence[Target],
    budget_usd: float,
    defaults: Defaults,
    honest_noise: float | None = None,
    sends: bool = True,
) -> Table:
    """Everybody with a key and one wallet. Keys are read before anything is sent; a mere plan needs none."""
    wallet = Wallet(budget_usd)
    keys: dict[str, Key] = {}

    def party(target: Target) -> Party:
        if not sends:
            return Party(target, NO_KEY, wallet)
        if target.key_env not in keys:
            keys[target.key_env] = read_key(target.key_env, defaults.key_file)
        return Party(target, keys[target.key_env], wallet)

    known = HonestNoise(honest_noise, 0, 0) if honest_noise else None
    return Table(party(suspect), party(reference), [party(target) for target in controls], known)


def read_prompts(path: Path | None) -> list[str] | None:
    """Prompts of one's own, a line each, each asked once; UsageError where there are too few to audit with."""
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no prompts can be read there: {error}") from error
    found = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(found) < FEWEST_PROMPTS:
        raise UsageError(f"{path} has {len(found)} different prompts; an audit wants {FEWEST_PROMPTS} or more")
    return found


def plan(table: Table, budget_usd: float, border_prompts: int, context_tokens: int = 0, tools: int = 0) -> list[Step]:
    """The steps this table can take under the budget."""
    everyone = (table.suspect, table.reference, *table.controls)
    if tools and any(party.target.dialect != "openai_chat" for party in (table.suspect, table.reference)):
        raise UsageError("--tools needs chat endpoints on both sides: say --dialect openai_chat")
    has_window = len(table.controls) >= 2 or table.honest is not None
    seats = Endpoints(
        table.suspect.price,
        table.reference.price,
        tuple(control.price for control in table.controls),
        reference_shows_logprobs=has_window and table.reference.target.dialect.startswith("openai"),
        reference_echoes=all(party.reads_raw_text for party in everyone),
    )
    return plan_audit(seats, table.honest or ASSUMED, budget_usd, border_prompts, 0.95, context_tokens, tools)


def carry_out(table: Table, steps: Sequence[Step], ledger: Ledger, seed: int, say: Callable[[str], None]) -> Report:
    """Run the plan. The whole bound is set aside in the day's ledger first and settled by what was billed."""
    bound = Decimal(total_cost(steps)).quantize(GRAIN, ROUND_UP)
    purpose = f"audit of {table.suspect.target.offer}"
    reservation = ledger.reserve(bound, ledger.today().total + Decimal(str(table.suspect.wallet.budget_usd)), purpose)
    try:
        report = run(run_audit(table, steps, seed, say))
    except* ProbeError as errors:
        raise ProbeError("; ".join(str(error) for error in errors.exceptions)) from None
    ledger.settle(reservation, Decimal(str(round(billed(table), 9))))
    return report


def billed(table: Table) -> float:
    """USD by reported usage, all endpoints together."""
    return sum(party.billed_usd for party in (table.suspect, table.reference, *table.controls))


def rows_of(table: Table, report: Report, started_at: datetime, vantage: str) -> list[dict[str, Any]]:
    """Rows for `core.audit`: one per method, then the verdict."""
    target = table.suspect.target
    shared = {
        "audit_id": uuid.uuid4().hex,
        "started_at": started_at,
        "offer": str(target.offer),
        "provider": target.offer.provider,
        "listed_name": target.offer.listed_name,
        "host": urlsplit(target.base_url).netloc,
        "reference": name_of(table.reference),
        "controls": ", ".join(name_of(control) for control in table.controls),
        "vantage": vantage,
        "e_value": next((f.statistic for f in report.findings if f.method == "watch"), None),
        "is_sandbox": is_loopback(urlsplit(target.base_url).hostname or "")  # a server of this machine is no market
        or any(party.is_sandbox for party in (table.suspect, table.reference, *table.controls)),
    }
    verdict = report.verdict
    found = [
        _row(
            f.method,
            f.queries,
            f.output_tokens,
            f.statistic,
            f.p_value,
            f.kl,
            f.detectable_kl,
            f.power,
            "",
            f.note,
            None,
        )
        for f in report.findings
    ]
    last = _row(
        "verdict",
        sum(f.queries for f in report.findings),
        sum(f.output_tokens for f in report.findings),
        None, verdict.p_value, verdict.kl, None, None, verdict.kind, verdict.sentence, billed(table),
    )  # fmt: skip
    return [shared | row for row in (*found, last)]


def _row(method: str, queries: int, tokens: int, *rest: Any) -> dict[str, Any]:
    statistic, p_value, kl, detectable, power, kind, sentence, cost = rest
    return {
        "method": method,
        "queries": queries,
        "output_tokens": tokens,
        "statistic": statistic,
        "p_value": p_value,
        **{f"kl_{end}": _finite(getattr(kl, end, None)) for end in ("low", "mid", "high")},
        "detectable_kl": detectable,
        "power": power,
        "verdict": kind,
        "sentence": sentence,
        "cost_usd": cost,
    }


def _finite(value: float | None) -> float | None:
    """NULL where a bound does not exist: all or nothing flipped."""
    return value if value is not None and math.isfinite(value) else None


def name_of(party: Party) -> str:
    """An endpoint as a reader knows it: the offer, with the address where it is not in the ledger."""
    target = party.target
    return f"{target.offer} at {target.base_url}" if ":" in target.offer.provider else str(target.offer)
