"""Watching an offer day by day: a handful of fresh border prompts a look, an e-process that never cries wolf.

State is one JSON file per (offer, reference) under the home directory: the honest noise, the questions not yet asked,
and the watch itself. Questions are used once: a deterministic host repeats its answers, and a repeated answer is no new
evidence. When they run out the reference is searched again; the evidence so far is kept.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path

from tracker.audit.ask import search_border
from tracker.audit.border import BorderPrompt, choose_window, select
from tracker.audit.live_border import border_answers, learn_from_controls
from tracker.audit.noise import HonestNoise
from tracker.audit.plan import BORDER_YIELD, PROMPT_TOKENS
from tracker.audit.prompts import candidates
from tracker.audit.run import TARGET_KL, Report, Table
from tracker.audit.sequential import Watch, alarm, e_benjamini_hochberg, new_watch, observe
from tracker.audit.verdict import Finding, Verdict
from tracker.errors import ProbeError
from tracker.probe.budget import Ledger
from tracker.probe.stream import run

POOL = 60  # questions found at once: twelve days at five a day
CALIBRATED = 80
FEWEST = 3


@dataclass(frozen=True, slots=True)
class WatchState:
    """Everything a watch remembers between looks."""

    offer: str
    honest: HonestNoise
    watch: Watch
    questions: tuple[BorderPrompt, ...]
    searches: int


def state_path(root: Path, table: Table) -> Path:
    """The file of this offer against this reference."""
    target, reference = table.suspect.target, table.reference.target
    name = f"{target.offer} {target.base_url} {reference.offer} {reference.base_url}"
    return root / "watches" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def load_state(path: Path) -> WatchState | None:
    """What was kept, or None at the first look. A damaged file is an error: its evidence must not vanish silently."""
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        watch = Watch(**(kept["watch"] | {"running": tuple(kept["watch"]["running"])}))
        questions = tuple(BorderPrompt(**question) for question in kept["questions"])
        return WatchState(kept["offer"], HonestNoise(**kept["honest"]), watch, questions, kept["searches"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProbeError(f"{path} is damaged ({type(error).__name__}): move it away to start the watch anew") from error


def save_state(path: Path, state: WatchState) -> None:
    """Atomically: a crash leaves the look before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as handle:
        json.dump(asdict(state), handle)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(path)


async def look(table: Table, state: WatchState | None, questions: int) -> tuple[WatchState, Finding]:
    """One look: questions are found where none are left, asked once, and weighed."""
    if state is None or len(state.questions) < questions:
        state = await _refilled(table, state)
    asked, left = state.questions[:questions], state.questions[questions:]
    trials, _ = await border_answers(table.suspect, asked)
    if trials.gaps.size < min(FEWEST, questions):
        raise ProbeError(f"{table.suspect.target.offer} answered {trials.gaps.size} of {len(asked)} questions: no look")
    watch = observe(state.watch, trials, state.honest)
    note = f"look {watch.day}: {trials.count} of {trials.gaps.size} left the reference's token"
    finding = Finding("watch", trials.gaps.size, trials.gaps.size, watch.wealth, None, note=note)
    return replace(state, watch=watch, questions=left), finding


async def _refilled(table: Table, state: WatchState | None) -> WatchState:
    searches = state.searches + 1 if state else 1
    found = await search_border(table.reference, candidates(searched(), seed=1000 + searches))
    if not found:
        raise ProbeError("the reference shows no log-probabilities, so there are no border prompts to watch with")
    honest = state.honest if state else table.honest or await learn_from_controls(table.controls, found, CALIBRATED)
    if honest is None:
        raise ProbeError("a watch needs two honest controls at its first look, or --honest-noise")
    fresh = tuple(select(found, choose_window(honest, TARGET_KL), POOL))
    watch, kept = (state.watch, state.questions) if state else (new_watch(), ())
    return WatchState(str(table.suspect.target.offer), honest, watch, (*kept, *fresh), searches)


def searched() -> int:
    """Candidates that yield about POOL questions."""
    return int(POOL / BORDER_YIELD)


def bound_usd(table: Table, state: WatchState | None, questions: int) -> float:
    """Most one look can cost."""
    cost = table.suspect.price.cost(questions, questions * PROMPT_TOKENS, questions)
    if state is None or len(state.questions) < questions:
        cost += table.reference.price.cost(searched(), searched() * PROMPT_TOKENS, searched())
        cost += sum(2 * c.price.cost(CALIBRATED, CALIBRATED * PROMPT_TOKENS, CALIBRATED) for c in table.controls)
    return cost


def take_look(table: Table, root: Path, questions: int) -> tuple[Report, WatchState]:
    """A look from the state on disk to the state on disk, with its bound reserved in the spend ledger first."""
    path = state_path(root, table)
    state = load_state(path)
    budget, bound = table.suspect.wallet.budget_usd, bound_usd(table, state, questions)
    if bound > budget:
        raise ProbeError(f"this look may cost {bound:.4f} USD, more than the budget of {budget:.4f}: say --budget")
    ledger = Ledger(root / "spend")
    reserved = Decimal(str(bound))
    reservation = ledger.reserve(reserved, ledger.today().total + reserved, f"watch of {table.suspect.target.offer}")
    try:
        state, finding = run(look(table, state, questions))
    except* ProbeError as errors:
        raise ProbeError("; ".join(str(error) for error in errors.exceptions)) from None
    save_state(path, state)
    parties = (table.suspect, table.reference, *table.controls)
    ledger.settle(reservation, Decimal(str(round(sum(party.billed_usd for party in parties), 9))))
    return Report(watch_verdict(state.watch), [finding], [], None, state.honest), state


def watch_verdict(watch: Watch) -> Verdict:
    """The sentence after a look."""
    if alarm(watch):
        what = f"has moved away from the reference (evidence {watch.peak:.3g}, 20 is an alarm): run a full audit."
        return Verdict("differs", what)
    return Verdict("not_detectable", f"nothing yet after {watch.day} looks (evidence {watch.wealth:.3g} of 20).")


def reported(root: Path, alpha: float = 0.05) -> list[str]:
    """All watched offers judged together: those to report with false discoveries held at `alpha` (e-BH)."""
    states = [load_state(path) for path in sorted((root / "watches").glob("*.json"))]
    wealth = {f"{state.offer} #{number}": state.watch.wealth for number, state in enumerate(states) if state}
    return [name.rpartition(" #")[0] for name in e_benjamini_hochberg(wealth, alpha)]
