"""What serving a model must cost, from first principles: facts, speed, money, uncertainty. Pure functions over numpy.

Units: prices and costs are US dollars per million tokens (`_usd_per_mtok`), speeds tokens/s per user
(`tok_s_user`), times seconds, memory bytes. Arrays broadcast; every function below is free of input and output
except that facts are read once from the package's data files.

One offer or thousands:

- `assess(questions)` takes `Question`s (model id, precision, input and output price or None, day, scenario, observed
  tokens/s/user and first-token time or None) and returns one `Estimate` each, in order: `probability_below` (None
  without a price), bands of input, output and blended cost, the deployment, `trace` and `clears`. Offers that share
  model, precision, day and scenario share one grid, so pass the whole market at once. `rents=` takes a `RentTable` of
  rentals read elsewhere instead of the shipped ones.
- `band(...)` and `probability_below(...)` are the same for one question, without the rest.
- `shares_of_width(question)` -> {input: share of the band's width}.

Tables, lists of records in US dollars per million tokens: `deployment_table(question)` and `frontier(question)` ->
`Row`s, `largest_size(question)` -> `Size`s, `waterfall(model, first, last, scenario)` -> `Fall`s whose factors multiply
to the whole.

Physics: fields of `Shape` (from `shape_of`), `Chip`, `Layout` and `Coefficients`, and the numbers beside them, are
numbers or arrays that broadcast together; results have the broadcast shape. `serve(shape, chip, layout, coefficients,
prompt, output, batch)` -> `Rate` with `out_tok_s`, `step_s`, `prefill_s` per prompt; `decode_step` -> `Step` in seconds
by cause; `prefill_s` in seconds, `fitting_batch` in sequences, `kv_bytes_per_sequence` in bytes, `first_token_batch` in
prompts. Money, elementwise: `usd_per_mtok(usd_per_hour, tok_s, utilisation)`, `owned_usd_per_hour`, `monthly_payment`,
`blended_usd_per_mtok`, `margin`, `break_even_utilisation`.
"""

from datetime import date

from tracker.cost.explain import Row, deployment_table, frontier, largest_size
from tracker.cost.facts import accelerators, find_accelerator, find_model, find_precision, models, precisions
from tracker.cost.falls import waterfall
from tracker.cost.kernel import (
    Rate,
    Step,
    decode_step,
    first_token_batch,
    fitting_batch,
    kv_bytes_per_sequence,
    prefill_s,
    serve,
)
from tracker.cost.market import Band, Estimate, Question, assess, shares_of_width
from tracker.cost.money import (
    Rent,
    RentTable,
    blended_usd_per_mtok,
    break_even_utilisation,
    margin,
    monthly_payment,
    owned_usd_per_hour,
    shipped_rents,
    usd_per_mtok,
)
from tracker.cost.scenario import find_scenario, scenario_for, scenarios
from tracker.cost.shape import shape_of
from tracker.cost.worker import Chip, Coefficients, Layout

ENGINE_VERSION = "4"


def band(
    model_id: str,
    precision: str,
    when: date,
    scenario: str = "market",
    tok_s_user: float | None = None,
    ttft_s: float | None = None,
    rents: RentTable | None = None,
) -> Estimate:
    """Low, middle and high cost of serving a model on plausible deployments at an interactivity."""
    return assess([Question(model_id, precision, None, None, when, scenario, tok_s_user, ttft_s)], rents)[0]


def probability_below(question: Question, rents: RentTable | None = None) -> float | None:
    """Probability that the question's price is below cost; None when no deployment is feasible or nothing is priced."""
    return assess([question], rents)[0].probability_below


__all__ = [
    "ENGINE_VERSION",
    "Band",
    "Chip",
    "Coefficients",
    "Estimate",
    "Layout",
    "Question",
    "Rate",
    "Rent",
    "RentTable",
    "Row",
    "Step",
    "accelerators",
    "assess",
    "band",
    "blended_usd_per_mtok",
    "break_even_utilisation",
    "decode_step",
    "deployment_table",
    "find_accelerator",
    "find_model",
    "find_precision",
    "find_scenario",
    "first_token_batch",
    "fitting_batch",
    "frontier",
    "kv_bytes_per_sequence",
    "largest_size",
    "margin",
    "models",
    "monthly_payment",
    "owned_usd_per_hour",
    "precisions",
    "prefill_s",
    "probability_below",
    "scenario_for",
    "scenarios",
    "serve",
    "shape_of",
    "shares_of_width",
    "shipped_rents",
    "usd_per_mtok",
    "waterfall",
]
