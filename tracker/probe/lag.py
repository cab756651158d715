"""How late our own event loop is: a beat every 5 ms, and how far behind it fired around a given moment.

A token that arrives while the loop is busy gets the time at which the loop came to read it. The beat is delayed by
the same cause, so its lateness bounds the error of any arrival near it.
"""

import asyncio
import gc
from bisect import bisect_left
from time import perf_counter
from types import TracebackType

BEAT_S = 0.005
KEPT_FROM_S = 0.0005


class LagMeter:
    """Use as a context manager around a burst of streams. Times are `perf_counter` seconds.

    Cyclic garbage collection rests meanwhile: a full pass over a burst's pieces stops every stream for tens of ms.
    """

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.lateness: list[float] = []
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._collected = False

    def __enter__(self) -> "LagMeter":
        self._collected = gc.isenabled()
        gc.disable()
        self._arm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle:
            self._handle.cancel()
        if self._collected:
            gc.enable()

    def _arm(self) -> None:
        self._due = perf_counter() + BEAT_S
        self._handle = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now = perf_counter()
        if now - self._due > KEPT_FROM_S:
            self.moments.append(now)
            self.lateness.append(now - self._due)
        self._arm()

    def near(self, moment: float) -> float:
        """How late an arrival noted at `moment` may be, to within one beat.

        The worst lateness of the beats that were waiting at that moment or fired within a beat before it.
        """
        at = bisect_left(self.moments, moment - BEAT_S)
        worst = 0.0
        while at < len(self.moments) and self.moments[at] - self.lateness[at] <= moment:
            worst = max(worst, self.lateness[at])
            at += 1
        return worst

    @property
    def worst_ms(self) -> float:
        return 1000 * max(self.lateness, default=0.0)
