"""Figures published in the essays that started this project, recomputed by the engine; each sum is written out.

    python -m bench.cost_anchors [--write]

Tolerances are those of data/published_anchors.csv: half a per cent where the article's own inputs are exact, more
where an input had to be inferred (the note says which).
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from bench.docs import refresh
from tracker.cost.deploy import chip_of
from tracker.cost.facts import find_accelerator, find_model, find_precision
from tracker.cost.falls import UNPAGED_USE
from tracker.cost.kernel import decode_step, fitting_batch, kv_bytes_per_sequence, serve
from tracker.cost.money import monthly_payment, profit_over_cost, usd_per_mtok
from tracker.cost.shape import params, shape_of
from tracker.cost.stacks import OPTIMISED
from tracker.cost.tables import read_rows
from tracker.cost.worker import Layout

README = "tracker/cost/README.md"
HOURS = 730.0
BF16 = find_precision("bf16")
MIXTRAL = shape_of(find_model("mixtral-8x7b"), BF16)
A100, H100 = (chip_of(find_accelerator(name), BF16) for name in ("A100", "H100"))


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line of published_anchors.csv."""

    id: str
    quantity: str
    published: float
    unit: str
    tolerance: float
    source: str
    as_of: date


def server_month() -> float:
    return float(monthly_payment(350_000, 0.18, 60))


def groq_month() -> float:
    # hosting and power scale with kW; the H100 server's 2,586 USD is 10 kW
    return float(monthly_payment(72 * 35_000, 0.18, 60)) + 72 * 3.2 * 2586 / 10


def speed(chips: object, verify: float = 1.0, accepted: float = 1.0) -> float:
    chip = A100 if chips == "A100" else H100
    step = decode_step(MIXTRAL, chip, Layout(8.0), OPTIMISED, 1.0, 1000.0, verify)
    return accepted / float(step.total_s)


def two_h100() -> float:
    """2,048 tokens in and 512 out at batch 64; all cost on the output tokens, day and night, as the article counts."""
    rate = serve(MIXTRAL, H100, Layout(2.0), OPTIMISED, 2048.0, 512.0, 64.0)
    return float(usd_per_mtok(11_474 / 4 / HOURS, rate.out_tok_s))


def decode_over_prefill() -> float:
    """Weight bytes over bandwidth against FLOPs over peak, per token: LLaMA-13B, fp16, A6000, matrices only."""
    parameters = params(find_model("llama-13b")).total
    chip = chip_of(find_accelerator("A6000"), find_precision("fp16"))
    return (2 * parameters / float(chip.bw)) / (2 * parameters / float(chip.flops))


def a6000_best_batch() -> float:
    """LLaMA-13B at 1,024 tokens in 48 GB with 86 % usable, which is what the article's 18 implies."""
    shape = shape_of(find_model("llama-13b"), find_precision("fp16"))
    chip = chip_of(find_accelerator("A6000"), find_precision("fp16"))
    return math.floor(float(fitting_batch(shape, chip, Layout(1.0), 1024.0, usable=0.86)))


def opt_cache_gb() -> float:
    shape = shape_of(find_model("opt-30b"), find_precision("fp16"))
    return 128 * float(kv_bytes_per_sequence(shape, 1024.0)) / 1e9


def llama_cache_mib() -> float:
    shape = shape_of(find_model("llama-7b"), find_precision("fp16"))
    return float(kv_bytes_per_sequence(shape, 2048.0)) / 2**20


def mixtral_gb(precision: str) -> float:
    bits = {"fp16": 16, "int4": 4}[precision]  # the article counts bare bits, without quantization scales
    return params(find_model("mixtral-8x7b")).total * bits / 8 / 1e9


def active_percent() -> float:
    count = params(find_model("mixtral-8x7b"))
    return 100 * (count.total - count.experts * 6 / 8) / count.total


def ridge_batch() -> float:
    """Where reading weights and multiplying take equally long, rounded up to a power of two."""
    chip = find_accelerator("A6000")
    return 2.0 ** math.ceil(math.log2(chip.bf16_tflops / chip.bw_tbs))


def deepseek_cost() -> float:
    return 226.75 * 8 * 2.0 * 24


def deepseek_revenue() -> float:
    return 342e3 * 0.14 + 266e3 * 0.55 + 168e3 * 2.19  # cache hits, misses and output, million tokens a day


