"""Whole audits of the lab, as a user would run them: forty border questions, one sentence each.

    AUDIT_LAB_PYTHON=/path/to/env/with/torch/bin/python python -m bench.audit_verdicts [--write]

Reference: fp32. Controls: the two honest hosts that bench.audit learns from. Nothing is tuned on these answers.
Prompts, as with `--prompts`: held-out pages of what the lab was trained on; the built-in ones it hardly hesitates at.
"""

import asyncio
import sys
import time
from typing import Any

from bench.audit import README
from bench.audit_pools import lab_facts, lab_party, lab_python, lab_server
from tracker.audit.desk import plan
from tracker.audit.run import Report, Table, run_audit

START, END = "<!-- bench:audit_verdicts -->", "<!-- /bench:audit_verdicts -->"
AUDITED = (
    "smaller-sibling",
    "int3-g64",
    "bf16-other-kernel",
    "int4-per-row",
    "fp8-e4m3-w-a",
    "int8-per-row",
)


def audit_host(port: int, slugs: list[str], slug: str, prompts: list[str], seed: int) -> Report:
    """One audit, with prompts drawn for it."""
    suspect, reference, *controls = (lab_party(port, name) for name in (slug, *slugs[:3]))
    table = Table(suspect, reference, controls, prompts=prompts)
    steps = [step for step in plan(table, 1.0, QUESTIONS) if step.method != "sampled text"]
    return asyncio.run(run_audit(table, steps, seed))


def line(fact: dict[str, Any], report: Report) -> str:
    """A row of the table."""
    p_values = {found.method: found.p_value for found in report.findings}
    shown = " | ".join("" if (p := p_values.get(name)) is None else f"{p:.1g}" for name in METHODS)
    return f"| {fact['name']} | {fact['kl']:.2g} | {shown} | {report.verdict.sentence} |"


METHODS = ("border prompts", "greedy divergence", "teacher-forced margin")
QUESTIONS = 40


def main() -> None:
    """Audit each host and print what was said; `--write` refreshes the README."""
    python = lab_python()
    if python is None:
        print("skipped: no torch here; name an interpreter that has it with AUDIT_LAB_PYTHON")
        return
    lab = lab_facts(python)
    facts, prompts = lab["hosts"], lab["prompts"]
    lines = ["| host | KL, nats | p " + " | p ".join(METHODS) + " | verdict |", "|---" * 6 + "|"]
    print("\n".join(lines))
    with lab_server(python) as (port, slugs):
        for seed, slug in enumerate(AUDITED, start=20):
            started = time.monotonic()
            lines.append(line(facts[slug], audit_host(port, slugs, slug, prompts, seed)))
            print(lines[-1], f"({time.monotonic() - started:.0f} s)", flush=True)
            if "--write" in sys.argv:
                write(lines)


def write(lines: list[str]) -> None:
    """Refresh the block of the README; after each host, so that a broken run leaves what it found."""
    before, _, rest = README.read_text().partition(START)
    README.write_text(f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
