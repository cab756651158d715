"""An audit from first request to verdict: the order of tests, and which of them can run with whom at the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tracker.audit.ask import READABLE, Party, Path, ask_all, form, greedy_path, scored_margins, search_border, texts
from tracker.audit.border import border_test, choose_window, select
from tracker.audit.divergence import Survival, divergence_test, path_trials, survival
from tracker.audit.live_border import border_answers, detectable_kl, learn_from_controls
from tracker.audit.margin import margin_test
from tracker.audit.mmd import hamming_mmd
from tracker.audit.noise import HonestNoise, Range, kl_of_noise, noise_range
from tracker.audit.plan import CONTEXT_ANSWER, TOOL_ANSWER, Step
from tracker.audit.prompts import candidates
from tracker.audit.surface import Difference, PromptTokens, context_held, differences, needle, plain, prompt_tokens
from tracker.audit.tool_prompts import SCHEMAS, tool_questions, tools
from tracker.audit.tools import ToolCall, tool_score
from tracker.audit.verdict import Finding, Verdict, decide, load_ladder
from tracker.errors import ProbeError
from tracker.probe.messages import Ask

TARGET_KL = 0.014  # the window is set for this distance: 4-bit weights of an 8B model
GREEDY_TOKENS, SAMPLED_TOKENS = 16, 50
FEWEST_ANSWERS = 8  # border answers below this bound no distance
Say = Callable[[str], None]


@dataclass(slots=True)
class Table:
    """Who sits at the table, and what is known of honest noise beforehand."""

    suspect: Party
    reference: Party
    controls: list[Party] = field(default_factory=list)
    honest: HonestNoise | None = None
    prompts: Sequence[str] | None = None  # own prompts instead of the built-in ones


@dataclass(frozen=True, slots=True)
class Report:
    """Everything an audit found."""

    verdict: Verdict
    findings: list[Finding]
    form: list[Difference]
    tokens: PromptTokens | None
    honest: HonestNoise | None


async def run_audit(table: Table, steps: Sequence[Step], seed: int = 0, say: Say = lambda _line: None) -> Report:
    """Form first, then border prompts, greedy divergence with margins, sampled texts: those the plan holds."""
    planned = {step.method: step for step in steps}
    shapes, tokens = await _form(table, planned["form"].prompts, seed) if "form" in planned else ([], None)
    findings: list[Finding] = []
    if "context" in planned:
        findings.append(await _context(table.suspect, planned["context"].prompts, seed))
    if "tool calls" in planned:
        say("tool calls")
        findings.append(await _tools(table, planned["tool calls"].prompts, seed))
    if "border prompts" in planned and not (tokens and tokens.verdict == "other"):
        say("border prompts")
        findings.append(await _border(table, planned["border search"].prompts, planned["border prompts"].prompts, seed))
    if "greedy divergence" in planned:
        say("greedy divergence")
        scored = "teacher-forced margin" in planned
        findings += await _greedy(table, planned["greedy divergence"].prompts, seed, scored)
    if "sampled text" in planned:
        say("sampled text")
        findings.append(await _sampled(table, planned["sampled text"].prompts, seed))
    return Report(decide(findings, load_ladder(), shapes, tokens), findings, shapes, tokens, table.honest)


def _prompts(table: Table, count: int, seed: int) -> list[str]:
    if table.prompts is None:
        return candidates(count, seed)
    order = np.random.default_rng(seed).permutation(len(table.prompts))
    return [table.prompts[at] for at in order[:count]]


async def _form(table: Table, count: int, seed: int) -> tuple[list[Difference], PromptTokens | None]:
    prompts = [prompt * (1 + at % 3) for at, prompt in enumerate(_prompts(table, count, seed + 1))]
    ours, our_counts = await form(table.reference, prompts)
    theirs, their_counts = await form(table.suspect, prompts)
    if not ours or not theirs:
        raise ProbeError(f"no answers to compare: {_failures(table)}")
    both = [(a, b) for a, b in zip(our_counts, their_counts, strict=True) if a is not None and b is not None]
    tokens = prompt_tokens([a for a, _ in both], [b for _, b in both]) if len(both) >= 3 else None
    return differences(ours, theirs), tokens


async def _context(suspect: Party, tokens: int, seed: int) -> Finding:
    """Whether the host read all of a long prompt: held, truncated (its own count is short), forgotten, or refused."""
    prompt, word = needle(tokens, seed)
    (reply,) = await ask_all(suspect, [Ask("", prompt, CONTEXT_ANSWER)])
    if reply.outcome not in READABLE:
        return _silent("context", f"a prompt of about {tokens} tokens was not answered: {reply.outcome} {reply.detail}")
    seen = context_held(word, reply.text, tokens, reply.usage.input_tokens)
    note = f"a prompt of about {tokens} tokens was {seen}; the host counted {reply.usage.input_tokens}"
    return Finding("context", 1, CONTEXT_ANSWER, float(seen == "held"), None, note=note)


async def _tools(table: Table, count: int, seed: int) -> Finding:
    """Schema accuracy of the host's calls, and whether it calls when the reference does. No test, so no p."""
    asks = [Ask("", text, TOOL_ANSWER, extra={"tools": tools()}) for text in tool_questions(count, seed + 5)]
    theirs, ours = [await ask_all(party, asks) for party in (table.suspect, table.reference)]
    both = [(a, b) for a, b in zip(theirs, ours, strict=True) if a.outcome in READABLE and b.outcome in READABLE]
    if not both:
        return _silent("tool calls", "no question with tools was answered by both")
    said, known = ([[ToolCall(c.name, c.arguments) for c in pair[at].calls] for pair in both] for at in (0, 1))
    triggered = [bool(calls) for calls in known]
    host, reference = tool_score(said, SCHEMAS, triggered), tool_score(known, SCHEMAS)
    f1 = "" if host.trigger_f1 is None else f"; called when the reference did with F1 {host.trigger_f1:.2f}"
    fits = f"{host.valid} of {host.calls} calls fit their schema"
    note = f"{fits}, the reference's {reference.valid} of {reference.calls}"
    return Finding("tool calls", len(both), TOOL_ANSWER * len(both), host.schema_accuracy, None, note=note + f1)


