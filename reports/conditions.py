"""The fine print that moved: prices beside plain input and output, or only for some prompts or hours."""

from collections.abc import Sequence

from reports.movers import moved, names_columns
from reports.moves import Move
from reports.parts import Column, Section, Table
from reports.words import Words


def conditions_section(moves: Sequence[Move], say: Words) -> Section:
    """Changes beside the plain input and output price: cache, long prompts, time bands, images."""
    rows = []
    for move in moved(moves, "conditions", "cut", "rise", "mixed"):
        for step in move.steps:
            if step.component in ("input", "output") and step.base:
                continue
            if step.kind not in ("cut", "rise"):
                continue
            row: dict[str, object] = {"model": move.model, "offer": move.offer, "component": step.component}
            scope = say("any prompt, any hour") if step.base else say("for some prompts or hours")
            row |= {"scope": scope, "price_old": step.old, "price_new": step.new}
            row |= {"currency": move.currency, "at": step.changed_at}
            rows.append({**row, "source": step.source_id, "quotes": step.quote_ids})
    columns = (
        *names_columns(say),
        Column("component", say("Component"), "code"),
        Column("scope", say("Scope")),
        Column("price", say("Price"), "step"),
        Column("currency", say("Currency")),
        Column("at", say("Since (UTC)"), "when"),
        Column("source", say("Source"), "code"),
        Column("quotes", say("Evidence"), "evidence"),
    )
    table = Table("conditions", say("Cache, long prompts, hours and other components"), columns, tuple(rows), 20,
                  folded=True)  # fmt: skip
    text = say("Prices beside plain input and output that moved: {count}.", count=len(rows))
    return Section("conditions", say("Fine print that moved"), (text,), (), (table,))
