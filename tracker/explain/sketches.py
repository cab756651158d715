"""Text for notes in a terminal: sentences, cost ranges beside a price, a quantity over time. Pure; no colour."""

import math
import textwrap
from collections.abc import Sequence
from datetime import datetime

WIDTH = 60  # of a chart
LINE = 110  # of a sentence
LEVELS = "▁▂▃▄▅▆▇█"


def wrapped(text: str, indent: str = "  ", hanging: str | None = None) -> list[str]:
    """Lines of a sentence; names such as `meta-llama/...` stay whole."""
    following = indent if hanging is None else hanging
    return textwrap.wrap(text, LINE, initial_indent=indent, subsequent_indent=following, break_on_hyphens=False)


def ranges(rows: Sequence[tuple[str, float, float, float]], mark: float) -> list[str]:
    """One line per (label, low, middle, high) on a common logarithmic axis, and `mark`, a price, below them.

    A mark of zero has no place on such an axis and is left out. Nothing without a positive range.
    """
    known = [row for row in rows if row[1] > 0]
    if not known:
        return []
    amounts = [value for _, *span in known for value in span] + ([mark] if mark > 0 else [])
    low, high = math.log(min(amounts)), math.log(max(amounts))

    def place(value: float) -> int:
        return round((math.log(value) - low) / ((high - low) or 1.0) * (WIDTH - 1))

    wide = max(len("price"), *(len(label) for label, *_ in known))
    lines = []
    for label, first, middle, last in known:
        cells = [" "] * WIDTH
        cells[place(first) : place(last) + 1] = "─" * (place(last) - place(first) + 1)
        cells[place(first)], cells[place(last)], cells[place(middle)] = "├", "┤", "●"
        lines.append(f"{label:<{wide}}  {''.join(cells).rstrip()}")
    if mark > 0:
        lines.append(f"{'price':<{wide}}  {' ' * place(mark)}▲ {mark:.3g}")
    left = f"{math.exp(low):.3g}"
    return [*lines, f"{'':<{wide}}  {left}{f'{math.exp(high):.3g}':>{WIDTH - len(left)}}"]


def over_time(points: Sequence[tuple[datetime, float]], until: datetime, unit: str) -> list[str]:
    """A quantity that holds from each moment to the next, as columns of equal length in time; the ends in words."""
    if len(points) < 2 or until <= points[0][0]:
        return []
    start, values = points[0][0], [value for _, value in points]
    low, high = min(values), max(values)
    columns = []
    for column in range(WIDTH):
        moment = start + (until - start) * (column + 0.5) / WIDTH
        standing = [value for at, value in points if at <= moment][-1]
        level = 0 if high == low else round((standing - low) / (high - low) * (len(LEVELS) - 1))
        columns.append(LEVELS[level])
    return [
        f"{''.join(columns)}  {low:.3g} to {high:.3g} {unit}",
        f"{start:%Y-%m-%d}{f'{until:%Y-%m-%d}':>{WIDTH - 10}}",
    ]