def _failures(table: Table) -> str:
    counted = [
        f"{party.target.offer}: {dict(party.failures)}" for party in (table.reference, table.suspect) if party.failures
    ]
    return "; ".join(counted) or "no host failed"


async def _border(table: Table, searched: int, wanted: int, seed: int) -> Finding:
    found = await search_border(table.reference, _prompts(table, searched, seed + 2))
    if not found:
        return _silent(
            "border prompts", "the reference shows no log-probabilities, so no border prompts could be found"
        )
    scarce = f"of {searched:,} prompts too few are near a choice of two: ask more, or bring others with --prompts"
    if table.honest is None:
        if len(table.controls) < 2:
            return _silent(
                "border prompts", "two honest controls (or --honest-noise) are needed to learn what hosts may do"
            )
        table.honest = await learn_from_controls(table.controls, found, wanted)
    if table.honest is None:
        return _silent("border prompts", scarce)
    asked = select(found, choose_window(table.honest, TARGET_KL), wanted)
    if len(asked) < FEWEST_ANSWERS:
        return _silent("border prompts", scarce)
    trials, strangers = await border_answers(table.suspect, asked)
    if trials.gaps.size < FEWEST_ANSWERS:
        return _silent("border prompts", f"only {trials.gaps.size} of {len(asked)} border prompts were answered")
    result = border_test(trials, table.honest, strangers)
    seen = detectable_kl(trials, table.honest)
    note = f"{result.flips} of {result.trials} left the reference's token, {strangers} for a third one"
    return Finding(
        "border prompts", result.trials, result.trials, float(result.flips), result.p_value, result.kl, seen, 0.95, note
    )


