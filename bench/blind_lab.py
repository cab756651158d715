"""The probes of the blind test against a real transformer, which the sandbox does not model.

    AUDIT_LAB_PYTHON=/path/to/env/with/torch/bin/python python -m bench.blind_lab [--write]

The hosts of `bench/audit_lab`: a trained model decoding on this machine, rounded or not, plain, speculating by prompt
lookup, or throttled. Same plan, same frozen thresholds as `bench.blind`; reference fp32, honest noise from the two bf16
hosts that bench.audit learns from. Prompts are read whole, those of 10k words too. Border prompts are searched among
held-out pages of what the lab was trained on: at the built-in sentences it hardly hesitates.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.audit_pools import lab_facts, lab_party, lab_python, lab_server
from bench.blind import BORDER, Verdict, measured, said
from bench.docs import refresh
from tracker.audit.ask import search_border
from tracker.audit.border import BorderPrompt, choose_window, select
from tracker.audit.live_border import border_answers, learn_from_controls
from tracker.audit.noise import HonestNoise
from tracker.errors import ProbeError
from tracker.probe.budget import Ledger
from tracker.probe.inbox import Row
from tracker.probe.run import Purse
from tracker.probe.signs import thresholds
from tracker.probe.stream import run

README = "tracker/probe/README.md"
SEARCHED = 2400
LEARNT_FROM = ("bf16", "bf16-split-K-random-order")
JUDGED = (
    "fp32",
    "fp32+lookup",
    "bf16-other-kernel",
    "bf16-other-kernel+paced",
    "bf16-4-way-tensor-parallel+lookup",
    "int8-per-row",
    "fp8-e4m3-w-a",
    "int4-g64",
    "int4-g64+paced",
    "int4-one-scale-per-matrix+lookup",
    "int3-g64",
    "smaller-sibling",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A host, what is true of it, what was said, and the rows that were read."""

    host: str
    kl: float
    truth: Verdict
    verdict: Verdict
    rows: list[Row]


async def judged(port: int, facts: dict[str, Any], pages: Sequence[str]) -> list[Judged]:
    """One host after another: they share two cores with what measures them."""
    reference, *controls = (lab_party(port, slug) for slug in ("fp32", *LEARNT_FROM))
    found = await search_border(reference, pages[:SEARCHED])
    honest = await learn_from_controls(controls, found, len(found))
    if honest is None:
        raise ProbeError(f"{len(found)} border prompts are too few to learn honest noise from")
    prompts = select(found, choose_window(honest, thresholds()["lossy_kl"] * 4), BORDER)
    with tempfile.TemporaryDirectory() as folder:
        purse = Purse(Ledger(Path(folder)), Decimal(1000))
        return [await judge(port, host, facts, prompts, honest, purse) for host in JUDGED]


async def judge(
    port: int, host: str, facts: dict[str, Any], prompts: Sequence[BorderPrompt], honest: HonestNoise, purse: Purse
) -> Judged:
    party = lab_party(port, host)
    rows = await measured(party.target, purse)
    trials, _ = await border_answers(party, prompts)
    weights, _, manner = host.partition("+")
    kl = float(facts[weights]["kl"])
    lossy = "4 bit" if kl >= thresholds()["lossy_kl"] else "8 bit or more"
    truth = ("speed" if manner == "paced" else "none", "speculative" if manner == "lookup" else "none", lossy)
    return Judged(host, kl, truth, said(rows, trials, honest), rows)


def lines_of(found: Sequence[Judged]) -> list[str]:
    """A line per host; what was said wrongly is in bold."""
    lines = [
        "| host | KL, nats | throttled by | speculative decoding | precision | tok/s regular / hard | tokens a chunk |",
        "|---" * 7 + "|",
    ]
    for each in found:
        cells = [
            right if right == word else f"**{word}** (true: {right})"
            for right, word in zip(each.truth, each.verdict, strict=True)
        ]
        lines.append(f"| {each.host} | {each.kl:.2g} | {' | '.join(cells)} | {seen(each.rows)} |")
    ends: dict[str, dict[str, int]] = {}
    for row in (row for each in found for row in each.rows):
        counts = ends.setdefault(row["workload"], {})
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    told = (f"`{name}` {', '.join(f'{n} {outcome}' for outcome, n in counts.items())}" for name, counts in ends.items())
    return [*lines, "", f"Outcomes of the requests: {'; '.join(told)}."]


def seen(rows: Sequence[Row]) -> str:
    """What speculation was judged by: the fastest regular and hard row that counts, and the regular text's chunks."""
    regular, hard = (
        [row for row in rows if row["workload"] == name and row["outcome"] == "ok" and row["itl_ms"]]
        for name in ("regular", "hard")
    )
    speeds = [f"{1000 / min(row['itl_ms'] for row in each):.0f}" if each else "-" for each in (regular, hard)]
    chunk = statistics.median(row["streamed_tokens"] / row["chunks"] for row in regular) if regular else None
    return f"{' / '.join(speeds)} | {'-' if chunk is None else format(chunk, '.2f')}"


def report(write: bool) -> None:
    """Print what the probes say beside the truth; a line that says so where no interpreter has torch."""
    python = lab_python()
    if python is None:
        print("real transformer: skipped, no torch here; name an interpreter that has it with AUDIT_LAB_PYTHON")
        return
    begin = time.perf_counter()
    lab = lab_facts(python)
    with lab_server(python, "stream") as (port, _):
        found = run(judged(port, lab["hosts"], lab["prompts"]))
    right = [sum(each.truth[at] == each.verdict[at] for each in found) for at in range(3)]
    words = ", ".join(f"{question} {count}" for question, count in zip(QUESTIONS, right, strict=True))
    head = f"{len(found)} hosts, {time.perf_counter() - begin:.0f} s; said rightly: {words}."
    lines = [head, "", *lines_of(found)]
    print("\n".join(lines))
    if write:
        refresh(README, "blind_lab", "\n".join(lines))


QUESTIONS = ("throttle", "speculation", "precision")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    report(parser.parse_args().write)


if __name__ == "__main__":
    main()
