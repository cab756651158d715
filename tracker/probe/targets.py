"""Where to send: one offer's endpoint, how it is spoken to, what it costs and which variable holds its key."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from tracker.errors import DataFileError, UsageError
from tracker.probe.dialects import DIALECTS
from tracker.records import Offer


@dataclass(frozen=True, slots=True)
class Target:
    """An offer that can be asked. Prices in USD per million tokens; None is unknown, and unknown is never sent to."""

    offer: Offer
    base_url: str
    dialect: str = "openai_chat"
    key_env: str = ""
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    max_tokens_field: str = "max_tokens"
    ca_file: str = ""

    @property
    def model(self) -> str:
        return self.offer.listed_name


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's public base URL and the customary name of its key's environment variable."""

    provider: str
    base_url: str
    dialect: str
    key_env: str
    max_tokens_field: str


@cache
def endpoints() -> dict[str, Endpoint]:
    """The shipped table of providers, `tracker/data/probe_endpoints.csv`."""
    path = files("tracker") / "data" / "probe_endpoints.csv"
    table: dict[str, Endpoint] = {}
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        if row["dialect"] not in DIALECTS or not row["base_url"].startswith("https://") or not row["source"]:
            raise DataFileError(f"probe_endpoints.csv: the row of {row['provider']!r} is incomplete")
        table[row["provider"]] = Endpoint(
            row["provider"], row["base_url"], row["dialect"], row["key_env"], row["max_tokens_field"]
        )
    return table


def target_for(offer: Offer, input_usd_per_mtok: Decimal | None, output_usd_per_mtok: Decimal | None) -> Target:
    """The target of an offer of the warehouse, through its provider's endpoint."""
    endpoint = endpoints().get(offer.provider)
    if endpoint is None:
        raise UsageError(f"no endpoint known for {offer.provider}: give --url, --model and --key-env")
    return Target(
        offer,
        endpoint.base_url,
        endpoint.dialect,
        endpoint.key_env,
        input_usd_per_mtok,
        output_usd_per_mtok,
        endpoint.max_tokens_field,
    )