async def _greedy(table: Table, count: int, seed: int, scored: bool) -> list[Finding]:
    prompts = _prompts(table, count, seed + 3)
    paths = await greedy_path(table.reference, prompts, GREEDY_TOKENS)
    others = [table.suspect, *table.controls]
    written = [await texts(party, prompts, GREEDY_TOKENS) for party in others]
    answered = [at for at, row in enumerate(zip(paths, *written, strict=True)) if all(cell is not None for cell in row)]
    if len(answered) < 8:
        return [_silent("greedy divergence", f"only {len(answered)} prompts were answered by everybody")]
    kept = [path for path in (paths[at] for at in answered) if path is not None]
    columns = [
        [spaced_like(path.text, str(column[at])) for path, at in zip(kept, answered, strict=True)] for column in written
    ]
    lives = [survival([plain(path.text) for path in kept], [plain(text) for text in column]) for column in columns]
    result = divergence_test(lives[0], lives[1:])
    note = f"{result.parted_share:.0%} of texts left the reference's, {result.control_share:.0%} of the controls'"
    spent = len(answered) * GREEDY_TOKENS
    kl = path_distance(kept, columns[0])
    found = [Finding("greedy divergence", len(answered), spent, result.parted_share, result.p_value, kl, note=note)]
    if scored:
        found.append(await _margins(table.reference, [prompts[at] for at in answered], columns[0], columns[1:]))
    return found


def spaced_like(reference: str, text: str) -> str:
    """The text with the leading blank a host stripped: glued to the prompt it would score as other words."""
    return f" {text}" if reference[:1] == " " and text and not text[:1].isspace() else text


def path_distance(paths: Sequence[Path], texts_of_host: Sequence[str]) -> Range | None:
    """KL by where a host's greedy texts leave the reference's, given the reference's gap at every token."""
    shown = [(path, text) for path, text in zip(paths, texts_of_host, strict=True) if path.gaps.size]
    if len(shown) < 8:
        return None
    characters = survival([path.text for path, _ in shown], [text for _, text in shown])
    tokens = [
        int(np.searchsorted(path.ends, at, side="right"))
        for (path, _), at in zip(shown, characters.shared, strict=True)
    ]
    lives = Survival(np.array(tokens, dtype=np.int64), characters.parted)
    trials = path_trials([path.gaps for path, _ in shown], lives)
    return kl_of_noise(noise_range(trials)) if trials.gaps.size else None


async def _margins(
    reference: Party, prompts: Sequence[str], suspect: Sequence[str], controls: Sequence[Sequence[str]]
) -> Finding:
    scored = [await scored_margins(reference, prompts, column) for column in (suspect, *controls)]
    rows = [row for row in zip(*scored, strict=True) if all(text is not None for text in row)]
    if len(rows) < 8:
        return _silent("teacher-forced margin", "the reference echoes no log-probabilities")
    columns = [[text for text in column if text is not None] for column in zip(*rows, strict=True)]
    result = margin_test(columns[0], columns[1:])
    note = f"{result.mean:.4f} nats per token, the controls {result.control_mean:.4f}"
    return Finding("teacher-forced margin", len(rows), result.tokens, result.mean, result.p_value, note=note)


async def _sampled(table: Table, count: int, seed: int, repeats: int = 10) -> Finding:
    prompts = [prompt for prompt in _prompts(table, count, seed + 4) for _ in range(repeats)]
    sides = []
    for party in (table.reference, table.suspect):
        written = await texts(party, prompts, SAMPLED_TOKENS, temperature=1.0)
        sides.append(
            [
                [plain(text) for text in written[at : at + repeats] if text is not None]
                for at in range(0, len(prompts), repeats)
            ]
        )
    kept = [(a, b) for a, b in zip(*sides, strict=True) if len(a) > 1 and len(b) > 1]
    if not kept:
        return _silent("sampled text", "too few sampled texts came back")
    result = hamming_mmd([a for a, _ in kept], [b for _, b in kept], length=4 * SAMPLED_TOKENS)
    return Finding(
        "sampled text", result.samples // 2, result.samples // 2 * SAMPLED_TOKENS, result.statistic, result.p_value
    )


def _silent(method: str, note: str) -> Finding:
    return Finding(method, 0, 0, None, None, note=note)
