"""Configurations per second of the cost engine on one core, beside its peers in the same run; and the Monte Carlo.

    BENCH_GENZ=/path/python BENCH_LLM_ANALYSIS=/path/python BENCH_AICONFIGURATOR=/path/python \
        python -m bench.cost_speed [--write]

Each peer runs in an environment of its own, named by the path of its Python; without it the peer is skipped. A
configuration is model x chip x tensor parallel x batch x prompt length: each side predicts prefill and decode of it.
"""

import argparse
import os
import resource
import subprocess
import time
from datetime import date

import numpy as np

from bench.docs import refresh
from tracker.cost import market
from tracker.cost.configure import chip_columns
from tracker.cost.facts import find_accelerator, find_model, find_precision, models
from tracker.cost.kernel import serve
from tracker.cost.market import Question
from tracker.cost.money import shipped_rents
from tracker.cost.shape import shape_of
from tracker.cost.stacks import Stack, fitted
from tracker.cost.worker import Chip, Coefficients, Layout

README = "tracker/cost/README.md"
WHEN = date(2026, 8, 22)
CHIPS = ("H100-SXM", "H200", "B200", "MI300X")

PEERS = {
    "GenZ": (
        "BENCH_GENZ",
        "Llama 3.1 8B on H100",
        """
import time, warnings
warnings.filterwarnings("ignore")
from GenZ import decode_moddeling, prefill_moddeling
def one(b):
    common = dict(model="meta-llama/Llama-3.1-8B", batch_size=b, input_tokens=1024, system_name="H100_GPU", bits="fp8")
    prefill_moddeling(**common)
    decode_moddeling(**common, output_tokens=256)
one(1)
start, n = time.process_time(), 0
while time.process_time() - start < 6:
    one(2 ** (n % 8)); n += 1
print("RATE", n / (time.process_time() - start))
""",
    ),
    "llm-analysis": (
        "BENCH_LLM_ANALYSIS",
        "Llama 2 7B on H100",
        """
import time
from llm_analysis.analysis import infer
def one(b):
    infer(model_name="NousResearch_Llama-2-7b-hf", gpu_name="h100-sxm-80gb", log_level="ERROR", batch_size_per_gpu=b,
          seq_len=1024, num_tokens_to_generate=256, flops_efficiency=0.5, hbm_memory_efficiency=0.8)
one(1)
start, n = time.process_time(), 0
while time.process_time() - start < 6:
    one(2 ** (n % 7)); n += 1
print("RATE", n / (time.process_time() - start))
""",
    ),
    "AIConfigurator": (
        "BENCH_AICONFIGURATOR",
        "Llama 3.1 8B on H100, TensorRT-LLM",
        """
import logging, time, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.WARNING)
from aiconfigurator.cli.api import cli_estimate
def one(b):
    cli_estimate(model_path="meta-llama/Meta-Llama-3.1-8B", system_name="h100_sxm", backend_name="trtllm",
                 isl=1024, osl=256, batch_size=b, tp_size=1)
one(1)
start, n = time.process_time(), 0
while time.process_time() - start < 20:
    one(2 ** (n % 8)); n += 1
print("RATE", n / (time.process_time() - start))
""",
    ),
}


def engine_rate(prompts: int, seconds: float = 3.0) -> float:
    """Configurations per second of `serve` over chips x tensor parallel x batches x prompts, one model at a time."""
    chip = chip_columns([(find_accelerator(name), "fp8") for name in CHIPS])
    chip = Chip(*(np.asarray(getattr(chip, f)).reshape(-1, 1, 1, 1) for f in Chip.__dataclass_fields__))
    tp = np.array([1.0, 2, 4, 8]).reshape(1, -1, 1, 1)
    batch = np.geomspace(1, 1024, 30).reshape(1, 1, -1, 1)
    prompt = np.linspace(128, 8192, prompts).reshape(1, 1, 1, -1)
    prepared = []
    for name in ("mixtral-8x7b", "llama-3.1-70b", "deepseek-v3", "gpt-oss-120b"):
        model = find_model(name)
        k = fitted().coefficients([Stack(find_accelerator(c), model, "fp8", "trtllm", WHEN) for c in CHIPS])
        wide = (np.asarray(getattr(k, f)).reshape(-1, 1, 1, 1) for f in Coefficients.__dataclass_fields__)
        prepared.append((shape_of(model, find_precision("fp8")), Coefficients(*wide)))
    done, start = 0, time.process_time()  # elementwise numpy runs on one core; processor time leaves neighbours out
    while time.process_time() - start < seconds:
        for shape, k in prepared:
            rate = serve(shape, chip, Layout(tp), k, prompt, 500.0, batch)
            done += np.asarray(rate.out_tok_s).size
    return done / (time.process_time() - start)


