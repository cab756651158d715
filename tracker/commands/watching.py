"""Commands that say how things are: sources, status, held, doctor."""

from typing import Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import Home, find_home


@app.command()
def sources(
    home: HomeOption = None,
    kind: Annotated[str, typer.Option(help="seller, host, market ...")] = "",
    check: Annotated[bool, typer.Option("--check", help="Read every live page now and compare; store nothing")] = False,
) -> None:
    """Every source with what its parser was built against, when it was last read, and what is odd about it.

    Only `recorded` and `excerpt` count as working proofs. --check is for the first day with a network: exit code 3 when
    some pages failed, 1 when none could be read.

    Example: tracker sources --kind seller
    """
    from rich.console import Console

    from scrapers.source import KINDS
    from tracker.collect import survey
    from tracker.collect.progress import reporting
    from tracker.errors import UsageError
    from tracker.tables import print_rows

    if kind and kind not in KINDS:
        raise UsageError(f"no kind {kind!r}: one of {', '.join(sorted(KINDS))}")
    place = find_home(home)
    if check:
        with reporting(Console(stderr=True)) as report:
            found = survey.check(place, kind, report)
        print_rows(found, title="live pages against the stored state")
        Console().print(survey.outcome(found), highlight=False, soft_wrap=True)
        failed = sum(row["page"] == "failed" for row in found)
        asked = sum(row["page"] != "not asked" for row in found)
        raise typer.Exit(0 if not failed else 3 if failed < asked else 1)
    rows = survey.listing(place, kind)
    print_rows(rows, title="sources")
    Console().print(f"{len(rows)} sources; proof: {survey.proofs(rows)}", highlight=False)
    if kind in ("", "seller", "host"):
        print_rows(survey.gaps(), title="sellers without a source of their own")


@app.command()
def status(
    home: HomeOption = None,
    due: Annotated[bool, typer.Option("--due", help="Also every source with its last pass and its next")] = False,
) -> None:
    """The state of the data: what is fresh, failing, waiting, held, and how large it has grown.

    Example: tracker status --due
    """
    from tracker.health import health_of
    from tracker.tables import print_rows
    from warehouse.history import open_history

    place = find_home(home)
    with open_history(place.history) as history:
        facts = history.rows(
            "SELECT (SELECT now_utc FROM clock) AS last_pass_utc, "
            "(SELECT count(*) FROM sources WHERE last_good_at IS NOT NULL) AS sources_read, "
            "(SELECT count(*) FROM sources WHERE last_outcome = 'failed') AS failing, "
            "(SELECT count(*) FROM sources WHERE enabled AND stale AND last_good_at IS NOT NULL) AS stale, "
            "(SELECT count(*) FROM offers) AS offers, (SELECT count(*) FROM quotes) AS prices, "
            "(SELECT count(*) FROM conflicts) AS conflicts, "
            "(SELECT count(*) FROM unmatched_names) AS unmatched_names"
        )[0]
    health = health_of(place)
    for name in ("held", "open_flags", "overdue", "failed_chores", "spool_waiting", "offline"):
        facts[name] = getattr(health, name)
    for name in ("warehouse", "history", "disk_free"):
        facts[f"{name}_mb"] = round(getattr(health, f"{name}_bytes") / 2**20, 1)
    print_rows([{"what": name, "value": value} for name, value in facts.items()], title=f"state of {place.root}")
    if due:
        _print_due(place)


def _print_due(place: Home) -> None:
    """Last and next pass of every source; a time that is past: the next tick reads it."""
    from tracker.schedule import next_due, phase_of
    from tracker.tables import print_rows
    from tracker.tick import states
    from warehouse.store import utc_now

    rows = [
        {
            "source": state.source_id,
            "last_good_utc": state.last_good,
            "last_try_utc": state.last_try,
            "failures": state.failures or None,
            "next_utc": next_due(state, phase_of(place.root)) or "now",
        }
        for state in states(place, utc_now())
    ]
    print_rows(sorted(rows, key=lambda row: str(row["next_utc"])), title="sources by next pass")


@app.command()
def held(
    home: HomeOption = None,
    admit: Annotated[int | None, typer.Option(help="Believe this hold")] = None,
    reject: Annotated[int | None, typer.Option(help="Never believe this hold")] = None,
    limit: Annotated[int, typer.Option(help="At most so many rows, newest first")] = 40,
) -> None:
    """Prices that are not believed yet, with the comparison that raised the doubt; --admit or --reject settles one.

    Example: tracker held
    """
    from rich.console import Console

    from tracker.collect.settle import settle
    from tracker.tables import print_rows
    from warehouse.history import open_history

    place = find_home(home)
    for hold_id, believed in ((admit, True), (reject, False)):
        if hold_id is not None:
            settle(place, hold_id, believed)
            Console().print(f"hold {hold_id} {'admitted' if believed else 'rejected'}")
            return
    with open_history(place.history) as history:
        rows = history.rows(
            "SELECT hold_id, offer, component, amount, currency, reason, detail, source_id, observed_at FROM held "
            "WHERE state = 'waiting' ORDER BY observed_at DESC, offer LIMIT $1",
            [limit],
        )
    print_rows(rows, title="held prices")


@app.command()
def doctor(home: HomeOption = None) -> None:
    """The installation: versions, disk, locks, which keys are present. (The state of the data is `tracker status`.)

    Example: tracker doctor
    """
    import os
    import platform
    import shutil
    from importlib.metadata import version

    import filelock

    from scrapers.source import source_modules
    from tracker.tables import print_rows

    place = find_home(home)
    place.root.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = [
        {"what": "tracker", "value": version("inference-price-tracker")},
        {"what": "python", "value": platform.python_version()},
        {"what": "duckdb", "value": version("duckdb")},
        {"what": "home", "value": str(place.root)},
        {"what": "writable", "value": os.access(place.root, os.W_OK)},
        {"what": "disk free", "value": f"{shutil.disk_usage(place.root).free / 2**30:.1f} GiB"},
        {"what": "published", "value": place.history.is_file()},
    ]
    try:
        with filelock.FileLock(place.write_lock, timeout=0):
            rows.append({"what": "write lock", "value": "free"})
    except filelock.Timeout:
        rows.append({"what": "write lock", "value": f"held by another process ({place.write_lock})"})
    for module in source_modules().values():
        if module.SOURCE.key_env:
            there = "present" if os.environ.get(module.SOURCE.key_env) else "absent"
            need = "needed" if module.SOURCE.key_required else "optional"
            rows.append({"what": f"key {module.SOURCE.key_env}", "value": f"{there} ({need} by {module.SOURCE.id})"})
    print_rows(rows, title="installation")
