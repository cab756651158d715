"""Sections on what moved: cuts, rises, promotions, zeros, new and removed offers, wavering resellers."""

from collections import Counter
from collections.abc import Iterable, Sequence

from reports.billed import Billed
from reports.moves import Move
from reports.parts import Column, Row, Section, Table
from reports.words import Words


def names_columns(say: Words) -> tuple[Column, ...]:
    return Column("model", say("Model"), "code"), Column("offer", say("Offer"), "code")


def step_columns(say: Words) -> tuple[Column, ...]:
    """Old and new prices, when, how often and the evidence."""
    return (
        Column("input", say("Input / M"), "step"),
        Column("output", say("Output / M"), "step"),
        Column("currency", say("Currency")),
        Column("change", say("Change"), "change"),
        Column("how", say("Kind")),
        Column("last_at", say("Since (UTC)"), "when"),
        Column("source", say("Source"), "code"),
        Column("quotes", say("Evidence"), "evidence"),
    )


def move_row(move: Move, say: Words) -> Row:
    before, after = move.before, move.after
    row: dict[str, object] = {
        "model": move.model,
        "offer": move.offer,
        "currency": move.currency,
        "change": move.change,
        "how": how_text(move, say),
        "times": move.times,
        "first_at": move.first_at,
        "last_at": move.last_at,
        "source": move.steps[-1].source_id,
        "quotes": move.quote_ids,
        "note": say("zero not proven") if any(side and side.zero_claimed for side in (before, after)) else None,
    }
    for name in ("input", "output", "cache_read"):
        row[f"{name}_old"] = before.prices[name] if before else None
        row[f"{name}_new"] = after.prices[name] if after else None
    return row


def how_text(move: Move, say: Words) -> str:
    words = {
        "list_cut": say("list price cut"),
        "list_rise": say("list price raised"),
        "promo_start": say("promotion began"),
        "promo_end": say("promotion ended"),
        "discount": say("promotion changed"),
        "free": say("free tier"),
    }
    return say.items(words[way] for way in move.how)


def moved(moves: Iterable[Move], *kinds: str) -> list[Move]:
    return [move for move in moves if move.kind in kinds]


def movers_section(moves: Sequence[Move], stepwise: Table, say: Words) -> Section:
    """Cuts and rises of list prices; what only a promotion moved has its own section."""
    echoes = moved(moves, "echo")
    cuts = [move for move in moved(moves, "cut") if not move.only_promoted]
    rises = [move for move in moved(moves, "rise", "mixed") if not move.only_promoted]
    columns = (*names_columns(say), *step_columns(say))
    extra = ("times", "first_at", "cache_read_old", "cache_read_new")

    def table(table_id: str, title: str, chosen: Iterable[Move], folded: bool = False) -> Table:
        rows = tuple(move_row(m, say) for m in chosen)
        return Table(table_id, title, columns, rows, 40, extra=extra, folded=folded)

    tables = (
        table("cuts", say("Cuts"), cuts),
        table("rises", say("Rises (and prices where one side rose and the other fell)"), rises),
        stepwise,
        table("echoes", say("The same on a router's own list (follows the hosts above; not counted)"), echoes, True),
    )
    return Section("movers", say("Cuts and rises"), _movers_text(moves, cuts, rises, say), (), tables)


def _movers_text(moves: Sequence[Move], cuts: Sequence[Move], rises: Sequence[Move], say: Words) -> tuple[str, ...]:
    if not cuts and not rises:
        return (say("No price that was read in this week is lower or higher at its end than at its start."),)
    promoted = sum(move.only_promoted for move in moved(moves, "cut", "rise", "mixed"))
    contests = Counter(move.model for move in moved(moves, "cut") if not move.routed).most_common(5)
    contested = [f"{model} ({count})" for model, count in contests if count > 1]
    text = [
        say("Net of the week, per offer, as its best source says; the most contested model first."),
        say("Moved by promotion alone: {count}, see Promotions.", count=promoted),
    ]
    if contested:
        text.append(say("Most contested, by offers that got cheaper: {models}.", models=", ".join(contested)))
    return tuple(text)


def promos_section(moves: Sequence[Move], say: Words) -> Section:
    """Prices that promotions alone moved: each with the price billed before."""
    columns = (*names_columns(say), *step_columns(say))
    chosen = [m for m in moved(moves, "cut", "rise", "mixed") if m.only_promoted]
    table = Table("promotions", say("Promotions"), columns, tuple(move_row(m, say) for m in chosen), 40)
    began = sum("promo_start" in m.how for m in chosen)
    ended = sum("promo_end" in m.how and "promo_start" not in m.how for m in chosen)
    changed = len(chosen) - began - ended
    text = say(
        "Promotions that began: {began}; ended: {ended}; changed depth: {changed}. The old price is what was billed "
        "before.",
        began=began, ended=ended, changed=changed,
    )  # fmt: skip
    return Section(
        "promotions", say("Promotions"), (text if chosen else say("No promotion began or ended."),), (), (table,)
    )


