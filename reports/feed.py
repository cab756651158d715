"""The Atom feed: each report with its sentences, and the newest price changes. Offers that flicker are left out."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from reports import figures, render
from reports.pages import slug
from reports.words import Words
from warehouse.history import History

ENTRIES = 80
FLICKER = 4  # changes of one price within the feed's span
LATEST = """
SELECT changed_at, offer, provider, model_id, kind, old_amount, new_amount, currency, source_id,
       coalesce(quote_id, old_quote_id) AS id
FROM recent_change WHERE component = 'output' AND kind IN ('cut', 'rise', 'promo_start', 'promo_end', 'new', 'removed')
  AND changed_at <= ?  -- what is announced is told when it comes
QUALIFY count(*) OVER (PARTITION BY offer) < ?
ORDER BY changed_at DESC, offer, kind, id LIMIT ?
"""


def feed_of(history: History, folder: Path, now: datetime, base: str, say: Words) -> str:
    """The feed's text; `base` is the site's address, or empty for relative links."""
    entries = [
        *_reports(folder / "reports"),
        *(_change(row, folder, say) for row in history.rows(LATEST, [now, FLICKER, ENTRIES])),
    ]
    entries.sort(key=lambda entry: (entry["updated"], entry["id"]), reverse=True)
    updated = max((entry["updated"] for entry in entries), default=_stamp(now))
    return render.page("feed.xml.j2", say.lang, title=say("Inference price tracker"), base=base, updated=updated,
                       entries=entries)  # fmt: skip


def _reports(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob("*-W*/report.json")):
        told = json.loads(path.read_text())
        found.append({
            "id": f"report/{path.parent.name}", "title": told["title"], "updated": told["told_to"],
            "href": f"reports/{path.parent.name}.html",
            "summary": clean(" ".join([*told["warnings"], *told["summary"]])),
        })  # fmt: skip
    return found


def _change(row: Mapping[str, Any], folder: Path, say: Words) -> dict[str, str]:
    words = {
        "cut": say("cut"), "rise": say("rise"), "promo_start": say("promotion began"),
        "promo_end": say("promotion ended"), "new": say("new"), "removed": say("removed"),
    }  # fmt: skip
    amounts = [figures.money(amount) for amount in (row["old_amount"], row["new_amount"]) if amount is not None]
    price = f"{' → '.join(amounts)} {row['currency']}"
    page = ("models", row["model_id"]) if row["model_id"] else ("providers", row["provider"])
    href = f"{page[0]}/{slug(str(page[1]))}.html"
    return {
        "id": f"change/{row['id']}/{row['kind']}",
        "title": clean(f"{words[row['kind']]}: {row['offer']} {price}"),
        "updated": _stamp(row["changed_at"]),
        "href": href if (folder / href).is_file() else "index.html",
        "summary": clean(say("Output per million tokens: {price}. Source {source}; tracker evidence {id}.", price=price,
                             source=row["source_id"], id=row["id"])),
    }  # fmt: skip


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def clean(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(letter for letter in text if letter >= " " and letter not in "\ufffe\uffff")
