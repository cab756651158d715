"""Blind test: hosts nobody has seen, judged with thresholds frozen before they were drawn. `python -m bench.blind`.

A second process draws a random key, serves the sandbox hosts that follow from it, and tells the key only after the
last verdict. The probes are the shipped ones (`run_burst`), the thresholds `tracker/data/probe_thresholds.csv`, the
precision test the audit's border prompts with the sandbox's `reference` and `fast` as the two honest endpoints.

    python -m bench.blind [--hosts 200] [--parallel 5] [--key KEY] [--write]

The same probes and thresholds then meet a real transformer (`bench.blind_lab`), which the sandbox does not model.
"""

import argparse
import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bench.docs import refresh
from tracker.audit.border import BorderPrompt, border_prompt, border_test, border_trials, choose_window, select
from tracker.audit.noise import HonestNoise, Trials, learn_honest
from tracker.audit.prompts import candidates
from tracker.probe.budget import Ledger
from tracker.probe.inbox import Row
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.reply import Reply
from tracker.probe.run import Purse, Vantage, run_burst
from tracker.probe.signs import limiting, pacing, speculation, thresholds
from tracker.probe.stream import run, send
from tracker.probe.targets import Target
from tracker.probe.workloads import WORKLOADS
from tracker.records import Offer
from tracker.sandbox.hosts import Host, hidden_hosts, preset

README = "tracker/sandbox/README.md"
KEY = Key("blind-test-key")
BORDER = 60
PLAN = (
    ("hard", 1),
    ("regular", 1),
    ("hard-10k", 1),
    ("hard", 1),
    ("regular", 1),
    ("hard-10k", 1),
    ("prefill-100", 8),
)
Verdict = tuple[str, str, str]  # throttle, speculation, precision


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the precision test needs: border prompts of the reference and the noise of honest hosts."""

    prompts: list[BorderPrompt]
    honest: HonestNoise


def serve(key: str, count: int) -> None:
    """The other process: draw, serve, tell the key when the input ends."""
    import threading

    from tracker.sandbox.server import serve as serve_hosts

    key = key or secrets.token_hex(8)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    hosts = [preset("reference"), preset("fast"), *hidden_hosts(key, count)]
    run(serve_hosts(hosts, 0, 0, lambda port: print(port, flush=True), stop))
    print(key, flush=True)


@contextmanager
def hidden_server(key: str, count: int) -> Iterator[tuple[int, list[str]]]:
    """The port, and a list that holds the key once the block has ended."""
    command = [sys.executable, "-m", "bench.blind", "--serve", "--hosts", str(count), "--key", key]
    environment = dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert server.stdout
    told: list[str] = []
    try:
        yield int(server.stdout.readline()), told
    finally:
        out, _ = server.communicate("", timeout=30)
        told += out.split()


def target_of(port: int, name: str) -> Target:
    offer, url = Offer(name, "toy"), f"http://127.0.0.1:{port}/{name}/v1"
    return Target(offer, url, "openai_chat", "", Decimal("0.1"), Decimal("0.4"))


async def ask_patiently(target: Target, asks: Sequence[Ask]) -> tuple[list[Reply], int]:
    """One after another, waiting as long as a 429 says; the answers and how often it said so."""
    replies, refused = [], 0
    for ask in asks:
        while (reply := await send(target, ask, KEY)).outcome == "rate_limited":
            refused += 1
            await asyncio.sleep(float(reply.limits.get("retry-after", "1")))
        replies.append(reply)
    return replies, refused


def one_token(prompt: str, logprobs: int = 0) -> Ask:
    return Ask("toy", prompt, 1, logprobs=logprobs)


async def yardstick(port: int) -> Yardstick:
    """Border prompts from the reference's own log-probabilities, honest noise from two honest endpoints."""
    plain = replace(target_of(port, "reference"), dialect="openai_completions")
    asks = [one_token(text, 5) for text in candidates(2400)]
    halves = await asyncio.gather(*(ask_patiently(plain, asks[start::12]) for start in range(12)))
    pool = [
        border_prompt(ask.prompt, dict(reply.logprobs[0].top))
        for start, (replies, _) in enumerate(halves)
        for ask, reply in zip(asks[start::12], replies, strict=True)
        if reply.logprobs
    ]
    found = [prompt for prompt in pool if prompt]
    near = [prompt for prompt in found if prompt.gap < 0.5]
    honest = learn_honest([(await border_of(port, name, near))[0] for name in ("reference", "fast")])
    window = choose_window(honest, thresholds()["lossy_kl"] * 4)
    return Yardstick(select(found, window, BORDER), honest)


