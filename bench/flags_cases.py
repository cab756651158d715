"""Below cost on labelled prices: the price war of 2023-24 and DeepSeek's disclosed day. Nothing is fitted on a row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from tracker.cost import Estimate, Question, assess, find_scenario
from tracker.flags import RULES

BORDERLINE = 0.3  # up to the threshold of the rule
DISCLOSED_PROFIT = 5.45  # DeepSeek's day of 2025-02-28, all traffic at R1 prices
DISCLOSED_COST = 87_072 / (608e3 + 168e3)  # its cost over the million tokens of that day, cached ones among them


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled price. `expected`: flagged, borderline or clean, as the articles and disclosures have it."""

    name: str
    expected: str
    question: Question | None
    remark: str = ""


def _mixtral(given: float | None, output: float) -> Question:
    return Question("mistralai/mixtral-8x7b", "bf16", given, output, date(2023, 12, 15), "mixtral-2023")


REGULAR_TOK_S, HARD_TOK_S = 170.0, 80.0  # what the 2023 essay measured of Together, per sequence


def _deepseek(model: str, given: float, output: float, cached: float) -> Question:
    return Question(
        f"deepseek-ai/{model}", "fp8", given, output, date(2025, 2, 28), "deepseek-2025", cached_usd_per_mtok=cached
    )


TOGETHER = Case(
    "Together, Mixtral 0 in .60 out",
    "borderline",
    replace(_mixtral(0.0, 0.60), tok_s_user=REGULAR_TOK_S, draft_gain=REGULAR_TOK_S / HARD_TOK_S),
    "at its measured speed and draft model; the essays disagree",
)
MISTRAL = Case("Mistral, Mixtral .65 in 1.96 out", "clean", _mixtral(0.65, 1.96), "the essays disagree")
ANYSCALE = Case("Anyscale, Mixtral .50 out", "flagged", _mixtral(None, 0.50))
PERPLEXITY = Case("Perplexity, Mixtral .14 in .56 out", "flagged", _mixtral(0.14, 0.56))
DEEPSEEK = Case("DeepSeek, R1 .55 in 2.19 out, .14 cached", "clean", _deepseek("deepseek-r1", 0.55, 2.19, 0.14))
CASES = (
    Case("DeepInfra, Mixtral .27 out", "flagged", _mixtral(None, 0.27)),
    ANYSCALE,
    PERPLEXITY,
    Case("OpenRouter, Mixtral free", "flagged", _mixtral(0.0, 0.0)),
    TOGETHER,
    MISTRAL,
    Case("OpenAI, GPT-3.5 Turbo 1 in 2 out", "clean", None, "weights not published: the rule stays silent"),
    Case(
        "Groq, Mixtral .27 out",
        "flagged",
        replace(_mixtral(None, 0.27), when=date(2024, 2, 20), scenario="groq-2024"),
        "on its own chips; the essay says 7.2 times",
    ),
    DEEPSEEK,
    Case("DeepSeek, V3 .27 in 1.10 out, .07 cached", "clean", _deepseek("deepseek-v3", 0.27, 1.10, 0.07)),
)