def peer_rate(name: str) -> tuple[float | None, str]:
    """The peer's own rate, or why there is none."""
    variable, what, script = PEERS[name]
    python = os.environ.get(variable)
    if not python:
        return None, f"skipped: set {variable} to the python of an environment that has it"
    try:
        run = subprocess.run([python, "-c", script], capture_output=True, text=True, timeout=150, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"skipped: it does not run there ({type(error).__name__})"
    rates = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("RATE")]
    return (float(rates[0]), what) if rates else (None, "skipped: it printed no rate")


def offers(count: int, seed: int = 0) -> list[Question]:
    """A made-up market: models and precisions at random, prices around their middle cost."""
    rng = np.random.default_rng(seed)
    ids = [m.model_id for m in models().values() if m.total_params_b < 1200]
    out = []
    for _ in range(count):
        precision = ("bf16", "fp8", "int4")[int(rng.integers(3))]
        price = float(np.exp(rng.normal(-0.5, 1.2)))
        speed = float(rng.choice([0, 20, 40, 80])) or None
        out.append(Question(ids[int(rng.integers(len(ids)))], precision, price / 3, price, WHEN, tok_s_user=speed))
    return out


def monte_carlo(count: int) -> dict[str, float]:
    """Seconds with and without pruning, the error pruning causes, and the peak memory."""
    asked = offers(count)
    market.assess(asked[:20])
    start = time.perf_counter()
    pruned = market.assess(asked)
    first = time.perf_counter() - start
    start = time.perf_counter()
    whole = market.assess(asked, keep=None)
    second = time.perf_counter() - start
    pairs = [
        (a, b)
        for a, b in zip(pruned, whole, strict=True)
        if a.probability_below is not None and b.probability_below is not None
    ]
    apart = [abs(float(a.probability_below or 0) - float(b.probability_below or 0)) for a, b in pairs]
    costs = [
        abs(a.blended_usd_per_mtok.mid / b.blended_usd_per_mtok.mid - 1)
        for a, b in pairs
        if a.blended_usd_per_mtok and b.blended_usd_per_mtok
    ]
    lost = sum(
        a.blended_usd_per_mtok is None and b.blended_usd_per_mtok is not None
        for a, b in zip(pruned, whole, strict=True)
    )
    wide = np.mean([len(market.prepare(q, shipped_rents(), fitted(), keep=None).units) for q in asked[:60]])
    return {
        "pruned_s": first,
        "unpruned_s": second,
        "probability_error_max": max(apart),
        "cost_error_p99": float(np.quantile(costs, 0.99)),
        "cost_error_max": max(costs),
        "lost": float(lost),
        "deployments": float(wide),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--offers", type=int, default=3000)
    options = parser.parse_args()
    small, large = engine_rate(4), engine_rate(40)
    lines = ["| engine | configurations/s on one core | this engine is faster by | of |", "|---|---|---|---|"]
    lines.append(f"| this engine, grids of 1,920 | {small / 1e6:.1f} M | | four models on four chips |")
    lines.append(f"| this engine, grids of 19,200 | {large / 1e6:.1f} M | | four models on four chips |")
    for name in PEERS:
        rate, words = peer_rate(name)
        figures = f"{rate:,.1f} | {large / rate:,.0f} x" if rate else "- | -"
        lines.append(f"| {name} | {figures} | {words} |")
    mc = monte_carlo(options.offers)
    lines += [
        "",
        f"Monte Carlo of {options.offers:,} offers x {mc['deployments']:.0f} deployments (mean) x 30 batches x "
        f"{market.DRAWS} draws: {mc['pruned_s']:.1f} s with dominated deployments pruned, {mc['unpruned_s']:.1f} s "
        f"without, peak {mc['peak_gb']:.2f} GB. Pruning moved no probability by more than "
        f"{mc['probability_error_max']:.3f}, the middle cost by {mc['cost_error_p99']:.2%} at the 99th percentile and "
        f"{mc['cost_error_max']:.1%} at most, and lost {mc['lost']:.0f} offers.",
    ]
    print("\n".join(lines))
    if options.write:
        refresh(README, "cost_speed", "\n".join(lines))


if __name__ == "__main__":
    main()
