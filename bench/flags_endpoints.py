"""The recorded endpoint tables as the fit reads them: labels, prices, speeds, and what each costs at each precision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from bench.flags_features import Recorded
from tracker.assess.costs import (
    LOWER,
    TTFT_GRACE,
    bits_of,
    is_own_silicon,
    lower_only_share,
    native_bits,
    open_model,
    scenario_of,
)
from tracker.assess.labels import label_bits
from tracker.cost import Estimate, Question, assess
from tracker.flags.logistic import Array
from tracker.flags.quantization import Endpoint, below_native, judged, pool_of

DAY = date(2026, 8, 3)
_SQL = """
WITH shown AS (
    SELECT endpoint_id, model_slug, split_part(provider_slug, '/', 1) AS host, quantization, scrape_date,
           TRY_CAST(price_prompt AS DOUBLE) * 1e6 AS given, TRY_CAST(price_completion AS DOUBLE) * 1e6 AS output,
           TRY_CAST(p50_throughput AS DOUBLE) AS tok_s, TRY_CAST(p50_latency AS DOUBLE) / 1000 AS ttft_s,
           TRY_CAST(context_length AS BIGINT) AS context
    FROM read_parquet(?) WHERE variant = 'standard'
)
SELECT endpoint_id, arg_max(model_slug, scrape_date), arg_max(host, scrape_date),
       arg_max(quantization, scrape_date) FILTER (quantization <> 'unknown'),
       median(given), median(output), median(tok_s), median(ttft_s), max(context)
FROM shown GROUP BY endpoint_id ORDER BY endpoint_id
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """All endpoints of open models. `labelled`: those that declare a label and whose host shows a habit at their width.

    They are what the fit is made of and scored on, because only such endpoints are judged in use.
    """

    rows: tuple[Recorded, ...]
    truth: Array
    labelled: NDArray[np.bool_]
    habit: NDArray[np.bool_]
    groups: NDArray[np.str_]
    seen: int  # endpoints in the file
    seen_labelled: int

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(row.endpoint for row in self.rows)


def read(folder: Path) -> Labelled:
    """Endpoints whose model has facts; the label last shown, medians of the prices and speeds of all days."""
    found = duckdb.connect().execute(_SQL, [str(folder / "endpoints_daily.parquet")]).fetchall()
    rows = tuple(_with_costs([row for told in found if (row := _recorded(told)) is not None]))
    endpoints = [row.endpoint for row in rows]
    truth = np.array([below_native(endpoint) for endpoint in endpoints])
    habit = judged(endpoints, pool_of(endpoints))
    groups = np.array([endpoint.shape for endpoint in endpoints])
    return Labelled(
        rows, truth, ~np.isnan(truth) & habit, habit, groups, len(found), sum(told[3] is not None for told in found)
    )


def _recorded(told: tuple[object, ...]) -> Recorded | None:
    endpoint_id, slug, host, label, given, output, tok_s, ttft_s, context = told
    model = open_model(str(slug))
    if model is None:
        return None
    endpoint = Endpoint(
        str(endpoint_id), str(host), str(slug), model.model_id, native_bits(model), model.total_params_b,
        label_bits().get(str(label)), output,
    )  # fmt: skip  # type: ignore[arg-type]
    return Recorded(endpoint, given, tok_s or None, ttft_s or None, context, (DAY - model.released).days)  # type: ignore[arg-type]


def _with_costs(rows: Sequence[Recorded]) -> list[Recorded]:
    """What the cost of serving at native and at lower precision says of each price and speed, as in use."""
    asked = [question for row in rows for question in _questions(row)]
    answers = dict(zip(asked, assess(asked), strict=True))
    return [_costed(row, answers) for row in rows]


def _questions(row: Recorded) -> list[Question]:
    """At native precision first; none for a host whose own chips the sum does not describe."""
    e, model = row.endpoint, open_model(row.endpoint.shape)
    assert model is not None
    scenario = scenario_of(model, DAY, seller=e.host)
    if is_own_silicon(e.host.removeprefix("google-"), scenario):
        return []
    wait = None if row.ttft_s is None else TTFT_GRACE * row.ttft_s
    prices = row.input_usd_per_mtok, e.output_usd_per_mtok
    native = Question(e.shape, model.native_precision, *prices, DAY, scenario, row.tok_s, wait)
    return [native, *(replace(native, precision=name) for name in LOWER if bits_of()[name] < e.floor)]


def _costed(row: Recorded, answers: Mapping[Question, Estimate]) -> Recorded:
    if not (asked := _questions(row)):
        return row
    native, *lower = [answers[question] for question in asked]
    cost, price = native.output_usd_per_mtok, row.endpoint.output_usd_per_mtok
    endpoint = replace(
        row.endpoint,
        lower_only=lower_only_share(native.probability_below, [e.probability_below for e in lower]),
        beyond_native=1 - native.feasible_share,
    )
    return replace(row, endpoint=endpoint, over_cost=price / cost.mid if cost is not None and price else None)
