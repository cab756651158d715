"""Scenarios: the named, dated assumptions of an estimate, and random draws from their ranges."""

from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.money import triangular
from tracker.cost.tables import read_rows
from tracker.errors import CostError, DataFileError

PARAMETERS = ("utilisation", "prompt", "output", "cache_hit", "load_batch", "rent")
ENGINE = "engine"  # the model's own error, drawn from the quantiles of held-out rows


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One line of scenarios.csv. `hardware` is `*` or `name:probability` pairs of what a seller has at hand.

    `models` names the models whose offers it is for between `first` and `last`; empty: none by itself. `sellers`
    narrows it to those who run the hardware themselves.
    """

    scenario: str
    stack: str
    hardware: str
    confidence: str
    kv_use: float
    speculation: str
    models: tuple[str, ...]
    sellers: tuple[str, ...]
    first: date
    last: date
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Range:
    """One line of scenario_ranges.csv: a triangular range."""

    scenario: str
    parameter: str
    low: float
    mid: float
    high: float
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Scenario:
    """Assumptions of an estimate. Ranges are (low, mid, high)."""

    name: str
    stack: str
    hardware: tuple[tuple[str, float], ...]
    kv_use: float
    speculation: bool
    utilisation: tuple[float, float, float]
    prompt: tuple[float, float, float]
    output: tuple[float, float, float]
    cache_hit: tuple[float, float, float]
    load_batch: tuple[float, float, float]
    rent: tuple[float, float, float]
    draft_gain: float | None = None  # tokens a step that a seller's draft model was seen to bring

    def fixed(self, **values: float) -> "Scenario":
        """The scenario with some ranges replaced by one value: what the user knows is no longer drawn."""
        for name in values:
            if name not in PARAMETERS:
                raise CostError(f"scenario parameter {name!r} is unknown; known: {', '.join(PARAMETERS)}")
        checked = {name: (_positive(name, v),) * 3 for name, v in values.items()}
        return replace(self, **checked)  # type: ignore[arg-type]

    def around(self, **values: float) -> "Scenario":
        """The scenario with some ranges moved to a middle seen elsewhere, as wide in proportion as they were."""
        moved = {}
        for name, value in values.items():
            low, mid, high = getattr(self, name)
            scale = _positive(name, value) / mid
            moved[name] = (low * scale, value, high * scale)
        return replace(self, **moved)  # type: ignore[arg-type]


def _positive(name: str, value: float) -> float:
    lowest_ok = value >= 0 if name == "cache_hit" else value > 0
    if not (np.isfinite(value) and lowest_ok):
        raise CostError(f"{name} must be positive, not {value}")
    if name in {"utilisation", "cache_hit"} and value > 1:
        raise CostError(f"{name} is a share between 0 and 1, not {value}")
    return float(value)


def _hardware(text: str, where: str) -> tuple[tuple[str, float], ...]:
    if text == "*":
        return ()
    pairs = []
    for part in text.split(";"):
        name, _, chance = part.partition(":")
        try:
            pairs.append((name.strip(), float(chance or 1)))
        except ValueError as error:
            raise DataFileError(f"{where}: field 'hardware' has {part!r}") from error
    return tuple(pairs)


@cache
def scenarios(folder: Path | None = None) -> dict[str, Scenario]:
    """All shipped scenarios; each must give every range."""
    ranges: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in read_rows("scenario_ranges.csv", Range, folder):
        where = f"scenario_ranges.csv ({row.scenario} {row.parameter})"
        if row.parameter not in PARAMETERS or not 0 <= row.low <= row.mid <= row.high:
            raise DataFileError(f"{where}: unknown parameter, or low, mid and high are out of order")
        ranges.setdefault(row.scenario, {})[row.parameter] = (row.low, row.mid, row.high)
    found = {}
    for head in read_rows("scenarios.csv", ScenarioRow, folder):
        own = ranges.get(head.scenario, {})
        if missing := [p for p in PARAMETERS if p not in own]:
            raise DataFileError(f"scenario_ranges.csv: scenario {head.scenario!r} lacks {missing[0]!r}")
        hardware = _hardware(head.hardware, f"scenarios.csv ({head.scenario})")
        speculation = head.speculation == "auto"
        found[head.scenario] = Scenario(head.scenario, head.stack, hardware, head.kv_use, speculation, **own)  # type: ignore[arg-type]
    return found


def find_scenario(name: str) -> Scenario:
    known = scenarios()
    if name not in known:
        raise CostError(f"scenario {name!r} is not in scenarios.csv; known: {', '.join(known)}")
    return known[name]


def scenario_for(slug: str, when: date, seller: str = "") -> str:
    """The scenario written down for this model at that time, the seller's own before everybody's; else `market`."""
    rows = [r for r in read_rows("scenarios.csv", ScenarioRow) if slug in r.models and r.first <= when <= r.last]
    own = [r.scenario for r in rows if seller in r.sellers]
    return next(iter([*own, *(r.scenario for r in rows if not r.sellers), "market"]))


@dataclass(frozen=True, slots=True)
class Draws:
    """Columns of shape (draws,): one possible world per row. Row 0 is the middle of everything."""

    utilisation: Floats
    prompt: Floats
    output: Floats
    cache_hit: Floats
    load_batch: Floats
    rent: Floats
    seller: Floats  # where the seller's rents lie between the quartiles, 0 to 1
    engine: Floats  # measured over predicted speed
    at_hand: Floats  # decides which hardware the seller has

    def __len__(self) -> int:
        return len(self.utilisation)


def draw(scenario: Scenario, count: int, engine_error: dict[float, float], seed: int = 0, vary: str = "") -> Draws:
    """Draws from a low-discrepancy sequence, the same for every offer: two offers differ by what they are, not by luck.

    The sequence is Roberts' R_d (2018): multiples of powers of the generalised golden ratio, modulo one.

    `vary` keeps everything but one input at its middle, for the share of the band's width that is due to it.
    """
    names = [field.name for field in fields(Draws)]
    golden = 1.0
    for _ in range(64):
        golden = (1 + golden) ** (1 / (len(names) + 1))
    steps = np.arange(count) + seed * count
    u = {name: (0.5 + steps * golden ** -(i + 1.0)) % 1.0 for i, name in enumerate(names)}
    for name in names:
        u[name][0] = 0.5
        if vary and name != vary:
            u[name][:] = 0.5
    columns = {}
    for name in PARAMETERS:
        low, mid, high = getattr(scenario, name)
        columns[name] = triangular(low, mid, high, u[name])
        if not vary or name != vary:
            columns[name][slice(None) if vary else 0] = mid
    levels, values = zip(*sorted(engine_error.items()), strict=True)
    error = np.interp(u["engine"], levels, values)
    error[0] = 0.0
    if vary and vary != "engine":
        error[:] = 0.0
    return Draws(**columns, seller=u["seller"], engine=np.exp(error), at_hand=u["at_hand"])
