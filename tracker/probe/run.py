"""Run bursts: money reserved, requests sent, replies turned into rows."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

from tracker.errors import ProbeError
from tracker.probe.budget import Ledger
from tracker.probe.dialects import Ask
from tracker.probe.inbox import Row
from tracker.probe.keys import Key
from tracker.probe.measure import Reply
from tracker.probe.prices import cost_usd, worst_cost_usd
from tracker.probe.stream import PATIENCE, STAGGER_S, Patience, burst, is_loopback
from tracker.probe.targets import Target
from tracker.probe.workloads import Workload, prompt

BODY_BYTES = 400  # JSON around the prompt


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where a measurement was made."""

    name: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Purse:
    """Where the money comes from: the ledger and the day's budget."""

    ledger: Ledger
    usd_per_day: Decimal


def ask_for(target: Target, workload: Workload, nonce: int) -> Ask:
    return Ask(target.model, prompt(workload, nonce), workload.output_tokens, workload.temperature)


async def run_burst(
    target: Target,
    workload: Workload,
    concurrency: int,
    key: Key,
    purse: Purse,
    vantage: Vantage,
    patience: Patience = PATIENCE,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Row]:
    """One burst from reservation to rows. Nothing is sent when a price is unknown or the budget does not cover it."""
    burst_id = uuid.uuid4().hex
    asks = [ask_for(target, workload, uuid.uuid4().int) for _ in range(concurrency)]
    reservations = reserve(target, asks, purse, f"{target.offer} {workload.name}")
    started_at = clock().replace(tzinfo=None)
    replies = await burst(target, asks, key, patience, STAGGER_S)
    costs = [settle(target, ask, reply, purse, r) for ask, reply, r in zip(asks, replies, reservations, strict=True)]
    is_here = is_loopback(urlsplit(target.base_url).hostname or "")  # a server of this machine is never the market
    shared = _shared(target, workload, concurrency, vantage) | {
        "burst_id": burst_id,
        "started_at": started_at.isoformat(timespec="microseconds"),
        "burst_tok_s": burst_tok_s(replies),
    }
    rows = []
    for number, (reply, cost) in enumerate(zip(replies, costs, strict=True)):
        own = {"stream": number, "cost_usd": str(cost), "probe_id": f"{burst_id}-{number}"}
        rows.append(shared | row_of(reply) | own | {"is_sandbox": reply.is_sandbox or is_here})
    return rows


def reserve(target: Target, asks: Sequence[Ask], purse: Purse, purpose: str) -> list[str]:
    """Reserve the worst case of every request; all of them or, with the money given back, none."""
    if target.input_usd_per_mtok is None or target.output_usd_per_mtok is None:
        raise ProbeError(f"the price of {target.offer} is unknown: give --input-price and --output-price")
    made: list[str] = []
    try:
        for ask in asks:
            size = len(ask.prompt.encode()) + len(ask.system.encode()) + BODY_BYTES
            usd = worst_cost_usd(size, ask.max_tokens, target.input_usd_per_mtok, target.output_usd_per_mtok)
            made.append(purse.ledger.reserve(usd, purse.usd_per_day, purpose))
    except ProbeError:
        for reservation in made:
            purse.ledger.settle(reservation, Decimal(0))
        raise
    return made


def settle(target: Target, ask: Ask, reply: Reply, purse: Purse, reservation: str) -> Decimal:
    """Replace the reservation by the bill. Without a usable count the whole reservation stays spent."""
    assert target.input_usd_per_mtok is not None
    assert target.output_usd_per_mtok is not None
    prices = (target.input_usd_per_mtok, target.output_usd_per_mtok)
    usage = reply.usage
    if reply.sent is None or reply.outcome in UNBILLED:
        usd = Decimal(0)
    elif usage.input_tokens is not None and usage.output_tokens is not None:
        usd = cost_usd(usage.input_tokens, usage.output_tokens, *prices)
    else:
        size = len(ask.prompt.encode()) + len(ask.system.encode()) + BODY_BYTES
        usd = worst_cost_usd(size, ask.max_tokens, *prices)
    purse.ledger.settle(reservation, usd)
    return usd


UNBILLED = frozenset(("rate_limited", "denied", "redirect_refused"))  # refused before any token was made


def burst_tok_s(replies: Sequence[Reply]) -> float | None:
    """Tokens of all streams of a burst per second, from the first request sent to the last token."""
    good = [reply for reply in replies if reply.outcome == "ok" and reply.sent is not None and reply.last is not None]
    if not good:
        return None
    span = max(reply.last or 0.0 for reply in good) - min(reply.sent or 0.0 for reply in good)
    return sum(reply.streamed_tokens or 0 for reply in good) / span if span > 0 else None


def _shared(target: Target, workload: Workload, concurrency: int, vantage: Vantage) -> Row:
    offer = target.offer
    return {
        "offer": str(offer),
        "provider": offer.provider,
        "listed_name": offer.listed_name,
        "tier": offer.tier,
        "region": offer.region,
        "variant": offer.variant,
        "host": urlsplit(target.base_url).hostname or "",
        "dialect": target.dialect,
        "vantage": vantage.name,
        "vantage_region": vantage.region,
        "workload": workload.name,
        "temperature": workload.temperature,
        "max_tokens": workload.output_tokens,
        "concurrency": concurrency,
    }


def row_of(reply: Reply) -> Row:
    """A reply as the columns of `core.probe`; its text stays out."""
    timing, usage = reply.timing, reply.usage
    return {
        "outcome": reply.outcome,
        "detail": reply.detail,
        "status": reply.status,
        "dns_ms": timing.dns_ms,
        "connect_ms": timing.connect_ms,
        "tls_ms": timing.tls_ms,
        "ttft_ms": timing.ttft_ms,
        "ttft_content_ms": timing.ttft_content_ms,
        "itl_ms": timing.itl_ms,
        "output_tok_s": timing.output_tok_s,
        "e2e_ms": timing.e2e_ms,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cached_tokens": usage.cached_tokens,
        "streamed_tokens": reply.streamed_tokens,
        "token_source": reply.token_source,
        "first_chunk_tokens": reply.first_chunk_tokens,
        "chunks": reply.chunks,
        "estimated_tokens": reply.estimated_tokens,
        "lag_ms": max(reply.lag_ms, reply.last_lag_ms),
        "limits": json.dumps(dict(reply.limits), sort_keys=True),
        "is_sandbox": reply.is_sandbox,
    }
