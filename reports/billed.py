"""What offers cost at one instant, as each one's best source says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reports.ledger import Ledger
from reports.parts import Row

BILLED = """
SELECT offer_id, offer, provider, listed_name, tier, region, variant, model_id, currency, input, output, cache_read,
       input_usd_per_mtok, output_usd_per_mtok, input_status, output_status, source_id
FROM offers_asof(?) ORDER BY offer, offer_id
"""
ROUTERS = "SELECT DISTINCT provider FROM sources WHERE kind = 'market' AND provider <> ''"
COMPONENTS = ("input", "output", "cache_read")


@dataclass(frozen=True, slots=True)
class Billed:
    """What an offer costs at one instant."""

    offer_id: int
    offer: str
    provider: str
    listed_name: str
    tier: str
    model_id: str | None
    currency: str
    prices: Mapping[str, Decimal | None]
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    statuses: tuple[str | None, str | None]
    source_id: str

    @property
    def blended(self) -> Decimal | None:
        """Three parts input to one part output, as the house blends."""
        read, written = self.prices["input"], self.prices["output"]
        return None if read is None or written is None else (3 * read + written) / 4

    @property
    def blended_usd_per_mtok(self) -> float | None:
        read, written = self.input_usd_per_mtok, self.output_usd_per_mtok
        return None if read is None or written is None else (3 * read + written) / 4

    @property
    def model(self) -> str:
        return self.model_id or self.listed_name

    @property
    def zero_claimed(self) -> bool:
        return "zero_claimed" in self.statuses


def billed_at(ledger: Ledger, moment: datetime) -> dict[int, Billed]:
    """All offers as they billed at an instant, by offer id."""
    return {row["offer_id"]: _billed(row) for row in ledger.rows(BILLED, moment)}


def _billed(row: Row) -> Billed:
    prices = {name: row[name] for name in COMPONENTS}
    kept = {name: row[name] for name in Billed.__slots__ if name in row}
    return Billed(**kept, prices=prices, statuses=(row["input_status"], row["output_status"]))
