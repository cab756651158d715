"""Commands that answer questions: offers, history, changes, evidence, sql. All read the published file only."""

from datetime import datetime
from typing import Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home

MODEL_MATCH = (
    "(lower(listed_name) = lower($1) OR lower(model_id) = lower($1) OR lower(split_part(model_id, '/', 2)) = lower($1) "
    "OR lower(split_part(listed_name, '/', -1)) = lower($1) OR lower(offer) = lower($1))"
)

# An offer named exactly is meant itself, also where its name happens to be a model's id too.
OFFER_MATCH = (
    "CASE WHEN EXISTS (SELECT 1 FROM names n WHERE lower(n.offer) = lower($1)) THEN lower(offer) = lower($1) "
    f"ELSE {MODEL_MATCH} END"
)
KINDS = (
    "cut", "rise", "new", "removed", "promo_start", "promo_end", "made_free", "free_ended", "zero_claimed",
    "zero_ended", "correction", "repack", "source_switch", "unknown",
)  # fmt: skip
SQL_MEMORY_GB = 6.0  # address space: the engine's own limit (2 GB), an answer, and what the libraries map


@app.command()
def offers(
    model: Annotated[str, typer.Argument(help="Model id, its slug, or a listed name")],
    home: HomeOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows")] = 40,
) -> None:
    """Who sells a model today and for how much, cheapest first, with declared precision and where it was read.

    Example: tracker offers deepseek-chat
    """
    from tracker.errors import UsageError
    from tracker.tables import print_rows
    from warehouse.history import open_history

    with open_history(find_home(home).history) as history:
        rows = history.rows(
            f"SELECT offer, precision, input_usd_per_mtok, output_usd_per_mtok, cache_read_usd_per_mtok, output_status "
            f"AS status, discounted, has_hours OR has_bands AS conditional, source_id, last_seen_at, stale "
            f"FROM offers WHERE {MODEL_MATCH} "
            f"ORDER BY stale, output_status = 'zero_claimed', blended_usd_per_mtok NULLS LAST, offer LIMIT $2",
            [model, limit],
        )
        if not rows:
            raise UsageError(f"no offer of {model!r}{_near(history, model)}")
    print_rows(rows, title=f"offers of {model} (USD per million tokens)", limit=limit)


def _near(history: object, model: str) -> str:
    from typing import cast

    from warehouse.history import History

    found = cast(History, history).rows(
        "SELECT DISTINCT coalesce(model_id, listed_name) AS name FROM names "
        "WHERE lower(offer) LIKE '%' || lower($1) || '%' "
        "OR lower(model_id) LIKE '%' || lower($1) || '%' ORDER BY length(name), name LIMIT 5",
        [model],
    )
    return "; did you mean " + ", ".join(str(row["name"]) for row in found) + "?" if found else "; see `tracker sql`"


@app.command()
def history(
    offer: Annotated[str, typer.Argument(help="An offer as `tracker offers` prints it, or a model")],
    home: HomeOption = None,
    component: Annotated[str, typer.Option(help="input, output, cache_read ...; empty for all")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows, newest first")] = 60,
) -> None:
    """Every price an offer ever had, newest first, with when it was said to hold, seen and recorded.

    Example: tracker history deepseek/deepseek-chat --component output
    """
    from tracker.errors import UsageError
    from tracker.tables import print_rows
    from warehouse.history import open_history

    with open_history(find_home(home).history) as ledger:
        rows = ledger.rows(
            "SELECT offer, component, basis, amount, currency, amount_usd AS usd, status, hours, "
            "min_prompt_tokens AS from_tokens, valid_from, "
            "CASE WHEN valid_to < TIMESTAMP '9999-12-31' THEN valid_to END AS valid_to, source_id, quote_id "
            f"FROM price_history WHERE {OFFER_MATCH} AND ($2 = '' OR component = $2) "
            "ORDER BY valid_from DESC, offer, component LIMIT $3",
            [offer, component, limit],
        )
        if not rows:
            raise UsageError(f"no history of {offer!r}{_near(ledger, offer)}")
    print_rows(rows, title=f"history of {offer}", limit=limit)


@app.command()
def changes(
    since: Annotated[datetime | None, typer.Option(help="From this day on [default: the last 7 days]")] = None,
    home: HomeOption = None,
    kind: Annotated[str, typer.Option(help="cut, rise, new, removed, promo_start ...; empty for all")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows, newest first")] = 60,
    ahead: Annotated[bool, typer.Option("--ahead", help="Announced changes that lie ahead instead")] = False,
) -> None:
    """What changed: cuts, rises, promotions, new and removed prices, each with its quote id for `tracker evidence`.

    Example: tracker changes --since 2026-08-01 --kind cut
    """
    from tracker.errors import UsageError
    from tracker.tables import print_rows
    from warehouse.history import open_history

    if kind and kind not in KINDS:
        raise UsageError(f"no kind {kind!r}: one of {', '.join(KINDS)}")
    with open_history(find_home(home).history) as ledger:
        rows = ledger.rows(
            "SELECT changed_at, kind, offer, component, old_amount AS old, new_amount AS new, currency, "
            "round(100 * change, 1) AS percent, source_id, coalesce(quote_id, old_quote_id) AS quote_id "
            "FROM price_changes CROSS JOIN clock "
            "WHERE CASE WHEN $4 THEN changed_at > now_utc ELSE changed_at <= now_utc "
            "AND changed_at >= coalesce($1, now_utc - INTERVAL 7 DAY) END AND ($2 = '' OR kind = $2) "
            "ORDER BY changed_at DESC, offer, component LIMIT $3",
            [since, kind, limit, ahead],
        )
    when = "announced" if ahead else f"since {since:%Y-%m-%d}" if since else "of the last 7 days"
    print_rows(rows, title=f"price changes {when}", limit=limit)


@app.command()
def evidence(
    quote: Annotated[str, typer.Argument(help="A quote id, or an offer")],
    home: HomeOption = None,
    lines: Annotated[int, typer.Option(help="Lines of the capture to show around the row")] = 6,
) -> None:
    """The chain behind a number: price -> row as the source wrote it -> raw bytes (checked by hash) -> URL and time.

    Example: tracker evidence deepseek/deepseek-chat
    """
    from rich.console import Console

    from tracker.explain.evidence import chains

    console = Console()
    for chain in chains(find_home(home), quote, lines):
        console.print(chain, markup=False, highlight=False, soft_wrap=True)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT on the public views")],
    home: HomeOption = None,
    format: Annotated[str, typer.Option("--format", help="table, csv, json, parquet or markdown")] = "table",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds before it is stopped")] = 60.0,
) -> None:
    """Ask the published history in SQL: read-only, no other file, no network, bounded in memory and time.

    Example: tracker sql "SELECT provider, count(*) FROM offers GROUP BY 1 ORDER BY 2 DESC LIMIT 5" --format markdown
    """
    import os

    from tracker.bounds import ending_within, limit_memory
    from tracker.errors import UsageError
    from tracker.tables import FORMATS, write_table
    from warehouse.history import query

    if format not in FORMATS:
        raise UsageError(f"no format {format!r}: one of {', '.join(FORMATS)}")
    limit_memory(os.getpid(), SQL_MEMORY_GB)
    # the engine stops a query by itself, unless it is inside one function call that never looks up
    with ending_within(timeout + 5, f"tracker: the statement ran longer than {timeout:g} s and was killed"):
        answer = query(find_home(home).history, statement, timeout)
    write_table(answer, format)
