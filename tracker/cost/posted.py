"""Prices that the shipped chronicle of the price war states for a model near a day, with the speed measured then."""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

from tracker.cost.facts import Model, find_model
from tracker.cost.tables import data_text
from tracker.errors import CostError

NEAR = timedelta(days=120)  # the chronicle dates most entries to a month


@dataclass(frozen=True, slots=True)
class Posted:
    """One seller's price, US dollars per million tokens; None is not stated."""

    when: date
    provider: str
    tier: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    note: str
    tok_s_user: float | None = None  # on regular text
    draft_gain: float | None = None  # how many times faster than on hard text


def _same_model(listed: str, model: Model) -> bool:
    try:
        return find_model(listed).model_id == model.model_id
    except CostError:
        return False


def _measured(provider: str, listed: str, day: date) -> tuple[float | None, float | None]:
    """Tokens/s on regular text, and the ratio to hard text, that an article of that day measured; never a claim."""
    speeds = {
        row["setting"]: float(row["output_tok_s"])
        for row in csv.DictReader(StringIO(data_text("speed_claims.csv")))
        if (row["provider"], row["model"], row["date"]) == (provider, listed, day.isoformat())
        and row["kind"] == "measured"
        and row["output_tok_s"]
    }
    regular, hard = speeds.get("temperature=0"), speeds.get("temperature=2")
    return regular, regular / hard if regular and hard and regular > hard else None


def posted_prices(model: Model, when: date) -> list[Posted]:
    """Entries in dollars within four months up to the day, or after it by as much, dearest output first."""
    out = []
    for row in csv.DictReader(StringIO(data_text("price_war.csv"))):
        day = date.fromisoformat(row["date"])
        if row["currency"] != "USD" or abs(day - when) > NEAR or not _same_model(row["model"], model):
            continue
        prices = [float(row[name]) if row[name] else None for name in ("input_per_mtok", "output_per_mtok")]
        seen = _measured(row["provider"], row["model"], day)
        out.append(Posted(day, row["provider"], row["tier"], prices[0], prices[1], row["note"], *seen))
    return sorted(out, key=lambda p: -(p.output_usd_per_mtok or 0.0))
