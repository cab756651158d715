"""A public tracker's hand-kept rate limits of 18 sellers, each row with the seller's page it was read from.

Requests and tokens per minute and day by account tier; Anthropic-style input and output tokens apart. `null` means
"not published or not applicable": a tier without any number is dynamic where its note says so, else unknown. The model
ids are the tracker's own spelling; a locator starts with the seller's page.
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_count, as_object, as_text, json_body, rows_at
from scrapers.providers import provider_of, unknown_provider
from scrapers.source import Capture, Request, Source
from tracker.records import Limit, Notice, Record

SOURCE = Source(
    id="rate_limits_tracker",
    title="llm-rate-limits-tracker",
    kind="limits",
    requests=(
        Request("https://raw.githubusercontent.com/llerandi/llm-rate-limits-tracker/main/data/rate-limits.json"),
    ),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per minute or day",
    min_rows=30,
    terms="public repository; figures read by hand from the sellers' pages",
    proof="recorded",
    proof_url="https://github.com/llerandi/llm-rate-limits-tracker/blob/main/data/rate-limits.json",
    copies=("*",),
    notice="read by hand: where a seller's own page is a source here, that page is the witness",
)


def parse(capture: Capture) -> Iterator[Record]:
    """The whole file, one day of its history, or one seller's file: all have `models`."""
    for locator, row in rows_at(json_body(capture), "models"):
        yield from _model(row, locator)


def _model(row: JsonObject, locator: str) -> Iterator[Record]:
    word = as_text(row.get("provider_id"))
    provider = provider_of(word, PROVIDERS)
    if provider is None:
        yield from unknown_provider(word, locator)
        return
    page = as_text(row.get("docs_url")) or PAGES.get(word, "")
    for tier, stated in as_object(row.get("limits")).items():
        place = f"{page} {locator}/limits/{tier}".strip()
        found = list(_tier(provider.id, as_text(row.get("model_id")), tier, as_object(stated), place))
        yield from found or _unnumbered(provider.id, as_text(row.get("model_id")), tier, as_object(stated), place)


def _tier(provider: str, model: str, tier: str, stated: JsonObject, locator: str) -> Iterator[Record]:
    for key, (measure, window) in MEASURES.items():
        amount = as_count(stated.get(key))
        if amount is not None:
            yield Limit(provider, model, tier, measure, window, Decimal(amount), locator=f"{locator}/{key}")
        elif stated.get(key) is not None:
            yield Notice("bad_row", f"{provider} {model} {tier}: {key} is {str(stated[key])[:40]!r}", locator)


def _unnumbered(provider: str, model: str, tier: str, stated: JsonObject, locator: str) -> Iterator[Record]:
    """A tier without a number: what its note says of requests or of concurrency, else unknown."""
    note = f"{tier} {as_text(stated.get('notes'))}".lower()
    measure, window = ("concurrency", "instant") if "concurrency" in note else ("requests", "minute")
    status = next((status for words, status in NOTES.items() if words in note), "unknown")
    yield Limit(provider, model, tier, measure, window, None, status, locator=f"{locator}/notes")


NOTES = {"no rpm limit": "unlimited", "dynamic": "dynamic"}
PROVIDERS = {"qwen": "alibaba"}
MEASURES = {
    "rpm": ("requests", "minute"),
    "rpd": ("requests", "day"),
    "tpm": ("tokens", "minute"),
    "tpd": ("tokens", "day"),
    "itpm": ("input_tokens", "minute"),
    "otpm": ("output_tokens", "minute"),
}
# The history files leave the page out; it is the one the same tracker names for the seller elsewhere.
PAGES = {
    "ai21": "https://docs.ai21.com/docs/rate-limits",
    "amazon-bedrock": "https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html",
    "anthropic": "https://docs.anthropic.com/en/api/rate-limits",
    "azure-openai": "https://learn.microsoft.com/en-us/azure/ai-services/openai/quotas-limits",
    "cerebras": "https://inference-docs.cerebras.ai/support/rate-limits",
    "cohere": "https://docs.cohere.com/docs/rate-limits",
    "deepseek": "https://api-docs.deepseek.com/",
    "fireworks-ai": "https://docs.fireworks.ai/guides/quotas_usage/rate-limits",
    "google": "https://ai.google.dev/gemini-api/docs/rate-limits",
    "groq": "https://console.groq.com/docs/rate-limits",
    "mistral": "https://docs.mistral.ai/admin/user-management-finops/tier",
    "nvidia-nim": "https://build.nvidia.com/explore/discover",
    "openai": "https://platform.openai.com/docs/guides/rate-limits",
    "perplexity": "https://docs.perplexity.ai/docs/admin/rate-limits-usage-tiers",
    "qwen": "https://www.alibabacloud.com/help/en/model-studio/rate-limit",
    "sambanova": "https://docs.sambanova.ai/docs/en/models/rate-limits",
    "together-ai": "https://docs.together.ai/docs/rate-limits",
    "xai": "https://docs.x.ai/docs",
}
