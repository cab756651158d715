"""Work that is a command of its own: probes, audits, the inbox, the site; due by tracker.toml and the ledger.

    [probe]
    daily_usd = "0.50"         # without it nothing is sent
    inbox = "/srv/inbox"       # result files of other vantage points, taken every quarter of an hour

    [[probe.targets]]          # an address that no source lists: a server of your own, or `tracker sandbox`
    offer = "MODEL@URL"
    key_env = "MY_KEY"
    input_price = 0.10         # $ per million
    output_price = 0.40
    provider = "mine"          # what to call it [local]
    every_hours = 6            # [24]

    [[audits]]
    offer = "host/model"       # or MODEL@URL, with key_env, input_price and output_price ($ per million)
    reference = "lab/model"
    controls = ["other/model", "third/model"]
    budget_usd = 0.10
    questions = 20             # fresh questions a day; evidence is kept from day to day

    [publish]
    parquet = "/srv/parquet"   # once a day
    site = "/srv/www"

Each errand is one command line of this program in a process of its own, bounded in time and memory, once per slot (an
hour, a day ...), recorded on the ledger like every chore; a failed one is tried again with growing pauses.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import filelock

from tracker.bounds import limit_memory
from tracker.config import read_config
from tracker.errors import StoreError, TrackerError, UsageError
from tracker.schedule import slot_start
from tracker.settings import Home
from tracker.tick import Chore, carry_out, pending, writer_free
from warehouse.history import publish
from warehouse.store import utc_now

PARTLY = 3  # some of it worked: that slot is over
TARGET_WORDS = frozenset(("offer", "key_env", "input_price", "output_price", "provider", "every_hours"))


@dataclass(frozen=True, slots=True)
class Errand:
    """A command line and how often it is due."""

    name: str
    every_hours: float
    arguments: tuple[str, ...]


def errands(config: dict[str, Any], place: str = "tracker.toml") -> list[Errand]:
    """The errands that a configuration asks for."""
    try:
        probe, out = config.get("probe", {}), config.get("publish", {})
        found = []
        if probe.get("inbox"):
            found.append(Errand("ingest", 0.25, ("ingest", str(probe["inbox"]))))
        if probe.get("daily_usd"):
            budget = ("--budget", str(probe["daily_usd"]))
            found.append(Errand("probe", 1, ("probe", *budget)))
            found += [_target(entry, budget) for entry in probe.get("targets", ())]
        elif probe.get("targets"):
            raise UsageError(f"{place}: [[probe.targets]] needs daily_usd in [probe]: nothing is sent without a budget")
        found += [_audit(entry) for entry in config.get("audits", ())]
        if out.get("parquet"):
            found.append(Errand("parquet", 24, ("publish", "--parquet", str(out["parquet"]))))
        if out.get("site"):
            found.append(Errand("site", 24, ("site", str(out["site"]))))
        return found
    except KeyError as error:
        raise UsageError(f"{place}: an entry of [[audits]] or [[probe.targets]] lacks {error.args[0]!r}") from error
    except (AttributeError, TypeError) as error:
        raise UsageError(f"{place}: [probe], [[audits]] or [publish] has not the documented form ({error})") from error


def _target(entry: dict[str, Any], budget: tuple[str, ...]) -> Errand:
    if unknown := set(entry) - TARGET_WORDS:
        raise TypeError(f"unknown word {min(unknown)!r}")
    model, at, url = str(entry["offer"]).partition("@")
    if not at:
        raise TypeError(f"{model!r} is not MODEL@URL; offers of the ledger are probed without an entry")
    arguments = ["probe", "--url", url, "--model", model, "--provider", str(entry.get("provider", "local")), *budget]
    for word in ("key_env", "input_price", "output_price"):
        arguments += [f"--{word.replace('_', '-')}", str(entry[word])]
    return Errand(f"probe {entry['offer']}", float(entry.get("every_hours", 24)), tuple(arguments))


def _audit(entry: dict[str, Any]) -> Errand:
    arguments = ["audit", entry["offer"], "--reference", entry["reference"], "--budget", str(entry["budget_usd"])]
    for control in entry.get("controls", ()):
        arguments += ["--control", control]
    for word in ("key_env", "input_price", "output_price"):  # of a MODEL@URL, which no source describes
        if word in entry:
            arguments += [f"--{word.replace('_', '-')}", str(entry[word])]
    arguments += ["--watch", str(entry.get("questions", 20))]
    return Errand(f"audit {entry['offer']}", float(entry.get("every_hours", 24)), tuple(arguments))


def run_errands(
    home: Home, limit_s: float, memory_gb: float, say: Callable[[str, str], None] = lambda _name, _text: None
) -> dict[str, str]:
    """Run every errand that is due, one after the other; returns the problem of each, "" when there was none.

    `say` is told the name of each that went well and the last line it printed.
    """
    wanted = errands(read_config(home), str(home.config))
    if not wanted or not home.history.is_file():
        return {}
    try:
        with filelock.FileLock(home.root / "errands.lock", timeout=0):
            chores = [_chore(errand, limit_s, memory_gb, say) for errand in wanted]
            due = pending(home, chores, utc_now()) if writer_free(home) else []
            done = {chore.name: carry_out(home, chore) for chore in due}
            if done:
                publish(home.warehouse, home.history, home.write_lock)
            return done
    except filelock.Timeout:
        return {}
    except OSError as error:
        raise StoreError(f"cannot write in {home.root}: {error.strerror or error}") from error


def _chore(errand: Errand, limit_s: float, memory_gb: float, say: Callable[[str, str], None]) -> Chore:
    def work(home: Home) -> None:
        say(errand.name, _run(errand, home, limit_s, memory_gb))

    return Chore(errand.name, slot_of(errand, utc_now()), work)


def slot_of(errand: Errand, now: datetime) -> str:
    """The begin of its slot; an audit of every 48 hours is due on the same days whenever one looks."""
    return slot_start(now, errand.every_hours).isoformat(timespec="minutes")


def _run(errand: Errand, home: Home, limit_s: float, memory_gb: float) -> str:
    """The last line it printed; TrackerError with its complaint when it failed."""
    line = [sys.executable, "-m", "tracker", *errand.arguments, "--home", str(home.root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as child:
        limit_memory(child.pid, memory_gb)
        try:
            told, complaint = (_last_line(text) for text in child.communicate(timeout=limit_s))
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.communicate()
            raise TrackerError(f"{errand.name} was stopped after {limit_s:g} s") from error
    if child.returncode not in (0, PARTLY):
        raise TrackerError(f"{errand.name}: {complaint or told or f'exit code {child.returncode}'}")
    return told


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
