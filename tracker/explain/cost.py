"""The sum behind a cost: its assumptions with their sources, the deployments it chooses from, the bands as a chart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracker.assess.costs import WORDS
from tracker.cost import Question, RentTable, deployment_table, find_accelerator
from tracker.cost.market import assumptions_of
from tracker.cost.scenario import PARAMETERS, Range, ScenarioRow
from tracker.cost.tables import read_rows
from tracker.errors import CostError
from tracker.explain import sketches
from tracker.flags.finding import plain, usd

SHOWN = 4  # deployments
Chart = tuple[str, float, float, float]


def assumption_lines(question: Question) -> Iterator[str]:
    """Every range of a scenario with where it comes from; what was observed of the offer stands in its place."""
    scenario, observed, typical = question.scenario, dict(question.known), dict(question.typical)
    heads = [row for row in read_rows("scenarios.csv", ScenarioRow) if row.scenario == scenario]
    if not heads:
        return
    moved = assumptions_of(question)
    yield ""
    yield f"Assumptions of scenario {scenario} (lowest, middle, highest)"
    yield from _wrapped(f"hardware: {heads[0].hardware.replace('*', 'any with a rent')}; stack {heads[0].stack}"
                        f" [{heads[0].source}]")  # fmt: skip
    if question.draft_gain:
        yield from _wrapped(
            f"draft model: {question.draft_gain:.1f} tokens a step [paired runs on regular and hard text]"
        )
    for row in read_rows("scenario_ranges.csv", Range):
        if row.scenario != scenario or row.parameter not in PARAMETERS:
            continue
        name = WORDS.get(row.parameter, row.parameter)
        if row.parameter in observed:
            yield from _wrapped(f"{name}: {observed[row.parameter]:g} [observed of this offer]")
        elif row.parameter in typical:
            told = ", ".join(plain(getattr(moved, row.parameter)[place]) for place in range(3))
            yield from _wrapped(f"{name}: {told} [as wide as the scenario's, around the mean that a router counted of "
                                "this model's requests]")  # fmt: skip
        else:
            yield from _wrapped(f"{name}: {row.low:g}, {row.mid:g}, {row.high:g} [{row.source}]")


def _wrapped(text: str) -> list[str]:
    return sketches.wrapped(text, hanging=" " * 6)


def deployment_lines(question: Question, rents: RentTable) -> Iterator[str]:
    """The cheapest deployments at the middle of every range: rent, batch, speed, and what they make a token cost."""
    try:
        rows = deployment_table(question, rents, limit=SHOWN)
    except CostError:
        return
    yield ""
    yield "Cheapest deployments at the likeliest value of every range, USD per million tokens"
    yield "  (the draws' middle differs where a range is lopsided or sellers have different hardware)"
    yield "  chips x rent an hour / 3,600 / busy share / (batch x tok/s per user): what an output token costs with its"
    yield "  share of the prompt, before cache hits; `in` and `out` take it apart"
    sources = {}
    for row in rows:
        even = f"; breaks even from batch {row.break_even_batch:.0f} up" if row.break_even_batch else ""
        yield (
            f"  {row.deployment}: {row.usd_per_chip_hour:.3g} USD an hour and chip, batch {row.batch:.0f} at "
            f"{row.tok_s_user:.0f} tok/s per user, first token after {row.first_token_s:.2g} s"
        )
        yield (
            f"      in {usd(row.input_usd_per_mtok)}, out {usd(row.output_usd_per_mtok)}, a token of the mix "
            f"{usd(row.blended_usd_per_mtok)}{even}; {row.trace.partition(' on ')[0]}"
        )
        chip = find_accelerator(row.deployment.partition("x")[2].split()[0])
        rent = rents.required(chip, question.when)
        sources[chip.name] = f"rent of {chip.name}: {rent.p50_usd_per_hour:g} USD an hour [{rent.source}, {rent.as_of}]"
    for told in sources.values():
        yield from _wrapped(told)


def band_chart(rows: Sequence[Chart], price: float) -> Iterator[str]:
    """The bands of every precision beside the price."""
    if drawn := sketches.ranges(rows, price):
        yield ""
        yield "Price and cost, USD per million tokens of the mix (10, 50 and 90 % of the draws)"
        yield from (f"  {line}" for line in drawn)


def sum_lines(figures: Sequence[Mapping[str, Any]], scenario: str) -> Iterator[str]:
    """A flag's figures, one a line, under the name of their scenario."""
    if figures:
        yield ""
        yield f"The sum{f' (scenario {scenario})' if scenario else ''}"
        for figure in figures:
            name = str(figure["name"]).replace("_", " ")
            yield f"  {name:<34} {_figure(float(figure['value'])):>12} {figure['unit']}".rstrip()


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"


def cost_lines(question: Question, rows: Sequence[Chart], price: float | None) -> Iterator[str]:
    """The bands beside the price, and the assumptions they rest on."""
    yield from band_chart(rows, price or 0.0)
    yield from assumption_lines(question)
