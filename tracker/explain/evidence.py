"""From a number back to the bytes it was read from."""

import json
from collections.abc import Iterator

from scrapers import archive
from tracker.errors import StoreError, UsageError
from tracker.settings import Home
from tracker.tables import cell
from warehouse.history import History, open_history

_FIND = """
SELECT h.quote_id, h.offer, h.component, h.basis, h.amount, h.currency, h.unit, h.status, h.hours, h.min_prompt_tokens,
       h.effective_from, h.valid_from, h.valid_to, h.observed_at, h.recorded_at, h.source_id, h.raw, q.locator,
       c.url, c.sha256, c.bytes, c.observed_at AS captured_at, c.recorder
FROM price_history h
LEFT JOIN (SELECT version_id, locator FROM core.quote_now UNION ALL SELECT version_id, locator FROM core.quote_past) q
  ON q.version_id = h.quote_id
LEFT JOIN captures c ON c.capture_id = h.capture_id
"""


def chains(home: Home, wanted: str, context_lines: int = 6) -> Iterator[str]:
    """One text per price: a quote id gives that one, an offer all that stand."""
    with open_history(home.history) as history:
        rows = _find(history, wanted)
    if not rows:
        raise UsageError(f"no quote or offer {wanted!r}; ids are in `tracker changes` and the view quotes")
    for row in rows:
        yield _chain(home, row, context_lines)


def _find(history: History, wanted: str) -> list[dict[str, object]]:
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 20:
        return history.rows(_FIND + "WHERE h.quote_id = $1 LIMIT 1", [int(wanted)])
    standing = "WHERE lower(h.offer) = lower($1) AND h.valid_to = TIMESTAMP '9999-12-31' "
    return history.rows(_FIND + standing + "ORDER BY h.component, h.source_id LIMIT 20", [wanted])


def _chain(home: Home, row: dict[str, object], context_lines: int) -> str:
    amount = "no amount" if row["amount"] is None else f"{cell(row['amount'])} {row['currency']} per {row['unit']}"
    when = f"{cell(row['valid_from'])} to " + (
        "now" if str(row["valid_to"]).startswith("9999") else cell(row["valid_to"])
    )
    said = f"said to hold from {cell(row['effective_from'])}; " if row["effective_from"] else ""
    lines = [
        f"quote {row['quote_id']}: {row['offer']} {row['component']} ({row['basis']}, {row['status']}) = {amount}",
        f"  holds     {when}" + (f", {row['hours']}" if row["hours"] else ""),
        f"  seen      {said}first shown {cell(row['observed_at'])}, recorded {cell(row['recorded_at'])} (UTC)",
        f"  source    {row['source_id']}"
        + (f", replayed from the recording {row['recorder']}" if row["recorder"] else ""),
        f"  row       {row['locator'] or '(no locator)'}: {row['raw'] or '(no text)'}",
    ]
    if not row["sha256"]:
        return "\n".join([*lines, "  capture   none"])
    return "\n".join(
        [
            *lines,
            f"  url       {row['url']}",
            f"  capture   sha256 {row['sha256']}, {row['bytes']:,} bytes, {cell(row['captured_at'])} UTC",
            *_bytes(home, row, context_lines),
        ]
    )


def _bytes(home: Home, row: dict[str, object], context_lines: int) -> list[str]:
    path = archive.path_of(home.captures, str(row["sha256"]))
    try:
        body = archive.read(home.captures, str(row["sha256"]))
    except StoreError as error:
        return [f"  bytes     {error}"]
    quoted = excerpt(body, str(row["locator"] or ""), str(row["raw"] or ""), context_lines)
    return [f"  bytes     {path} (hash verified)", *(f"    | {line}" for line in quoted)]


def excerpt(body: bytes, locator: str, raw: str, context_lines: int) -> list[str]:
    """The part of a capture a locator points to: a JSON pointer's object, a numbered line, or the one line with `raw`.

    Nothing when it is not certain: a wrong line would be worse than none.
    """
    text = body.decode("utf-8", errors="replace")
    if locator.startswith("/"):
        return _pointed(text, locator)[: context_lines * 3]
    lines = text.splitlines()
    number = locator.removeprefix("line ")
    places = [int(number) - 1] if number.isdigit() else [i for i, line in enumerate(lines) if raw and raw in line]
    if len(places) != 1 or places[0] >= len(lines):
        return []
    first = max(0, places[0] - context_lines // 2)
    return [line[:200] for line in lines[first : first + context_lines + 1]]


def _pointed(text: str, pointer: str) -> list[str]:
    """The object around a JSON pointer, pretty-printed; empty when the text is not JSON or has no such place."""
    try:
        value = json.loads(text)
        for part in pointer.split("/")[1:-1]:
            part = part.replace("~1", "/").replace("~0", "~")
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return []
    return json.dumps(value, ensure_ascii=False, indent=1)[:3000].splitlines()
