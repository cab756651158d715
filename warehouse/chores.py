"""What besides sources runs on schedule, kept on the same ledger: one row per try of a chore's slot."""

from collections.abc import Sequence
from datetime import datetime

from warehouse.history import History
from warehouse.store import Connection, transaction

_TRIES = """
SELECT name, slot, bool_or(outcome = 'good') AS done, count(*) FILTER (outcome <> 'good') AS failures,
       max(ended_at) AS last
FROM chores WHERE list_contains(?, slot) GROUP BY name, slot
"""


def tries_of(history: History, slots: Sequence[str]) -> dict[tuple[str, str], dict[str, object]]:
    """What was tried for these slots, by (name, slot)."""
    rows = history.rows(_TRIES, [list(slots)])
    return {(str(row.pop("name")), str(row.pop("slot"))): row for row in rows}


def record(
    connection: Connection, name: str, slot: str, started_at: datetime, ended_at: datetime, problem: str
) -> None:
    """One more try of a chore and how it ended."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO core.chore VALUES (?, ?, ?, ?, ?, ?)",
            [name, slot, started_at, ended_at, "failed" if problem else "good", problem],
        )
