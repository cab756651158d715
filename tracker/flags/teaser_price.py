"""teaser_price: the published price holds only under limits far below what a buyer needs.

The figures come from tracker.market.effective: how many concurrent requests the best published account tier carries,
and what a request costs once the rest must be bought elsewhere. "Free, one request a second" is a teaser, not a price.
What has no published limit is not judged; where the overflow price is unknown the flag says so.
"""

import math
from dataclasses import dataclass

from tracker.flags.finding import HEARSAY, Evidence, Figure, Finding, Rule, found, usd
from tracker.flags.odds import ramp

RULE = Rule(
    "teaser_price",
    version=3,  # since 2: a paid price is bound by the limits of paying accounts only
    open_at=0.6,
    close_at=0.45,
    quiet_days=7,
    calibrated=False,
    meaning="a buyer with ten concurrent users cannot buy at this price",
)
# A limited price is a teaser only if it is at most half of what the overflow costs, or free where nothing is known.
MEANINGFUL_SAVING = 0.5


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one price carries. `effective` pairs concurrency with USD per request; None where nothing is on sale."""

    offer: str
    request_usd: float
    overflow_request_usd: float | None
    overflow_offer: str
    concurrent: float  # sustained concurrent requests the best published tier allows
    account_tier: str
    limits_text: str
    effective: tuple[tuple[int, float | None], ...]
    users: tuple[tuple[int, float], ...]  # users, share of their requests that fits
    scenario: str
    evidence: tuple[Evidence, ...] = ()
    hearsay: bool = False  # only a copy of other people's lists states the price


def judge(reach: Reach) -> Finding | None:
    """Likelier the fewer concurrent requests fit: 0.95 at one or less, nothing from a hundred on."""
    overflow = reach.overflow_request_usd
    if reach.request_usd > MEANINGFUL_SAVING * (overflow or 0.0):
        return None
    probability = ramp(math.log10(max(reach.concurrent, 1e-3)), 2.0, 0.3)
    if probability <= 0:
        return None
    price = "free" if reach.request_usd == 0 else f"{usd(reach.request_usd * 1000)} per thousand requests"
    return found(
        RULE,
        reach.offer,
        probability,
        f"{price.capitalize()}, but its best published tier ({reach.account_tier or 'the only one'}: "
        f"{reach.limits_text}) sustains {_count(reach.concurrent)}. {_beyond(reach)}",
        "A published tier at this price that carries 100 concurrent requests, or a limit learned by a paying account.",
        scenario=reach.scenario,
        figures=(
            Figure("concurrent", reach.concurrent, "requests"),
            *(Figure(f"effective_at_{n}", cost, "USD/request") for n, cost in reach.effective if cost is not None),
            *(Figure(f"share_of_{n}_users", share, "") for n, share in reach.users),
        ),
        evidence=reach.evidence,
        held=HEARSAY if reach.hearsay else "",
    )


def _count(concurrent: float) -> str:
    if concurrent < 1:
        return "less than one request at a time"
    return f"about {concurrent:.0f} concurrent request{'s' if round(concurrent) != 1 else ''}"


def _beyond(reach: Reach) -> str:
    users, share = reach.users[0] if reach.users else (0, 0.0)
    crowd = f"Of {users:,} users' requests {share:.1%} fit. " if users else ""
    costs = dict(reach.effective)
    needed = costs.get(100)
    if needed is None or reach.overflow_request_usd is None:
        return f"{crowd}Nothing else sells this model here, so beyond that there is no price."
    elsewhere = f"with the rest bought from {reach.overflow_offer}"
    return f"{crowd}At 100 concurrent requests it is {usd(needed * 1000)} per thousand requests {elsewhere}."
