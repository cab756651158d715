"""Asking an endpoint on behalf of an audit: money reserved before each request, failures counted, text as it came."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tracker.audit.border import BorderPrompt, border_prompt
from tracker.audit.margin import margins
from tracker.audit.permutation import Floats
from tracker.audit.plan import BYTES_PER_TOKEN, TEMPLATE_TOKENS, Price
from tracker.errors import ProbeError
from tracker.probe.connection import Patience
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.reply import Reply
from tracker.probe.stream import send
from tracker.probe.targets import Target

READABLE = frozenset(("ok", "usage_disputed", "distorted"))  # the text is whole; only counts or times are in doubt
PATIENCE = Patience(first_byte_s=60.0, stall_s=30.0, total_s=120.0)
RETRIES = 3


@dataclass(slots=True)
class Wallet:
    """What an audit may spend. Reserved at the upper bound before sending; a bill above its bound counts too."""

    budget_usd: float
    reserved_usd: float = 0.0
    requests: int = 0

    def reserve(self, cost_usd: float) -> None:
        if self.reserved_usd + cost_usd > self.budget_usd:
            raise ProbeError(f"the budget of {self.budget_usd:.4f} USD is used up after {self.requests} requests")
        self.reserved_usd += cost_usd
        self.requests += 1

    def bill(self, bound_usd: float, billed_usd: float) -> None:
        """A seller that bills more than we bounded takes it from what is left for the others."""
        self.reserved_usd += max(0.0, billed_usd - bound_usd)


@dataclass(slots=True)
class Party:
    """One endpoint of an audit, with what it was asked and how it failed."""

    target: Target
    key: Key
    wallet: Wallet
    concurrency: int = 8
    asked: int = 0
    billed_usd: float = 0.0  # by the host's own usage, or by our bound where it reports none
    failures: dict[str, int] = field(default_factory=dict)
    is_sandbox: bool = False

    @property
    def price(self) -> Price:
        known = self.target.input_usd_per_mtok, self.target.output_usd_per_mtok
        if known[0] is None or known[1] is None:
            raise ProbeError(
                f"the price of {self.target.offer} is unknown, so its bill would be too: say --price IN/OUT"
            )
        return Price(float(known[0]), float(known[1]))

    @property
    def reads_raw_text(self) -> bool:
        """Whether prompts reach the model without a template, so that texts can be scored by echo."""
        return self.target.dialect == "openai_completions"


@dataclass(frozen=True, slots=True)
class Path:
    """A greedy text, the reference's gap at each of its tokens, and where each token ends."""

    text: str
    gaps: Floats
    ends: NDArray[np.int64]


async def ask_all(party: Party, asks: Sequence[Ask]) -> list[Reply]:
    """Send all, at most `concurrency` at once; a 429 waits as it is told and tries again."""
    gate = asyncio.Semaphore(party.concurrency)

    async def one(ask: Ask) -> Reply:
        async with gate:
            bound = _upper_cost(party.price, ask)
            party.wallet.reserve(bound)
            reply = await _patiently(party, ask)
            billed = _billed(party.price, ask, reply)
            party.wallet.bill(bound, billed)
        party.asked += 1
        party.billed_usd += billed
        party.is_sandbox = party.is_sandbox or reply.is_sandbox
        if reply.outcome not in READABLE:
            party.failures[reply.outcome] = party.failures.get(reply.outcome, 0) + 1
        return reply

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(replace(ask, model=party.target.model))) for ask in asks]
    return [task.result() for task in tasks]


async def _patiently(party: Party, ask: Ask) -> Reply:
    for attempt in range(RETRIES):
        reply = await send(party.target, ask, party.key, PATIENCE)
        if reply.outcome != "rate_limited":
            return reply
        await asyncio.sleep(_wait_s(reply, attempt))
    return reply


def _wait_s(reply: Reply, attempt: int) -> float:
    """`retry-after` where it is a number of seconds, else 2, 4, 8 s; never more than a minute."""
    told = reply.limits.get("retry-after", "")
    return min(60.0, float(told) if told.replace(".", "", 1).isdigit() else 2.0 ** (attempt + 1))


