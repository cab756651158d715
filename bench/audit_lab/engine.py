"""Decoding of the lab's hosts: one thread each, prompts read in pieces, requests of equal length in one batch.

A speculating request runs alone: drafts are what followed the same two tokens before, verified in one forward pass
(prompt lookup), so that what is written has the distribution of the host itself.
"""

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.audit_lab.model import Cache, forward
from bench.audit_lab.variants import Host

LARGEST_BATCH = 32
PREFILL_CHUNK = 512
DRAFT_TOKENS = 6


@dataclass(slots=True)
class Job:
    """One request inside the engine."""

    tokens: list[int]
    wanted: int
    temperature: float
    alternatives: int
    echo: bool
    generator: torch.Generator
    lookup: bool = False
    steps: queue.SimpleQueue[list[int] | None] = field(default_factory=queue.SimpleQueue)  # None: finished
    done: Future[None] = field(default_factory=Future)
    written: list[int] = field(default_factory=list)
    logprobs: list[tuple[int, float | None, list[tuple[int, float]]]] = field(default_factory=list)


class Engine:
    """One host: a queue and a thread that runs what waits in it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.waiting: queue.Queue[Job] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def run(self, job: Job) -> None:
        self.waiting.put(job)
        job.done.result(timeout=300)

    def _work(self) -> None:
        while True:
            jobs = [self.waiting.get()]
            while self.host.batch and len(jobs) < LARGEST_BATCH and not self.waiting.empty():
                jobs.append(self.waiting.get())
            for group in _groups(jobs):
                try:
                    with torch.inference_mode():
                        _run_lookup(self.host, group[0]) if group[0].lookup else self._run(group)
                    for job in group:
                        job.done.set_result(None)
                except Exception as error:  # the waiting request must hear of it
                    for job in group:
                        job.done.set_exception(error)
                for job in group:
                    job.steps.put(None)

    def _run(self, group: list[Job]) -> None:
        host, cache = self.host, Cache()
        logits = _prefill(host, torch.tensor([job.tokens for job in group]), cache, any(job.echo for job in group))
        for row, job in enumerate(group):
            if job.echo:
                _record_echo(job, logits[row].log_softmax(-1))
        for step in range(max(job.wanted for job in group)):
            last = logits[:, -1]
            chosen = [_choose(job, last[row]) for row, job in enumerate(group)]
            for row, job in enumerate(group):
                if step < job.wanted:
                    job.written.append(chosen[row])
                    job.steps.put([chosen[row]])
                    if job.alternatives:
                        _record(job, chosen[row], last[row].log_softmax(-1))
            if step + 1 < max(job.wanted for job in group):
                logits = forward(host.shape, host.weights, torch.tensor(chosen)[:, None], host.how, cache)


def _prefill(host: Host, tokens: Tensor, cache: Cache, is_whole: bool) -> Tensor:
    """Read a prompt; the logits of all its tokens where they are echoed, else of the last piece."""
    host.how.begin()
    pieces = [forward(host.shape, host.weights, part, host.how, cache) for part in tokens.split(PREFILL_CHUNK, 1)]
    return torch.cat(pieces, 1) if is_whole else pieces[-1]


def _groups(jobs: list[Job]) -> list[list[Job]]:
    """Jobs that can share a batch: of equal length. A speculating one runs alone."""
    groups: dict[int, list[Job]] = {}
    for number, job in enumerate(jobs):
        groups.setdefault(-number - 1 if job.lookup else len(job.tokens), []).append(job)
    return list(groups.values())


def _run_lookup(host: Host, job: Job) -> None:
    """Speculative decoding without a second model; what is written has the distribution of the host itself."""
    cache = Cache()
    last = _prefill(host, torch.tensor([job.tokens]), cache, False)[0, -1:]
    drafted: list[int] = []
    while len(job.written) < job.wanted:
        step: list[int] = []
        for at in range(len(drafted) + 1):
            step.append(_choose(job, last[at]))
            if at == len(drafted) or step[-1] != drafted[at]:
                break
        step = step[: job.wanted - len(job.written)]
        job.written += step
        job.steps.put(step)
        kept = len(job.tokens) + len(job.written) - 1  # the newest token is not in the cache yet
        cache.keys = [part[:, :, :kept] for part in cache.keys]
        cache.values = [part[:, :, :kept] for part in cache.values]
        drafted = draft(job.tokens + job.written)
        last = forward(host.shape, host.weights, torch.tensor([[step[-1], *drafted]]), host.how, cache)[0]


def draft(known: list[int]) -> list[int]:
    """What followed the newest earlier place with the same last two tokens."""
    pair = known[-2:]
    for at in range(len(known) - 3, -1, -1):
        if known[at : at + 2] == pair:
            return known[at + 2 : at + 2 + DRAFT_TOKENS]
    return []


def _choose(job: Job, logits: Tensor) -> int:
    if job.temperature == 0:
        return int(logits.argmax())
    weights = (logits / job.temperature).softmax(-1)
    return int(torch.multinomial(weights, 1, generator=job.generator))


def _record(job: Job, token: int, logprobs: Tensor) -> None:
    values, tokens = logprobs.topk(job.alternatives)
    job.logprobs.append((token, float(logprobs[token]), list(zip(tokens.tolist(), values.tolist(), strict=True))))


def _record_echo(job: Job, logprobs: Tensor) -> None:
    job.logprobs.append((job.tokens[0], None, []))
    for at, token in enumerate(job.tokens[1:]):
        _record(job, token, logprobs[at])