def case_lines() -> list[str]:
    """The case table, what decides the contested ones, and the disclosed margin."""
    lines = [
        "| case | expected | P(below cost) | verdict | price | cost low - mid - high | cost / price | holds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    asked = [case.question for case in CASES if case.question is not None]
    answers = dict(zip((id(q) for q in asked), assess(asked), strict=True))
    for case in CASES:
        lines.append(_case_line(case, answers[id(case.question)] if case.question is not None else None))
    return [
        *lines,
        "",
        "Where only the output price is known, it is held against the cost of output alone.",
        "",
        *decider_lines((ANYSCALE, PERPLEXITY, TOGETHER, MISTRAL)),
        "",
        *draft_lines(TOGETHER),
        "",
        *margin_lines(answers[id(DEEPSEEK.question)]),
    ]


def verdict_of(probability: float) -> str:
    """The word of the labels for a probability."""
    return "flagged" if probability >= RULES["below_cost"].open_at else (
        "borderline" if probability >= BORDERLINE else "clean"
    )  # fmt: skip


def _case_line(case: Case, estimate: Estimate | None) -> str:
    if estimate is None or case.question is None:
        holds = "yes" if case.expected == "clean" else "no"
        return f"| {case.name} | {case.expected} | - | not judged ({case.remark}) | | | | {holds} |"
    q, free = case.question, not (case.question.input_usd_per_mtok or case.question.output_usd_per_mtok)
    p = 1.0 if free else float(estimate.probability_below or 0.0)
    verdict = verdict_of(p)
    one_side = q.input_usd_per_mtok is None
    band = estimate.output_usd_per_mtok if one_side else estimate.blended_usd_per_mtok
    price = q.output_usd_per_mtok if one_side else estimate.price_blended_usd_per_mtok
    if band is None or price is None:
        return f"| {case.name} | {case.expected} | - | {estimate.reason} | | | | no |"
    span = f"{band.low:.2f} - {band.mid:.2f} - {band.high:.2f}"
    times = f"{band.mid / price:.1f}" if price else "free"
    remark = f" ({case.remark})" if case.remark else ""
    return (
        f"| {case.name}{remark} | {case.expected} | {p:.2f} | {verdict} | {price:.2f} | {span} | {times} | "
        f"{'yes' if verdict == case.expected else 'no'} |"
    )


def decider_lines(cases: Sequence[Case]) -> list[str]:
    """P(below cost) of the contested prices under one other assumption at a time."""
    lines = [
        "| contested price | as asked | A100 alone | H100 alone | busy all day, as the essays' sums | batch of 16 | "
        "breaks even when busy |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        if case.question is None:
            continue
        q = case.question
        variants = [
            q,
            replace(q, hardware=("A100-80-SXM",)),
            replace(q, hardware=("H100-SXM",)),
            replace(q, known=(("utilisation", 1.0),)),
            replace(q, known=(("load_batch", 16.0),)),
        ]
        found = assess(variants)
        chances = " | ".join(f"{float(e.probability_below or 0):.2f}" for e in found)
        lines.append(f"| {case.name} | {chances} | {_even_busy(q, found[0]):.0%} |")
    return lines


TEXTS = (2.125, 1.5, 1.25)  # tokens a step: as on regular text, and where the draft guesses less


def draft_lines(case: Case) -> list[str]:
    """P(below cost) by how much the draft model of a seller that was seen to have one brings on its customers' text."""
    assert case.question is not None
    q = case.question
    asked = [replace(q, draft_gain=gain, tok_s_user=HARD_TOK_S * gain) for gain in TEXTS]
    plain = [replace(q, draft_gain=None, tok_s_user=speed) for speed in (HARD_TOK_S, None)]
    chances = [f"{float(e.probability_below or 0):.2f}" for e in assess([*asked, *plain])]
    heads = [f"{gain:g} tokens a step at {HARD_TOK_S * gain:.0f} tokens/s" for gain in TEXTS]
    heads += [f"none, {HARD_TOK_S:.0f} tokens/s", "none, any speed"]
    return [
        f"| draft model, {case.name} | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
        f"| P(below cost) | {' | '.join(chances)} |",
    ]


def _even_busy(q: Question, estimate: Estimate) -> float:
    """The share of the day the hardware must be busy for the middle cost to equal the price."""
    one_side = q.input_usd_per_mtok is None
    band = estimate.output_usd_per_mtok if one_side else estimate.blended_usd_per_mtok
    price = q.output_usd_per_mtok if one_side else estimate.price_blended_usd_per_mtok
    assert band is not None and price
    return find_scenario(q.scenario).utilisation[1] * band.mid / price


def margin_lines(disclosed: Estimate) -> list[str]:
    """DeepSeek's margin beside the disclosed one, and what the difference is."""
    cost, price = disclosed.blended_usd_per_mtok, disclosed.price_blended_usd_per_mtok
    if cost is None or price is None:
        return [f"DeepSeek: no margin, {disclosed.reason}."]
    worst, middle, best = (price / amount - 1 for amount in (cost.high, cost.mid, cost.low))
    return [
        f"DeepSeek, all traffic at R1 prices: profit over cost {middle:.0%} (80 % band {worst:.0%} to {best:.0%}); "
        f"disclosed for that day: {DISCLOSED_PROFIT:.0%}. The price side agrees by construction (its own mix and cache "
        f"hits); the difference is the cost, {cost.mid:.3f} USD per million tokens of all kinds "
        f"({cost.low:.3f} to {cost.high:.3f}) against the disclosed {DISCLOSED_COST:.3f}."
    ]