def _upper_tokens(ask: Ask) -> int:
    extra = len(json.dumps(dict(ask.extra))) if ask.extra else 0
    return int((len(ask.prompt.encode()) + extra) / BYTES_PER_TOKEN) + TEMPLATE_TOKENS


def _upper_cost(price: Price, ask: Ask) -> float:
    return price.cost(1, _upper_tokens(ask), ask.max_tokens)


def _billed(price: Price, ask: Ask, reply: Reply) -> float:
    if reply.outcome not in READABLE:
        return 0.0
    sent, written = reply.usage.input_tokens, reply.usage.output_tokens
    return price.cost(1, _upper_tokens(ask) if sent is None else sent, ask.max_tokens if written is None else written)


async def texts(party: Party, prompts: Sequence[str], tokens: int, temperature: float = 0.0) -> list[str | None]:
    """One text per prompt; None where the request failed."""
    asks = [Ask("", prompt, tokens, temperature) for prompt in prompts]
    return [reply.text if reply.outcome in READABLE else None for reply in await ask_all(party, asks)]


async def greedy_path(party: Party, prompts: Sequence[str], tokens: int) -> list[Path | None]:
    """The reference's greedy texts with the gap at each token; gaps are empty where it shows no log-probabilities."""
    replies = await ask_all(party, [Ask("", prompt, tokens, logprobs=5) for prompt in prompts])
    return [_path(reply) if reply.outcome in READABLE else None for reply in replies]


def _path(reply: Reply) -> Path:
    tops = [sorted((value for _, value in token.top), reverse=True) for token in reply.logprobs]
    gaps = [top[0] - top[1] for top in tops if len(top) > 1]
    ends = np.cumsum([len(token.token) for token in reply.logprobs])
    whole = len(gaps) == len(tops) and len(gaps) > 0 and int(ends[-1]) == len(reply.text)
    return Path(reply.text, np.array(gaps if whole else []), ends if whole else np.array([]))


async def form(party: Party, prompts: Sequence[str], tokens: int = 24) -> tuple[list[str], list[int | None]]:
    """Texts and the prompt-token counts the host reports, for prompts that were answered."""
    replies = await ask_all(party, [Ask("", prompt, tokens) for prompt in prompts])
    read = [reply for reply in replies if reply.outcome in READABLE]
    return [reply.text for reply in read], [reply.usage.input_tokens for reply in replies]


async def search_border(party: Party, prompts: Sequence[str], alternatives: int = 5) -> list[BorderPrompt]:
    """The prompts on which the reference hesitates between two tokens. Empty where it shows no log-probabilities."""
    found: list[BorderPrompt] = []
    for start in range(0, len(prompts), 256):
        part = prompts[start : start + 256]
        replies = await ask_all(party, [Ask("", prompt, 1, logprobs=alternatives) for prompt in part])
        for prompt, reply in zip(part, replies, strict=True):
            border = border_prompt(prompt, dict(reply.logprobs[0].top)) if reply.logprobs else None
            if border is not None:
                found.append(border)
        if start == 0 and not any(reply.logprobs for reply in replies):
            break
    return found


async def scored_margins(party: Party, prompts: Sequence[str], written: Sequence[str]) -> list[Floats | None]:
    """Margins of texts in the reference's eyes, by echo; None where it echoes no log-probabilities."""
    asks = [Ask("", prompt + text, 1, logprobs=5, echo=True) for prompt, text in zip(prompts, written, strict=True)]
    replies = await ask_all(party, asks)
    return [
        _tail_margins(reply, len(prompt), len(prompt + text))
        for reply, prompt, text in zip(replies, prompts, written, strict=True)
    ]


def _tail_margins(reply: Reply, start: int, end: int) -> Floats | None:
    """Margins of the echoed tokens that lie wholly inside [start, end) of the text."""
    at, best, own = 0, [], []
    for token in reply.logprobs:
        begins, at = at, at + len(token.token)
        if begins >= start and at <= end and token.logprob is not None and token.top:
            best.append(max(token.logprob, *(value for _, value in token.top)))
            own.append(token.logprob)
    return margins(np.array(best), np.array(own)) if best else None
