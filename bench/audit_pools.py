"""Ask every host of the lab over HTTP, with the code of `tracker audit`, and keep the answers as pools to draw from."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from bench import audit_lab
from bench.audit_lab.home import lab_home
from tracker.audit.ask import Party, Wallet, ask_all, scored_margins, search_border, texts
from tracker.audit.border import BorderPrompt, border_trials, choose_window, select
from tracker.audit.border import calibration as calibrating
from tracker.audit.divergence import Survival, survival
from tracker.audit.margin import CEILING
from tracker.audit.noise import HonestNoise, Trials, learn_honest
from tracker.audit.permutation import Floats
from tracker.audit.run import GREEDY_TOKENS, SAMPLED_TOKENS, TARGET_KL
from tracker.audit.tracking import Sample
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.stream import run
from tracker.probe.targets import Target
from tracker.records import Offer

FACT_PROMPTS = 6000
SEARCHED, CALIBRATED, POOL = 5000, 150, 500
GREEDY, TRACKED, TRACKED_REPEATS = 150, 12, 6
SAMPLED, REPEATS = 30, 12

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One host of the lab and everything it answered."""

    slug: str
    name: str
    kind: str  # reference, honest, held_out, altered
    kl: float
    border: Trials
    strangers: int
    greedy: Survival
    margins: list[Floats]
    tracked: list[list[Sample]]
    sampled: list[list[str]]


@dataclass(frozen=True, slots=True)
class Pools:
    """All hosts, and the honest noise learnt from the two that may be learnt from."""

    subjects: list[Subject]
    honest: HonestNoise
    found: int
    second_reference: list[list[str]]  # the reference's second set of samples
    seconds: float


def lab_python() -> str | None:
    """An interpreter that has torch, or None."""
    given = os.environ.get("AUDIT_LAB_PYTHON", sys.executable)
    has_torch = subprocess.run([given, "-c", "import torch"], capture_output=True, check=False).returncode == 0
    return given if has_torch else None


