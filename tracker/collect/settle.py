"""A person's word on a held price."""

from tracker.backfill.telling import reparse
from tracker.errors import UsageError
from tracker.settings import Home
from warehouse.history import publish
from warehouse.store import utc_now, writing


def settle(home: Home, hold_id: int, believed: bool) -> None:
    """Record the decision and retell the source with it, so that an admitted price holds from its first sight."""
    with writing(home.warehouse, home.write_lock) as connection:
        found = connection.execute("SELECT source_id, state FROM core.hold WHERE hold_id = ?", [hold_id]).fetchone()
        if found is None or found[1] != "waiting":
            raise UsageError(f"no waiting hold {hold_id}; `tracker held` lists them")
        connection.execute(
            "UPDATE core.hold SET state = ?, decided_at = ?, decided_by = 'a person' WHERE hold_id = ?",
            ["admitted" if believed else "rejected", utc_now(), hold_id],
        )
    reparse(home, [found[0]])
    publish(home.warehouse, home.history, home.write_lock)
