"""The spend ledger: money is reserved on disk before a request leaves, and settled after its answer.

One append-only file per UTC day; every line is flushed to disk (fsync) under a lock before the send it pays for. After
a crash the reservations without a settlement count in full, so a budget can be under-used but not exceeded. A
reservation is an upper bound: every UTF-8 byte of the request a token, every allowed output token used. It belongs to
the day it was made on, whenever its bill arrives: a run past midnight spends the new day's money, not yesterday's.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import filelock

from tracker.errors import ProbeError


@dataclass(frozen=True, slots=True)
class Spend:
    """What a day's ledger says, in USD. `open` is reserved and not settled."""

    settled: Decimal
    open: Decimal

    @property
    def total(self) -> Decimal:
        return self.settled + self.open


class Ledger:
    """The spend of one installation. Safe for several processes. `today` says which UTC day it is."""

    def __init__(self, folder: Path, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._today = folder, today
        self._lock = filelock.FileLock(folder / "spend.lock", timeout=30)

    def reserve(self, usd: Decimal, budget_usd: Decimal, purpose: str) -> str:
        """Set money aside under the day's budget and return the reservation's id; ProbeError when it does not fit."""
        return self.reserve_all([usd], budget_usd, purpose)[0]

    def reserve_all(self, amounts: Sequence[Decimal], budget_usd: Decimal, purpose: str) -> list[str]:
        """All of several reservations or none, with one flush to disk."""
        wanted = sum(amounts, Decimal(0))
        with self._lock:
            path = self._path(self._today())
            spend = _read(path)
            if spend.total + wanted > budget_usd:
                raise ProbeError(
                    f"the budget of {budget_usd} USD a day does not cover {wanted} USD for {purpose}: "
                    f"{spend.settled} spent, {spend.open} reserved today"
                )
            made = [f"{path.stem}/{uuid.uuid4().hex}" for _ in amounts]
            lines = [
                {"reserve": each, "usd": str(usd), "for": purpose} for each, usd in zip(made, amounts, strict=True)
            ]
            _append(path, lines)
        return made

    def settle(self, reservation: str, usd: Decimal) -> None:
        """Replace a reservation by what was billed, which may be more if a seller says so: the ledger is honest."""
        self.settle_all([(reservation, usd)])

    def settle_all(self, bills: Iterable[tuple[str, Decimal]]) -> None:
        days: dict[str, list[dict[str, str]]] = {}
        for reservation, usd in bills:
            days.setdefault(reservation.partition("/")[0], []).append({"settle": reservation, "usd": str(usd)})
        with self._lock:
            for day, lines in days.items():
                _append(self._path(date.fromisoformat(day)), lines)

    def today(self) -> Spend:
        with self._lock:
            return _read(self._path(self._today()))

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.jsonl"


def _append(path: Path, lines: Sequence[dict[str, str]]) -> None:
    fresh = not path.exists()
    with path.open("ab") as handle:
        # A crash may have left half a line: end it, so that this one is whole.
        handle.write(b"\n" if handle.tell() and not _ends_whole(path) else b"")
        handle.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        handle.flush()
        os.fsync(handle.fileno())
    if fresh and os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"


def _read(path: Path) -> Spend:
    return sum_up(path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ())


def sum_up(lines: Iterable[str]) -> Spend:
    """The totals of a ledger's lines. Half a line (a crash while reserving: nothing was sent) counts nothing."""
    reserved: dict[str, Decimal] = {}
    settled = Decimal(0)
    for line in lines:
        try:
            entry = json.loads(line)
            usd = Decimal(entry["usd"])
        except (ValueError, KeyError, TypeError, ArithmeticError):
            continue
        if "reserve" in entry:
            reserved[entry["reserve"]] = usd
        elif entry.get("settle") in reserved:
            del reserved[entry["settle"]]
            settled += usd
    return Spend(settled, sum(reserved.values(), Decimal(0)))
