"""Who a catalogue means: its spelling of a provider -> our provider id, from tracker/data/providers.csv.

The table is explicit and an unknown spelling is loud (`unknown_word`), never guessed from likeness: `vertex` and
`google` bill differently, `zai` and `zhipu` are two markets. `kind` tells apart what has no per-token price:
`plan` = a subscription priced at zero per token, `local` = a runtime on the reader's own machine.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from tracker.records import TIERS, Notice, Offer


@dataclass(frozen=True, slots=True)
class Provider:
    """Our id of a provider, its market where the spelling names one, and what kind of seller it is."""

    id: str
    region: str = ""
    kind: str = ""  # "" bills per token, "plan" a subscription, "local" not a seller


def spelling(word: str) -> str:
    """`Together AI`, `together_ai` and `together-ai` are one spelling."""
    return re.sub(r"[\s_]+", "-", word.strip().casefold())


@lru_cache(maxsize=1)
def spellings() -> dict[str, Provider]:
    """The whole table."""
    text = (resources.files("tracker") / "data" / "providers.csv").read_text(encoding="utf-8")
    return {
        row["spelled"]: Provider(row["provider"], row["region"], row["kind"])
        for row in csv.DictReader(text.splitlines())
    }


def provider_of(word: str, own_words: dict[str, str] | None = None) -> Provider | None:
    """The provider a spelling means; `own_words` is the table at the foot of a source, which wins."""
    key = spelling(word)
    if own_words and key in own_words:
        return Provider(own_words[key])
    return spellings().get(key)


def unknown_provider(word: str, locator: str) -> Iterator[Notice]:
    """The loud answer to a spelling nobody has mapped yet."""
    yield Notice(
        "unknown_word", f"provider {word[:80]!r} is not in tracker/data/providers.csv, its rows were left out", locator
    )


# Doors of OpenRouter's that reach a model otherwise, written behind its name like a tier.
ROUTER_VARIANTS = frozenset(("thinking", "extended", "beta", "exacto", "nitro", "floor", "online"))


def offer_named(provider: str, name: str, region: str = "", variant: str = "") -> Offer:
    """The offer of a listed name; a tier written behind it (`author/slug:free`, `:batch`) is its tier, not its name."""
    bare, _, word = name.rpartition(":")
    if bare and word in TIERS:
        return Offer(provider, bare, word, region, variant)
    if bare and provider == "openrouter" and word in ROUTER_VARIANTS:
        return Offer(provider, bare, region=region, variant=variant or word)
    return Offer(provider, name, region=region, variant=variant)