async def border_of(port: int, name: str, prompts: list[BorderPrompt]) -> tuple[Trials, int, int]:
    """The host's answers to the border prompts; strangers among them; refusals on the way."""
    plain = replace(target_of(port, name), dialect="openai_completions")
    replies, refused = await ask_patiently(plain, [one_token(prompt.prompt) for prompt in prompts])
    trials, strangers = border_trials(prompts, [reply.text for reply in replies])
    return trials, strangers, refused


async def judge(port: int, name: str, measure: Yardstick, purse: Purse, places: asyncio.Semaphore) -> Verdict:
    """All that is known of a host in the end: three words."""
    async with places:
        rows = await measured(target_of(port, name), purse)
    trials, _, _ = await border_of(port, name, measure.prompts)
    return said(rows, trials, measure.honest)


async def measured(target: Target, purse: Purse) -> list[Row]:
    """The bursts of the plan; a distorted or refused one is asked again, twice at most."""
    rows: list[Row] = []
    for workload, concurrency in PLAN:
        for _ in range(3):
            made = await run_burst(target, WORKLOADS[workload], concurrency, KEY, purse, Vantage("blind"))
            rows += made
            if made[0]["outcome"] not in ("distorted", "rate_limited") or concurrency > 1:
                break
    return rows


def said(rows: list[Row], trials: Trials, honest: HonestNoise) -> Verdict:
    return throttle(rows), "speculative" if speculation(rows) else "none", precision(trials, honest)


def throttle(rows: list[Row]) -> str:
    limit = limiting(rows)
    if limit is None and any("ratelimit-limit-requests" in row["limits"] for row in rows):
        return "requests"
    if limit:
        return {"rate_limited": "requests", "concurrency_limited": "concurrency"}[limit.kind]
    return "speed" if pacing(rows) else "none"


def precision(trials: Trials, honest: HonestNoise) -> str:
    result = border_test(trials, honest)
    limits = thresholds()
    return "4 bit" if result.p_value < limits["border_p"] and result.kl.mid >= limits["lossy_kl"] else "8 bit or more"


def truth_of(host: Host) -> Verdict:
    limits = {
        "requests": host.requests_per_minute,
        "concurrency": host.max_concurrency,
        "speed": host.cap_tok_s,
    }
    throttled = next((name for name, value in limits.items() if value), "none")
    lossy = "4 bit" if host.precision == "int4" else "8 bit or more"
    return throttled, "speculative" if host.draft_tokens else "none", lossy


async def blind(port: int, count: int, parallel: int) -> tuple[list[Verdict], Yardstick]:
    with tempfile.TemporaryDirectory() as folder:
        purse = Purse(Ledger(Path(folder)), Decimal(1000))
        measure = await yardstick(port)
        places = asyncio.Semaphore(parallel)
        names = [f"h{number:03d}" for number in range(count)]
        return list(await asyncio.gather(*(judge(port, name, measure, purse, places) for name in names))), measure


def confusion(truths: Sequence[Verdict], verdicts: Sequence[Verdict]) -> list[str]:
    """One table per question: rows are what was true, columns what was said."""
    lines = []
    for place, question in enumerate(("throttled by", "speculative decoding", "precision")):
        pairs = Counter((truth[place], said[place]) for truth, said in zip(truths, verdicts, strict=True))
        words = sorted({word for pair in pairs for word in pair}, key=lambda word: (word in ("none",), word))
        right = sum(count for (truth, said), count in pairs.items() if truth == said)
        lines += [f"| {question}: true, said | {' | '.join(words)} |", f"|---|{'---|' * len(words)}"]
        lines += [f"| {truth} | {' | '.join(str(pairs[truth, said]) for said in words)} |" for truth in words]
        lines += ["", f"{right} of {len(truths)} right.", ""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--parallel", type=int, default=5)
    parser.add_argument("--key", default="")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.serve:
        return serve(options.key, options.hosts)
    begin = time.perf_counter()
    with hidden_server(options.key, options.hosts) as (port, told):
        verdicts, measure = run(blind(port, options.hosts, options.parallel))
    truths = [truth_of(host) for host in hidden_hosts(told[-1], options.hosts)]
    lines = [
        f"{options.hosts} hosts, key `{told[-1]}`, {time.perf_counter() - begin:.0f} s; {len(measure.prompts)} border "
        f"prompts; honest noise {measure.honest.sigma:.3f} from {measure.honest.endpoints} endpoints.",
        "",
        *confusion(truths, verdicts),
    ]
    print("\n".join(lines))
    for number, (truth, said) in enumerate(zip(truths, verdicts, strict=True)):
        if truth != said:
            print(f"h{number:03d}: true {truth}, said {said}: {hidden_hosts(told[-1], options.hosts)[number]}")
    if options.write:
        refresh(README, "blind", "\n".join(lines))
    from bench.blind_lab import report

    report(options.write)


if __name__ == "__main__":
    main()
