"""The market as a whole at one moment: floors and price index. Joins rows with the pure views of tracker.market."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.assess.costs import Costed, Rented, answer, costed_of, open_model, scenario_of, week_of
from tracker.assess.inputs import Situation
from tracker.cost import Question, shipped_rents
from tracker.market.margins import cheapest
from tracker.market.price_index import DEFAULT_TOKENS, MIX, chain, offer_quantities

Rows = Sequence[Mapping[str, Any]]
MIN_MODELS = 3  # an index of fewer is a price list
DEMAND_DAYS = 7


@dataclass(frozen=True, slots=True)
class ClassMember:
    """One line of price_classes.csv."""

    model_id: str
    name: str
    source: str
    as_of: date


@cache
def members() -> tuple[ClassMember, ...]:
    """Who is in which class of the index."""
    text = (files("tracker") / "data" / "price_classes.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(ClassMember(r["model_id"], r["class"], r["source"], date.fromisoformat(r["as_of"])) for r in rows)


def blended(given: float | None, output: float | None) -> float | None:
    """Three parts input, one part output: the house's mix for floors."""
    return None if given is None or output is None else (3 * given + output) / 4


def floor_rows(stated: Sequence[Situation], costs: Mapping[str, Costed]) -> list[tuple[object, ...]]:
    """(model, ended, standing price, offer, transacted price, offer, band) per model that writes text: elsewhere a
    token is a second of speech or a picture, and no mix of input and output makes a price.

    `stated`: offers whose price somebody vouches for. A model without any keeps its cost.
    """
    sold = [one for one in stated if one.model_id and one.tier == "standard" and one.is_text]
    names = np.array([str(one.model_id) for one in sold], dtype=np.str_)
    listed = np.array([blended(one.input_quoted_usd, one.output_quoted_usd) or np.nan for one in sold])
    paid = np.array([blended(one.input_paid_usd, one.output_paid_usd) or np.nan for one in sold])
    low, transacted = cheapest(names, listed), cheapest(names, paid)
    rows: list[tuple[object, ...]] = []
    for model_id in sorted({*low, *transacted, *costs}):
        price, effective = _priced(low.get(model_id), listed, sold), _priced(transacted.get(model_id), paid, sold)
        band = costed.native_cost if (costed := costs.get(model_id)) else None
        rows.append((model_id, False, *price, *effective, band.band_id if band else None))
    return rows


def _priced(
    row: int | None, amounts: NDArray[np.float64], sold: Sequence[Situation]
) -> tuple[float | None, str | None]:
    return (None, None) if row is None else (float(amounts[row]), sold[row].offer)


def cost_floors(
    offers: Sequence[Situation], at: datetime, rents: Rented | None = None, scenario: str = ""
) -> dict[str, Costed]:
    """Per canonical model id: what it costs at native precision at whatever speed is cheapest."""
    ids = {one.model_id for one in offers if one.model_id}
    known = {model_id: model for model_id in sorted(ids) if (model := open_model(model_id)) is not None}
    when = week_of(at)
    distinct = {model.model_id: model for model in known.values()}
    asked = [
        Question(m.model_id, m.native_precision, None, None, when, scenario_of(m, when, scenario))
        for m in distinct.values()
    ]
    rents = rents or Rented(shipped_rents())
    answered = answer(asked, rents)
    costs = {q.model_id: costed_of({f"at {q.precision}": answered[q]}, rents) for q in asked}
    return {
        model_id: costs[model.model_id]
        for model_id, model in known.items()
        if costs[model.model_id].native_cost is not None
    }


def index_rows(prices: Rows, demand: Mapping[str, Mapping[date, float]]) -> list[tuple[object, ...]]:
    """(class, day, index, link, goods, weighted share) from daily prices (model_id, offer_id, component, day, usd)."""
    by_model: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in prices:
        by_model[str(row["model_id"])].append(row)
    rows: list[tuple[object, ...]] = []
    for name in sorted({member.name for member in members()}):
        models = [m.model_id for m in members() if m.name == name and m.model_id in by_model]
        rows += _class_rows(name, {model: by_model[model] for model in models}, demand)
    return rows


def _class_rows(
    name: str, prices: Mapping[str, Sequence[Mapping[str, Any]]], demand: Mapping[str, Mapping[date, float]]
) -> list[tuple[object, ...]]:
    if len(prices) < MIN_MODELS:
        return []
    found = [row for rows in prices.values() for row in rows]
    first, last = min(row["day"] for row in found), max(row["day"] for row in found)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    goods = sorted({(str(r["model_id"]), int(r["offer_id"]), str(r["component"])) for r in found})
    column = {good: i for i, good in enumerate(goods)}
    matrix = np.full((len(days), len(goods)), np.nan)
    for row in found:
        good = (str(row["model_id"]), int(row["offer_id"]), str(row["component"]))
        matrix[(row["day"] - first).days, column[good]] = float(row["usd"])
    begin = _first_day(matrix, [model for model, _, _ in goods])
    days, matrix = days[begin:], matrix[begin:]
    quantities, weighted = _quantities(goods, days, matrix, demand)
    points = chain(days, matrix, quantities)
    return [
        (name, p.day, round(p.value, 6), round(p.link, 8), p.goods, round(float(w), 4))
        for p, w in zip(points, weighted, strict=True)
    ]


def _first_day(matrix: NDArray[np.float64], models: Sequence[str]) -> int:
    """The base: the first day with MIN_MODELS models priced."""
    names = np.asarray(models)
    count = np.zeros(len(matrix), dtype=int)
    for model in np.unique(names):
        count += (matrix[:, names == model] > 0).any(axis=1)
    return int(np.argmax(count >= MIN_MODELS))


def _quantities(
    goods: Sequence[tuple[str, int, str]],
    days: Sequence[date],
    matrix: NDArray[np.float64],
    demand: Mapping[str, Mapping[date, float]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantities of every good, and the share of the priced models whose weight is measured.

    Tokens are the mean of the last seven days with a count. On days when a class has measured models, those without a
    count weigh as the median of the measured ones.
    """
    models = [model for model, _, _ in goods]
    tokens = np.full(matrix.shape, np.nan)
    for model in set(models):
        series = _trailing(demand.get(model, {}), days)
        for index in (i for i, m in enumerate(models) if m == model):
            tokens[:, index] = series
    priced = matrix > 0
    known = np.where(priced, tokens, np.nan)
    has = np.isfinite(known)
    middle = np.array([np.median(row[ok]) if ok.any() else DEFAULT_TOKENS for row, ok in zip(known, has, strict=True)])
    tokens = np.where(np.isfinite(tokens), tokens, middle[:, None])
    mix = np.array([MIX[0] if component == "input" else MIX[1] for _, _, component in goods])
    share = np.array([(h & p).sum() / max(p.sum(), 1) for h, p in zip(has, priced, strict=True)])
    quantities = np.zeros(matrix.shape)
    for component in ("input", "output"):
        columns = np.array([c == component for _, _, c in goods])
        names = [model for model, _, c in goods if c == component]
        quantities[:, columns] = offer_quantities(names, priced[:, columns], tokens[:, columns])
    return quantities * mix, share


def _trailing(counts: Mapping[date, float], days: Sequence[date]) -> NDArray[np.float64]:
    values = np.full(len(days), np.nan)
    if not counts:
        return values
    for index, day in enumerate(days):
        recent = [counts[d] for back in range(DEMAND_DAYS) if (d := day - timedelta(days=back)) in counts]
        if recent:
            values[index] = sum(recent) / len(recent)
    return values