SUMS: dict[str, tuple[Callable[[], float], str]] = {
    "g1": (lambda: 8 * 9 * 8, "8 racks x 9 servers x 8 chips"),
    "g2": (lambda: 72 * 35_000, "72 servers x 35,000 USD"),
    "g3": (lambda: 72 * 2, "72 servers x 2"),
    "g4": (lambda: 72 * 3.2, "72 servers x 3.2 kW"),
    "g5": (lambda: 72 * 35_000 / (1 - 0.6), "2.52 M / (1 - 60 %)"),
    "h1": (server_month, "annuity of 350,000 at 18 %/12 over 60 months"),
    "h2": (lambda: server_month() + 2586, "annuity + 2,586 hosting"),
    "g6": (groq_month, "annuity of 2.52 M + 230.4 kW x 258.6 (hosting inferred from the H100 row)"),
    "h3": (lambda: float(usd_per_mtok(11_474 / HOURS, 2 * 420)), "11,474 / 730 h over 2 users x 420 tokens/s"),
    "h4": (two_h100, "engine, optimised stack, 2,048 in 512 out, batch 64, all on output"),
    "g7": (lambda: float(usd_per_mtok(122_400 / HOURS, 16 * 3 * 500)), "122,400 / 730 h over 16 stages x 3 x 500"),
    "g8": (lambda: 1.94 / 0.27, "1.94 / 0.27"),
    "h5": (lambda: 5.20 / 0.27, "5.20 / 0.27 (the article: nearly 20)"),
    "h6": (lambda: 11_474 / 8 / HOURS, "11,474 / 8 GPUs / 730 h"),
    "h7": (lambda: (2.039 / 0.899) / (3.35 / 1.95), "(2.039 TB/s / 0.899 USD) / (3.35 / 1.95)"),
    "s1": (lambda: speed("A100"), "engine, optimised stack, tensor parallel 8, batch 1"),
    "s2": (lambda: speed("H100"), "engine, optimised stack, tensor parallel 8, batch 1"),
    "s3": (lambda: speed("H100", 3.0, 2.2), "engine: 3 tokens checked, 2.2 accepted per step"),
    "s5": (lambda: speed("H100", 3.0, 2.2) / speed("H100"), "engine: checking 3 tokens reads more experts"),
    "s6": (lambda: speed("H100", 3.0, 3.0), "engine: what brings a dense model 3x (3 checked, 3 accepted)"),
    "k1": (decode_over_prefill, "(bytes / 768 GB/s) / (FLOPs / 155 TFLOP/s)"),
    "k2": (ridge_batch, "155 / 0.768 = 202, to the next power of two"),
    "k3": (a6000_best_batch, "(48 GB x 0.86 - weights) / cache of 1,024 tokens"),
    "k5": (lambda: mixtral_gb("fp16"), "46.7 B x 2 bytes (the article rounds to 45 B)"),
    "k6": (lambda: mixtral_gb("int4"), "46.7 B x 0.5 bytes"),
    "k7": (llama_cache_mib, "2 x 32 layers x 4,096 x 2,048 tokens x 2 bytes"),
    "k8": (active_percent, "12.9 / 46.7"),
    "k9": (lambda: 2 * params(find_model("opt-30b")).total / 1e9, "30 B x 2 bytes"),
    "k10": (opt_cache_gb, "2 x 48 x 7,168 x 2 bytes x 128 x 1,024"),
    "k11": (lambda: 16 / 0.020, "16 users / 20 ms"),
    "k12": (lambda: 1.62 + 0.65, "prefill + decode"),
    "k13": (lambda: 0.05 * 7.1, "0.05 USD x 7.1"),
    "d1": (deepseek_cost, "226.75 nodes x 8 x 2 USD x 24 h"),
    "d2": (deepseek_revenue, "342 G x 0.14 + 266 G x 0.55 + 168 G x 2.19"),
    "d3": (
        lambda: 100 * float(profit_over_cost(deepseek_revenue(), deepseek_cost())),
        "(revenue - cost) / cost",
    ),
    "d4": (lambda: 608e9 / 86400 / 73_700 + 168e9 / 86400 / 14_800, "input / 73.7 k/s + output / 14.8 k/s per node"),
    "d5": (lambda: float(usd_per_mtok(8 * 2.0, 22_282)), "8 x 2 USD/h over 22,282 tokens/s"),
}

# Published as bounds: what the engine says must lie between the two.
BOUNDS: dict[str, tuple[str, float, Callable[[], float], float, str]] = {
    "k4": ("decode over prefill per token at batch 18, x", 0.0, lambda: decode_over_prefill() / 18, 20.0, "202 / 18"),
    "k15": (
        "cache in use before paging, %",
        20.4,
        lambda: 100 * UNPAGED_USE,
        38.2,
        "`kv_use` of stacks without paging; the bounds are the vLLM paper's (2309.06180, figure 2)",
    ),
}


def anchors() -> list[Anchor]:
    return list(read_rows("published_anchors.csv", Anchor))


def table() -> list[str]:
    lines = ["| figure | published | engine | off by | allowed | the sum |", "|---|---|---|---|---|---|"]
    for a in anchors():
        compute, words = SUMS[a.id]
        value = compute()
        off = value / a.published - 1
        lines.append(
            f"| {a.quantity} | {a.published:g} {a.unit} | {value:.6g} | {off:+.2%} | {a.tolerance:.1%} | {words} |"
        )
    lines += ["", "| figure | at least | engine | at most | the sum |", "|---|---|---|---|---|"]
    for quantity, low, compute, high, words in BOUNDS.values():
        lines.append(f"| {quantity} | {low:g} | {compute():.3g} | {high:g} | {words} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    lines = table()
    print("\n".join(lines))
    if parser.parse_args().write:
        refresh(README, "cost_anchors", "\n".join(lines))


if __name__ == "__main__":
    main()
