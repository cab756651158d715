"""Work that is a command of its own: probes, audits, the inbox, the site; due by tracker.toml and the ledger.

    [probe]
    daily_usd = "0.50"         # without it nothing is sent
    inbox = "/srv/inbox"       # result files of other vantage points, taken every quarter of an hour

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
            found.append(Errand("probe", 1, ("probe", "--budget", str(probe["daily_usd"]))))
        found += [_audit(entry) for entry in config.get("audits", ())]
        if out.get("parquet"):
            found.append(Errand("parquet", 24, ("publish", "--parquet", str(out["parquet"]))))
        if out.get("site"):
            found.append(Errand("site", 24, ("site", str(out["site"]))))
        return found
    except KeyError as error:
        raise UsageError(f"{place}: an entry of [[audits]] lacks {error.args[0]!r}") from error
    except (AttributeError, TypeError) as error:
        raise UsageError(f"{place}: [probe], [[audits]] or [publish] has not the documented form ({error})") from error


def _audit(entry: dict[str, Any]) -> Errand:
    arguments = ["audit", entry["offer"], "--reference", entry["reference"], "--budget", str(entry["budget_usd"])]
    for control in entry.get("controls", ()):
        arguments += ["--control", control]
    for word in ("key_env", "input_price", "output_price"):  # of a MODEL@URL, which no source describes
        if word in entry:
            arguments += [f"--{word.replace('_', '-')}", str(entry[word])]
    arguments += ["--watch", str(entry.get("questions", 20))]
    return Errand(f"audit {entry['offer']}", float(entry.get("every_hours", 24)), tuple(arguments))


def run_errands(home: Home, limit_s: float, memory_gb: float) -> dict[str, str]:
    """Run every errand that is due, one after the other; returns the problem of each, "" when there was none."""
    wanted = errands(read_config(home), str(home.config))
    if not wanted or not home.history.is_file():
        return {}
    try:
        with filelock.FileLock(home.root / "errands.lock", timeout=0):
            chores = [_chore(errand, limit_s, memory_gb) for errand in wanted]
            due = pending(home, chores, utc_now()) if writer_free(home) else []
            done = {chore.name: carry_out(home, chore) for chore in due}
            if done:
                publish(home.warehouse, home.history, home.write_lock)
            return done
    except filelock.Timeout:
        return {}
    except OSError as error:
        raise StoreError(f"cannot write in {home.root}: {error.strerror or error}") from error


def _chore(errand: Errand, limit_s: float, memory_gb: float) -> Chore:
    return Chore(errand.name, slot_of(errand, utc_now()), _command(errand, limit_s, memory_gb))


def slot_of(errand: Errand, now: datetime) -> str:
    """The begin of its slot; an audit of every 48 hours is due on the same days whenever one looks."""
    return slot_start(now, errand.every_hours).isoformat(timespec="minutes")


def _command(errand: Errand, limit_s: float, memory_gb: float) -> Callable[[Home], object]:
    def work(home: Home) -> None:
        line = [sys.executable, "-m", "tracker", *errand.arguments, "--home", str(home.root)]
        with subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as child:
            limit_memory(child.pid, memory_gb)
            try:
                _, complaint = child.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired as error:
                child.kill()
                child.communicate()
                raise TrackerError(f"{errand.name} was stopped after {limit_s:g} s") from error
        if child.returncode not in (0, PARTLY):
            lines = complaint.decode(errors="replace").strip().splitlines()
            raise TrackerError(f"{errand.name}: {lines[-1][:300] if lines else f'exit code {child.returncode}'}")

    return work
