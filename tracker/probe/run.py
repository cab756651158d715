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
from tracker.probe.connection import PATIENCE, Patience
from tracker.probe.inbox import Row
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.prices import cost_usd, worst_cost_usd
from tracker.probe.reply import Reply
from tracker.probe.stream import STAGGER_S, burst, is_loopback
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
    costs = [bill(target, ask, reply) for ask, reply in zip(asks, replies, strict=True)]
    purse.ledger.settle_all(zip(reservations, costs, strict=True))
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
    """Reserve the worst case of every request: all of them or none."""
    if target.input_usd_per_mtok is None or target.output_usd_per_mtok is None:
        raise ProbeError(f"the price of {target.offer} is unknown: give --input-price and --output-price")
    worst = [_worst(ask, target.input_usd_per_mtok, target.output_usd_per_mtok) for ask in asks]
    return purse.ledger.reserve_all(worst, purse.usd_per_day, purpose)


def _worst(ask: Ask, input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal) -> Decimal:
    size = len(ask.prompt.encode()) + len(ask.system.encode()) + BODY_BYTES
    return worst_cost_usd(size, ask.max_tokens, input_usd_per_mtok, output_usd_per_mtok)


def bill(target: Target, ask: Ask, reply: Reply) -> Decimal:
    """What a request cost by the seller's count. Without a usable count it is the whole reservation."""
    assert target.input_usd_per_mtok is not None
    assert target.output_usd_per_mtok is not None
    usage = reply.usage
    if reply.sent is None or reply.outcome in UNBILLED:
        return Decimal(0)
    if usage.input_tokens is None or usage.output_tokens is None:
        return _worst(ask, target.input_usd_per_mtok, target.output_usd_per_mtok)
    return cost_usd(usage.input_tokens, usage.output_tokens, target.input_usd_per_mtok, target.output_usd_per_mtok)


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
