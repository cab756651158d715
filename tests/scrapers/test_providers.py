"""Names of offers: a tier behind a name is a tier, whoever lists it, so that no two offers are written alike."""

import pytest

from scrapers.providers import offer_named
from tracker.records import Offer


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("google/gemma-4-31b-it:free", Offer("openrouter", "google/gemma-4-31b-it", "free")),
        ("anthropic/claude-opus-5:batch", Offer("openrouter", "anthropic/claude-opus-5", "batch")),
        ("openai/gpt-oss-120b:nitro", Offer("openrouter", "openai/gpt-oss-120b", variant="nitro")),
        ("library/llama3:8b", Offer("openrouter", "library/llama3:8b")),
        (":free", Offer("openrouter", ":free")),
    ],
)
def test_a_suffix_is_read_once_for_all_catalogues(name: str, offer: Offer) -> None:
    assert offer_named("openrouter", name) == offer


def test_other_sellers_have_tiers_but_no_doors() -> None:
    assert offer_named("poe", "m:free", "us", "v") == Offer("poe", "m", "free", "us", "v")
    assert offer_named("poe", "m:nitro") == Offer("poe", "m:nitro")