@contextmanager
def lab_server(python: str, *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """Start the lab's server; it ends with its standard input."""
    with subprocess.Popen(
        [python, "-m", "bench.audit_lab.server", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port, *slugs = server.stdout.readline().split()
        yield int(port), slugs
        assert server.stdin is not None
        server.stdin.close()


def lab_facts(python: str) -> dict[str, Any]:
    """Held-out prompts and true distances; kept until the lab's code or weights change."""
    code = sorted(Path(audit_lab.__file__).parent.glob("*.py"))
    sources = [path for path in code if path.name not in ("server.py", "engine.py")] + sorted(lab_home().glob("*.pt"))
    marks = [path.read_text() if path.suffix == ".py" else str(path.stat().st_mtime_ns) for path in sources]
    path = lab_home() / f"facts-{hashlib.sha256(json.dumps(marks).encode()).hexdigest()[:12]}.json"
    if not path.exists():
        command = [python, "-m", "bench.audit_lab.facts", str(FACT_PROMPTS)]
        path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def load_pools(python: str, fresh: bool) -> Pools:
    """Collected answers, kept beside the weights; collected anew when asked or when the lab changed."""
    facts = lab_facts(python)
    digest = hashlib.sha256(json.dumps([facts, SEARCHED, CALIBRATED, POOL, GREEDY, SAMPLED], sort_keys=True).encode())
    path = lab_home() / f"answers-{digest.hexdigest()[:12]}.json"
    if fresh or not path.exists():
        with lab_server(python) as (port, slugs):
            path.write_text(json.dumps(run(collect(port, slugs, facts["prompts"]))))
    return read_pools(facts, json.loads(path.read_text()))


def lab_party(port: int, slug: str) -> Party:
    """A host of the lab, free of charge."""
    offer = Offer("audit-lab", slug)
    target = Target(offer, f"http://127.0.0.1:{port}/{slug}/v1", "openai_completions", "", Decimal(0), Decimal(0))
    return Party(target, Key("unused-key"), Wallet(1.0), concurrency=24)


async def collect(port: int, slugs: Sequence[str], prompts: Sequence[str]) -> Answers:
    """Every question to every host."""
    started = time.monotonic()
    parties = {slug: lab_party(port, slug) for slug in slugs}
    reference = parties[slugs[0]]
    print(f"searching {SEARCHED} prompts for the border", file=sys.stderr, flush=True)
    found = await search_border(reference, prompts[:SEARCHED])
    near = calibrating(found, CALIBRATED)
    calibration = {slug: await texts(parties[slug], [p.prompt for p in near], 1) for slug in slugs[1:3]}
    honest = learn_honest([border_trials(near, [str(a) for a in answers])[0] for answers in calibration.values()])
    asked = select(found, choose_window(honest, TARGET_KL), POOL)
    answers: Answers = {
        "found": [(p.prompt, p.top, p.runner_up, p.gap) for p in found],
        "near": [p.prompt for p in near],
        "calibration": calibration,
        "asked": [p.prompt for p in asked],
        "hosts": {},
    }
    for slug, party in parties.items():
        answers["hosts"][slug] = await _ask_host(party, reference, [p.prompt for p in asked], prompts)
        if party.failures:
            raise RuntimeError(f"{slug} failed: {party.failures}")
        print(f"{slug}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    answers["second_reference"] = await _sampled(reference, prompts)
    return answers | {"seconds": time.monotonic() - started}


async def _ask_host(party: Party, reference: Party, border: Sequence[str], prompts: Sequence[str]) -> Answers:
    greedy_prompts = prompts[SEARCHED : SEARCHED + GREEDY]
    greedy = [str(text) for text in await texts(party, greedy_prompts, GREEDY_TOKENS)]
    margins = await scored_margins(reference, greedy_prompts, greedy)
    tracked_prompts = [prompt for prompt in prompts[:TRACKED] for _ in range(TRACKED_REPEATS)]
    tracked = await ask_all(party, [Ask("", prompt, 1, logprobs=20) for prompt in tracked_prompts])
    return {
        "border": await texts(party, border, 1),
        "greedy": greedy,
        "margins": [margin.tolist() if margin is not None else [] for margin in margins],
        "tracked": [dict(reply.logprobs[0].top) for reply in tracked],
        "sampled": await _sampled(party, prompts),
    }


async def _sampled(party: Party, prompts: Sequence[str]) -> list[list[str]]:
    asked = [prompt for prompt in prompts[SEARCHED + GREEDY : SEARCHED + GREEDY + SAMPLED] for _ in range(REPEATS)]
    written = [str(text) for text in await texts(party, asked, SAMPLED_TOKENS, temperature=1.0)]
    return [written[at : at + REPEATS] for at in range(0, len(written), REPEATS)]


def read_pools(facts: dict[str, Any], answers: Answers) -> Pools:
    """Pools from collected answers."""
    border = {prompt: BorderPrompt(prompt, top, second, gap) for prompt, top, second, gap in answers["found"]}
    near = [border[prompt] for prompt in answers["near"]]
    honest = learn_honest([border_trials(near, given)[0] for given in answers["calibration"].values()])
    asked = [border[prompt] for prompt in answers["asked"]]
    reference = next(iter(answers["hosts"].values()))
    subjects = []
    for slug, given in answers["hosts"].items():
        trials, strangers = border_trials(asked, given["border"])
        tracked = [
            given["tracked"][at : at + TRACKED_REPEATS] for at in range(0, len(given["tracked"]), TRACKED_REPEATS)
        ]
        fact = facts["hosts"][slug]
        subjects.append(
            Subject(
                slug,
                fact["name"],
                fact["kind"],
                fact["kl"],
                trials,
                strangers,
                survival(reference["greedy"], given["greedy"]),
                [np.minimum(margin, CEILING) for margin in given["margins"]],
                tracked,
                given["sampled"],
            )
        )
    return Pools(subjects, honest, len(border), answers["second_reference"], answers["seconds"])
