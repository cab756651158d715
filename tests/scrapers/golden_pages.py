"""Golden pages: tests/scrapers/pages/<source_id>[.label][-note].<ext> and what `parse` makes of each.

The part before "-" is the capture's label (`deepseek.cny-before-peak-prices.html` has the label `cny`), which also
picks the request whose URL the capture carries. Expectations lie in tests/scrapers/golden under the same name plus
`.json`, one record per line, so that a change reads as a diff of rows.
"""

import dataclasses
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrapers.source import Capture, Request, SourceModule, further_requests, source_modules

HERE = Path(__file__).parent
PAGES = HERE / "pages"
GOLDEN = HERE / "golden"
OBSERVED_AT = datetime.fromisoformat("2026-11-20")


def pages() -> list[Path]:
    """Every saved page, in a stable order."""
    return sorted(path for path in PAGES.iterdir() if path.is_file() and not path.name.startswith("."))


def source_id_of(page: Path) -> str:
    """`openrouter_endpoints` for `openrouter_endpoints.fp8.json` and `openrouter_endpoints-odd.json`."""
    return page.name.split(".")[0].split("-")[0]


def label_of(page: Path) -> str:
    """The label part of a page's name, "" when it has none."""
    parts = page.name.split(".")
    return parts[1].split("-")[0] if len(parts) > 2 else ""


def capture_of(page: Path) -> Capture:
    """The saved page as if it had just been fetched from the source's own URL."""
    module = source_modules()[source_id_of(page)]
    label = label_of(page)
    request = _request(module, label)
    return Capture(module.SOURCE.id, request.url, page.read_bytes(), OBSERVED_AT, label)


def _request(module: SourceModule, label: str) -> Request:
    requests = module.SOURCE.requests or (Request(module.SOURCE.id),)  # nothing is fetched: the tracker wrote it
    return next((request for request in requests if request.label == label), requests[0])


def golden_path(page: Path) -> Path:
    """Where the expectation for a page lies."""
    return GOLDEN / (page.name.rsplit(".", 1)[0] + ".json")


def rendered(page: Path) -> str:
    """What the parser makes of a page today, as the text of a golden file."""
    capture = capture_of(page)
    module = source_modules()[capture.source_id]
    rows = [json.dumps(plain(record), ensure_ascii=False) for record in module.parse(capture)]
    further = [json.dumps(plain(request), ensure_ascii=False) for request in further_requests(module, capture)]
    parts = [f'"records": [{_lines(rows)}]', f'"more": [{_lines(further)}]']
    return "{" + ",\n".join(parts) + "}\n"


def _lines(rows: list[str]) -> str:
    return "\n" + ",\n".join(rows) + "\n" if rows else ""


def plain(record: Any) -> dict[str, Any]:
    """A record as JSON: its kind, then every field that is not at its default."""
    fields: dict[str, Any] = {"is": type(record).__name__}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value != field.default:
            fields[field.name] = _plain_value(value)
    return fields


def _plain_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        inner = plain(value)
        inner.pop("is")
        return inner
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
