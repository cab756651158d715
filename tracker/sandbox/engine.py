"""Continuous batching of one host, in real time: admit, prefill, decode one step, wait as long as the step takes.

The clock of a host is its own: each step starts where the last one ended, so that timer lateness does not add up.
A sequence is admitted when its whole context fits the KV cache, otherwise it queues, first come first served.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from tracker.sandbox.hosts import Host
from tracker.sandbox.language import Floats, Text, log_softmax, next_logits, toy_model


@dataclass(slots=True, eq=False)
class Sequence:
    """A request in the batch. `emit` gets the tokens of one step with the log-probabilities they were drawn from."""

    prompt: list[int]
    max_tokens: int
    temperature: float
    rng: np.random.Generator
    emit: Callable[[list[int], list[Floats]], None]
    is_gone: Callable[[], bool]
    text: Text = field(init=False)
    prefilled: int = 0
    made: int = 0
    not_before: float = 0.0

    def __post_init__(self) -> None:
        self.text = Text(self.prompt)

    @property
    def room(self) -> int:
        return len(self.prompt) + self.max_tokens

    @property
    def is_done(self) -> bool:
        return self.made >= self.max_tokens or self.is_gone()


class Engine:
    """The serving loop of one host; it runs while there is work."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.model = toy_model(host.checkpoint, host.precision, host.drift)
        self.running: list[Sequence] = []
        self.waiting: deque[Sequence] = deque()
        self._noise = np.random.default_rng()
        self._task: asyncio.Task[None] | None = None

    def submit(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        clock = perf_counter()
        while self.running or self.waiting:
            self._admit()
            prefill = self._prefill()
            ready = [s for s in self.running if s.prefilled >= len(s.prompt) and s.not_before <= clock]
            held = sum(s.prefilled + s.made for s in self.running)
            clock = max(clock, perf_counter() - 0.05) + self.host.step_s(len(ready), held, prefill)
            await asyncio.sleep(max(0.0, clock - perf_counter()))
            self._decode(ready, clock)
            self.running = [s for s in self.running if not s.is_done]

    def _admit(self) -> None:
        room = self.host.kv_room_tokens() - sum(s.room for s in self.running)
        while self.waiting and len(self.running) < self.host.max_batch:
            head = self.waiting[0]
            if head.is_gone():
                self.waiting.popleft()
            elif head.room <= room or not self.running:
                room -= head.room
                self.running.append(self.waiting.popleft())
            else:
                break

    def _prefill(self) -> int:
        """Give the step's prefill budget to the sequences in order; how much of it was used."""
        left = self.host.prefill_chunk
        for sequence in self.running:
            part = min(left, len(sequence.prompt) - sequence.prefilled)
            sequence.prefilled += part
            left -= part
        return self.host.prefill_chunk - left

    def _decode(self, ready: list[Sequence], clock: float) -> None:
        """One step: a token each, and with speculation as many more as the drafted copies turn out right."""
        made: dict[Sequence, tuple[list[int], list[Floats]]] = {s: ([], []) for s in ready}
        active = ready
        for _ in range(1 + self.host.draft_tokens):
            if not active:
                break
            drafts = [sequence.text.copied() for sequence in active]
            rows = log_softmax(self._logits(active))
            going = []
            for sequence, row, draft in zip(active, rows, drafts, strict=True):
                token = _sample(row, sequence.temperature, sequence.rng)
                sequence.text.append(token)
                sequence.made += 1
                made[sequence][0].append(token)
                made[sequence][1].append(row)
                if token == draft and sequence.made < sequence.max_tokens:
                    going.append(sequence)
            active = going
        for sequence, (tokens, rows_made) in made.items():
            sequence.emit(tokens, rows_made)
            if self.host.cap_tok_s:
                sequence.not_before = max(sequence.not_before, clock - 0.1) + len(tokens) / self.host.cap_tok_s

    def _logits(self, sequences: list[Sequence]) -> Floats:
        logits = next_logits(self.model, [sequence.text for sequence in sequences])
        if self.host.kernel_noise:
            noise = self._noise.standard_normal(logits.shape, dtype=np.float32)
            logits = logits + np.float32(self.host.kernel_noise) * noise
        return logits

    def score(self, prompt: list[int]) -> list[Floats | None]:
        """Log-probabilities of every prompt token given those before it (`echo`): None for the first."""
        text = Text(prompt[:1])
        rows: list[Floats | None] = [None]
        for token in prompt[1:]:
            logits = next_logits(self.model, [text])
            if self.host.kernel_noise:
                noise = self._noise.standard_normal(logits.shape, dtype=np.float32)
                logits = logits + np.float32(self.host.kernel_noise) * noise
            rows.append(log_softmax(logits)[0])
            text.append(token)
        return rows


def _sample(row: Floats, temperature: float, rng: np.random.Generator) -> int:
    if temperature <= 0:
        return int(row.argmax())
    weights = np.exp((row - row.max()) / temperature, dtype=np.float64)
    return int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
