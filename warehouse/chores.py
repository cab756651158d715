"""What besides sources runs on schedule, kept on the same ledger: one row per chore and slot, so each is done once."""

from datetime import datetime

from warehouse.store import Connection, transaction


def is_done(connection: Connection, name: str, slot: str) -> bool:
    """Whether a chore of this slot (a week, a day, a pass) succeeded."""
    query = "SELECT 1 FROM core.chore WHERE name = ? AND slot = ? AND outcome = 'good'"
    return connection.execute(query, [name, slot]).fetchone() is not None


def record(
    connection: Connection, name: str, slot: str, started_at: datetime, ended_at: datetime, problem: str
) -> None:
    """One more try of a chore and how it ended."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO core.chore VALUES (?, ?, ?, ?, ?, ?)",
            [name, slot, started_at, ended_at, "failed" if problem else "good", problem],
        )
