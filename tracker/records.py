"""The frozen records that travel between layers. No I/O, no behaviour beyond identity.

One word per idea (design vocabulary): an *offer* is what can be billed; a *quote* is one of its prices; a *declaration*
is what the seller says about it; a *limit* is how much of it one may use; a *metric* is somebody else's measurement.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tracker.conditions import ALWAYS, Condition

COMPONENTS = frozenset(
    [
        "input",
        "output",
        "cache_read",
        "cache_write",
        "cache_write_5m",
        "cache_write_1h",
        "cache_storage_hour",
        "reasoning",
        "request",
        "search",
        "image_in",
        "image_out",
        "audio_in",
        "audio_out",
        "audio_cache_read",
        "video_in",
        "video_out",
        "text_hour",
        "embedding",
        "rerank",
    ]
)
UNITS = frozenset(
    [
        "mtok",
        "image",
        "request",
        "second",
        "minute",
        "hour",
        "character",
        "mchar",
        "page",
        "mtok_hour",
        "search_unit",
    ]
)
TIERS = frozenset(["standard", "batch", "flex", "priority", "fast", "free"])
BASES = frozenset(("list", "discount", "effective"))
# known: a positive price. free: zero with positive evidence. zero_claimed: a bare 0 that nothing else proves.
# dynamic: priced per request by a router. unknown: the offer exists, its price was not published.
PRICE_STATUSES = frozenset(("known", "free", "zero_claimed", "dynamic", "unknown"))
LIMIT_MEASURES = frozenset(
    ["requests", "inputs", "tokens", "input_tokens", "output_tokens", "images", "concurrency", "audio_seconds"]
)
LIMIT_WINDOWS = frozenset(["second", "minute", "hour", "day", "month", "instant"])
LIMIT_STATUSES = frozenset(("number", "unlimited", "dynamic", "unknown"))
LEARNED_FROM = frozenset(("page", "api", "header", "429", "console", "article"))
COMMITMENTS = frozenset(
    ["on_demand", "spot", "reserved_1m", "reserved_3m", "reserved_6m", "reserved_1y", "reserved_3y"]
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be billed: provider x listed name x tier x region x variant tag."""

    provider: str
    listed_name: str
    tier: str = "standard"
    region: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """`provider/listed-name[:tier][@region][#tag]`."""
        tier = "" if self.tier == "standard" else f":{self.tier}"
        region = f"@{self.region}" if self.region else ""
        variant = f"#{self.variant}" if self.variant else ""
        return f"{self.provider}/{self.listed_name}{tier}{region}{variant}"


@dataclass(frozen=True, slots=True)
class Quote:
    """One price point: `amount` in `currency` per `unit`; None unless the status is known, free or zero_claimed."""

    offer: Offer
    component: str
    amount: Decimal | None
    currency: str
    status: str = "known"
    unit: str = "mtok"
    basis: str = "list"
    condition: Condition = ALWAYS
    priority: int = 0
    raw: str = ""  # the amount exactly as the source wrote it, with its unit where it has one
    locator: str = ""  # where in the capture: JSON pointer, table row, line


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the source says of an offer: precision, context_tokens, hugging_face_id ..."""

    offer: Offer
    attribute: str
    value: str
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one account may use. `listed_name` "" means the limit holds for the whole account."""

    provider: str
    listed_name: str
    account_tier: str  # the seller's own word: "free", "tier 1", "build" ...; "" where the seller has one tier
    measure: str
    window: str
    amount: Decimal | None
    status: str = "number"
    learned_from: str = "page"
    tier: str = "standard"
    region: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """Somebody else's measurement. `name` carries its unit: throughput_tok_s, ttft_ms, uptime_pct, cache_hit_pct ..."""

    offer: Offer
    name: str
    statistic: str  # p50, p75, p90, p99, mean, last
    window: str  # 30m, 1d, 72h; "" unknown
    value: float
    measured_at: datetime | None = None
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Rental:
    """The price of one accelerator for one hour. Never per instance: the source divides."""

    lessor: str
    accelerator: str  # the accelerator facts' name where known, else the lessor's own
    listed_name: str
    commitment: str
    amount: Decimal
    currency: str
    region: str = ""
    form: str = ""  # SXM, PCIe, NVL; "" unknown
    gpu_count: int = 1
    memory_gb: float | None = None
    effective_from: datetime | None = None
    locator: str = ""


@dataclass(frozen=True, slots=True)
class FxRate:
    """`rate` units of `quote_currency` per one `base_currency`, as published for `published_date`."""

    base_currency: str
    quote_currency: str
    published_date: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Demand:
    """Tokens of a model that passed one router on one day."""

    listed_name: str
    day: date
    tokens: int
    scope: str = ""  # what the counter covers: "", an app, a provider
    locator: str = ""
    prompt_tokens: int | None = None  # of `tokens`; None: the counter does not tell them apart
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the source should know and a parser could not turn into a record."""

    kind: str  # unknown_word, skipped, shell_page, bad_row ...
    text: str
    locator: str = ""


Record = Quote | Declaration | Limit | Metric | Rental | FxRate | Demand | Notice
