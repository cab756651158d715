"""What a price costs once its limits bite: sustained concurrency, effective price, the share of a crowd that fits.

A limit of `r` requests a minute sustains r / 60 x (seconds per request) requests at a time (Little's law). What does
not fit is bought from the cheapest offer of the same model that publishes no such limit; without one there is no price.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 30 * 86400.0}
CONCURRENCY = (1, 10, 100, 1000)
USERS = (10_000, 50_000)
UNPAID = ("free", "trial", "no payment")
REQUESTS_PER_USER_HOUR = 6.0  # a chat user in the busy hour: one question in ten minutes


@dataclass(frozen=True, slots=True)
class Usage:
    """One request: its length and how long it runs."""

    scenario: str = "chat-3400-500"
    prompt_tokens: int = 3400
    output_tokens: int = 500
    request_s: float = 10.0  # 50 tok/s, where nothing was measured

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def cost_usd(self, input_usd_per_mtok: float, output_usd_per_mtok: float) -> float:
        """USD per request."""
        return (self.prompt_tokens * input_usd_per_mtok + self.output_tokens * output_usd_per_mtok) / 1e6


@dataclass(frozen=True, slots=True)
class Allowance:
    """One published limit of one account tier. `amount` None: published as unlimited."""

    account_tier: str
    measure: str  # requests, tokens, input_tokens, output_tokens, concurrency
    per: str  # second, minute, hour, day, month; instant for concurrency
    amount: float | None

    @property
    def is_unpaid(self) -> bool:
        """Of an account that pays nothing: what it may send says nothing of what a paying one may."""
        return self.account_tier.lower().startswith(UNPAID)


def requests_per_s(allowance: Allowance, usage: Usage) -> float:
    """Sustained requests per second under one limit; infinite where it does not bind."""
    if allowance.amount is None:
        return math.inf
    if allowance.measure == "concurrency":
        return allowance.amount / usage.request_s
    spent = {
        "requests": 1,
        "tokens": usage.tokens,
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.output_tokens,
    }.get(allowance.measure)
    if spent is None or allowance.per not in SECONDS:
        return math.inf
    return allowance.amount / spent / SECONDS[allowance.per]


def best_tier(allowances: Iterable[Allowance], usage: Usage) -> tuple[str, float]:
    """The account tier that carries most, and its requests per second (all of a tier's limits bind at once)."""
    by_tier: dict[str, float] = {}
    for allowance in allowances:
        rate = requests_per_s(allowance, usage)
        by_tier[allowance.account_tier] = min(by_tier.get(allowance.account_tier, math.inf), rate)
    if not by_tier:
        return "", math.inf
    return max(by_tier.items(), key=lambda item: (item[1], item[0]))


def sustained_concurrency(requests_s: float, usage: Usage) -> float:
    return requests_s * usage.request_s


def effective_request_usd(own: float, overflow: float | None, capacity: float, demand: float) -> float | None:
    """USD per request when `demand` units are wanted and `capacity` fit; None where the rest has no price."""
    if demand <= capacity:
        return own
    if overflow is None:
        return None
    share = capacity / demand
    return share * own + (1 - share) * overflow


def ladder(
    own: float, overflow: float | None, requests_s: float, usage: Usage, steps: Sequence[int] = CONCURRENCY
) -> tuple[tuple[int, float | None], ...]:
    """Effective USD per request at each concurrency."""
    capacity = sustained_concurrency(requests_s, usage)
    return tuple((step, effective_request_usd(own, overflow, capacity, step)) for step in steps)


def crowd(requests_s: float, users: Sequence[int] = USERS) -> tuple[tuple[int, float], ...]:
    """The share of the busy hour's requests that fits, for each number of users."""
    return tuple((count, min(1.0, requests_s / (count * REQUESTS_PER_USER_HOUR / 3600))) for count in users)
