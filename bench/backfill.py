"""A price map's git history replayed, beside the naive way on the same repository in the same run.

    python -m bench.backfill [--commits 500] [--models 1500] [--write]

Naive: `git show COMMIT:FILE` for each commit, the whole body parsed, checked and made into rows, and the same history
(`warehouse.retell`) told from them. Ours: `tracker backfill --git`, which on top of that keeps every body, compressed
and hashed, so that history can be told again. The repository is generated: a map in LiteLLM's layout in which each
commit moves the prices of two models and every tenth adds or drops one. `--write` refreshes the table in
warehouse/README.md.
"""

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.docs import refresh
from scrapers import archive
from scrapers.source import Capture, source_module
from tests.git_repository import make_repository, price_maps
from tracker.backfill.clones import commits_of
from tracker.backfill.git_history import history_of
from tracker.backfill.run import GIT, plan_git
from tracker.backfill.telling import retell_sources, silent
from tracker.collect.parsing import judge_of, parse_pass
from tracker.reference import refresh_reference
from tracker.settings import Home
from warehouse.passes import CaptureRow, PassFacts
from warehouse.retell import retell
from warehouse.store import utc_now, writing

SOURCE = "litellm_catalogue"
FILE = "model_prices_and_context_window.json"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds on the clock, and seconds of processor in this process and its children."""

    clock_s: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Taken:
    clock, cpu = time.perf_counter(), _cpu_s()
    work()
    return Taken(time.perf_counter() - clock, _cpu_s() - cpu)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def naive(home: Home, clone: Path) -> None:
    """One process and one full parse a commit."""
    module, told_at = source_module(SOURCE), utc_now()

    def passes() -> Iterator[PassFacts]:
        for index, commit in enumerate(commits_of(clone, [FILE])):
            show = ["git", "-C", str(clone), "show", f"{commit.sha}:{FILE}"]
            body = subprocess.run(show, capture_output=True, check=True).stdout
            facts = PassFacts(SOURCE, GIT, commit.committed_at, told_at)
            row = CaptureRow(index, "", "", "", archive.digest_of(body), len(body))
            yield parse_pass(module, facts, [(Capture(SOURCE, "", body, commit.committed_at, recorder=GIT), row)])

    with writing(home.warehouse, home.write_lock) as connection:
        refresh_reference(connection)
        retell(connection, SOURCE, passes(), told_at, judge_of)


def prices(home: Home) -> list[tuple[object, ...]]:
    """Every price with its times: both ways must tell the same."""
    columns = "offer_id, component, amount, observed_at"
    with writing(home.warehouse, home.write_lock) as connection:
        return connection.execute(
            f"SELECT {columns}, NULL AS ended_at FROM core.quote_now UNION ALL "
            f"SELECT {columns}, ended_at FROM core.quote_past ORDER BY ALL"
        ).fetchall()


def measure(folder: Path, commits: int, models: int) -> list[str]:
    versions = price_maps(commits, models)
    clone = make_repository(folder / "clone", [{FILE: body} for body in versions])
    slow, fast, history = Home(folder / "naive"), Home(folder / "ours"), history_of(SOURCE)
    for home in (slow, fast):
        with writing(home.warehouse, home.write_lock) as connection:  # the tables are made before the clock starts
            refresh_reference(connection)
    planned = []
    keeping = timed(lambda: planned.extend(plan_git(fast, history, clone)))
    telling = timed(lambda: retell_sources(fast, {SOURCE: planned}, silent))
    again = timed(lambda: plan_git(fast, history, clone))
    plain = timed(lambda: naive(slow, clone))
    told = prices(slow)
    assert told, "nothing was told"
    assert told == prices(fast), "the two ways do not tell the same history"
    size = len(versions[-1]) / 1e6
    lines = [
        f"{commits} commits of one {size:.1f} MB file with {models:,} models; {len(told):,} prices, alike both ways.",
        "",
        "| what | clock, s | processor, s | per commit, ms of processor | naive / this: clock | processor |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    whole = Taken(keeping.clock_s + telling.clock_s, keeping.cpu_s + telling.cpu_s)
    for what, taken in (
        ("naive: git show, full parse, told", plain),
        ("read out of git and kept (not in naive)", keeping),
        ("read back, parsed by pieces, told", telling),
        ("both: first backfill", whole),
        ("backfill again, nothing new", again),
    ):
        ratios = f"{plain.clock_s / taken.clock_s:.1f} | {plain.cpu_s / taken.cpu_s:.1f}"
        each = taken.cpu_s / commits * 1000
        lines.append(f"| {what} | {taken.clock_s:.1f} | {taken.cpu_s:.1f} | {each:.1f} | {ratios} |")
    return lines


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--commits", type=int, default=500)
    options.add_argument("--models", type=int, default=1500)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        lines = measure(Path(place), chosen.commits, chosen.models)
    print("\n".join(lines))
    if chosen.write:
        refresh("warehouse/README.md", "backfill", "\n".join(lines))


if __name__ == "__main__":
    main()
