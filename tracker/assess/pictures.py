"""Costs beside the bands, once a week per open model on sale: by accelerator, and what made them fall since 2023."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tracker.assess.costs import LIVE_SCENARIOS, Costed, Rented, engine_version, open_model, week_of
from tracker.cost import Question, RentTable, deployment_table, find_scenario, waterfall
from tracker.cost.facts import Model
from tracker.errors import CostError
from warehouse import flags
from warehouse.store import Connection

SINCE = date(2023, 3, 1)  # gpt-3.5-turbo opened its API at $2 per million tokens: the market begins
EVERY = 10_000  # deployments: all there are
_BY_HARDWARE = (
    "model_id", "day", "hardware", "deployment", "precision", "scenario", "input_mid", "output_mid", "basis",
)  # fmt: skip
_FALL = (
    "model_id", "first_day", "day", "position", "cause", "usd_per_mtok", "factor", "deployment", "scenario", "basis",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pictures:
    """One week's rows, by table; `models` are those they tell of."""

    day: date
    models: tuple[str, ...]
    by_hardware: tuple[tuple[object, ...], ...]
    falls: tuple[tuple[object, ...], ...]


def basis_of(rents: Rented) -> str:
    """Changes with the engine's facts and the week's rents."""
    return hashlib.sha256(f"{engine_version()}{rents.version}".encode()).hexdigest()[:12]


def pictures_of(floors: Mapping[str, Costed], at: datetime, rents: Rented, known: Iterable[str]) -> Pictures:
    """Rows of the models that have a cost floor and are not `known` for this week yet."""
    when, by_hardware, falls = week_of(at), [], []
    fresh = tuple(sorted(set(floors) - set(known)))
    for model_id in fresh:
        model, scenario = open_model(model_id), floors[model_id].scenario
        if model is None:
            continue
        table = rents.table if scenario in LIVE_SCENARIOS else None
        tail = (scenario, basis_of(rents))
        for hardware, row in sorted(_cheapest(model, when, scenario, table).items()):
            by_hardware.append((model_id, when, hardware, row[0], model.native_precision, scenario, *row[1:], tail[1]))
        for position, fall in enumerate(_falls(model, when, scenario, table)):
            falls.append((model_id, SINCE, when, position, *fall, *tail))
    return Pictures(when, fresh, tuple(by_hardware), tuple(falls))


def hardware_of(deployment: str) -> str:
    """`8xH200 fp8, expert parallel` -> H200."""
    return deployment.split()[0].partition("x")[2] or deployment if deployment else ""


def _cheapest(model: Model, when: date, scenario: str, rents: RentTable | None) -> dict[str, tuple[str, float, float]]:
    """By accelerator: its cheapest deployment, with the cost of input and of output there."""
    question = Question(model.model_id, model.native_precision, None, None, when, scenario)
    found: dict[str, tuple[str, float, float]] = {}
    try:
        rows = deployment_table(question, rents, limit=EVERY)  # cheapest first
    except CostError:
        return {}
    for row in rows:
        told = (row.deployment, row.input_usd_per_mtok, row.output_usd_per_mtok)
        found.setdefault(hardware_of(row.deployment), told)
    return found


def _falls(model: Model, when: date, scenario: str, rents: RentTable | None) -> list[tuple[str, float, float, str]]:
    try:
        steps = waterfall(model, SINCE, when, find_scenario(scenario), rents)
    except CostError:
        return []
    return [(step.cause, step.usd_per_mtok, step.factor, step.detail) for step in steps]


def write_pictures(connection: Connection, pictures: Pictures) -> None:
    """In the caller's transaction."""
    for table, columns, rows in (
        ("calc.cost_by_hardware", _BY_HARDWARE, pictures.by_hardware),
        ("calc.cost_fall", _FALL, pictures.falls),
    ):
        flags.replace_week(connection, table, columns, rows, pictures.day, pictures.models)