def listing_section(moves: Sequence[Move], before: dict[int, Billed], say: Words) -> Section:
    """Offers that appeared and disappeared; absence counts after three good passes."""
    known = {side.model_id for side in before.values()}
    fresh = [m for m in moved(moves, "new") if m.model_id and m.model_id not in known]
    other = [m for m in moved(moves, "new") if m not in fresh]
    gone, brief = moved(moves, "removed"), moved(moves, "brief")
    text = say(
        "Models listed for the first time: {models} (offers of them: {fresh}); new offers of known models: {other}; "
        "offers removed: {gone}; listed and removed within the week: {brief}.",
        models=len({m.model_id for m in fresh}), fresh=len(fresh), other=len(other), gone=len(gone), brief=len(brief),
    )  # fmt: skip
    tables = (
        _listing_table("new_models", say("New models"), fresh, "new", say),
        _listing_table("new_offers", say("New offers of known models"), other, "new", say),
        _listing_table("removed_offers", say("Removed offers"), gone, "old", say),
    )
    return Section("listing", say("New and removed offers"), (text,), (), tables)


def _listing_table(table_id: str, title: str, moves: Iterable[Move], side: str, say: Words) -> Table:
    columns = (
        *names_columns(say),
        Column(f"input_{side}", say("Input / M"), "money"),
        Column(f"output_{side}", say("Output / M"), "money"),
        Column("note", say("Note")),
        Column("currency", say("Currency")),
        Column("last_at", say("Since (UTC)"), "when"),
        Column("source", say("Source"), "code"),
        Column("quotes", say("Evidence"), "evidence"),
    )
    ordered = sorted(moves, key=lambda move: (move.model, move.offer))
    return Table(table_id, title, columns, tuple(move_row(m, say) for m in ordered), 30, folded=True)


def wavering_section(moves: Sequence[Move], say: Words) -> Section:
    """Prices that moved to and fro: told once, with a count, and kept out of the cuts."""
    chosen = sorted(moved(moves, "wavering"), key=lambda m: (-swing_of(m), m.offer))
    columns = (
        *names_columns(say),
        Column("times", say("Moves"), "count"),
        *(column for name, title in (("input", say("Input / M")), ("output", say("Output / M"))) for column in (
            Column(name, title, "step"),
            Column(f"{name}_low", say("lowest"), "money"),
            Column(f"{name}_high", say("highest"), "money"),
        )),
        Column("currency", say("Currency")),
        Column("source", say("Source"), "code"),
        Column("quotes", say("Evidence"), "evidence"),
    )  # fmt: skip
    rows = []
    for move in chosen:
        row = {**move_row(move, say), "quotes": move.quote_ids[-1:]}
        for name in ("input", "output"):
            row[f"{name}_low"], row[f"{name}_high"] = move.spread(name) or (None, None)
        rows.append(row)
    by_seller = Counter(m.provider for m in chosen)
    sellers = ", ".join(
        f"{name} ({count})" for name, count in sorted(by_seller.items(), key=lambda i: (-i[1], i[0]))[:8]
    )
    text = say(
        "Offers that moved to and fro: {count} ({sellers}). They are told here once and in no other table. A router's "
        "headline price wanders as the discounts of the hosts behind it come and go.",
        count=len(chosen), sellers=sellers,
    )  # fmt: skip
    table = Table("wavering", say("Prices that moved to and fro"), columns, tuple(rows), 20)
    return Section(
        "wavering", say("To and fro"), (text,) if chosen else (say("No price moved to and fro."),), (), (table,)
    )


def swing_of(move: Move) -> float:
    """How many times its lowest price the highest of the week was: the wider of input and output."""
    spreads = (move.spread("input"), move.spread("output"))
    return max((float(spread[1] / spread[0]) for spread in spreads if spread and spread[0]), default=1.0)


def zeros_section(moves: Sequence[Move], say: Words) -> Section:
    """Zeros that nothing proves: an error or an unannounced promotion, never a cut to free."""
    chosen = moved(moves, "zero")
    columns = (
        *names_columns(say),
        Column("input_old", say("Input before"), "money"),
        Column("input_new", say("Input after"), "money"),
        Column("output_old", say("Output before"), "money"),
        Column("output_new", say("Output after"), "money"),
        Column("currency", say("Currency")),
        Column("zero_from", say("Zero from (UTC)"), "when"),
        Column("zero_until", say("Zero until (UTC)"), "when"),
        Column("source", say("Source"), "code"),
        Column("quotes", say("Evidence"), "evidence"),
    )
    rows = tuple({**move_row(move, say), **_zero_span(move)} for move in chosen)
    text = say(
        "Offers that showed a bare 0 that nothing else proves: {count}. Such a zero is told here and counts neither as "
        "a cut nor as the cheapest price.",
        count=len(chosen),
    )  # fmt: skip
    table = Table("zeros", say("Unproven zeros"), columns, rows, 20)
    none = say("No unproven zero price appeared or ended.")
    return Section("zeros", say("Unproven zeros"), (text if chosen else none,), (), (table,))


def _zero_span(move: Move) -> Row:
    """When the zero appeared and when it gave way, as far as the week shows."""
    began = [step.changed_at for step in move.steps if step.kind == "zero_claimed"]
    ended = [step.changed_at for step in move.steps if step.kind == "zero_ended"]
    return {"zero_from": began[0] if began else None, "zero_until": ended[-1] if ended else None}
