"""tracker/data/recordings.csv speaks of sources, labels and cuts that exist."""

import pytest

from scrapers.source import source_modules
from tests.scrapers.golden_pages import label_of, pages, source_id_of
from tracker.backfill.recordings import known_layouts

KINDS = {"snapshots", "partial", "snapshot", "part", "changes", "rows"}


@pytest.mark.parametrize("layout", known_layouts(), ids=lambda layout: layout["file"])
def test_a_layout_names_a_source_that_can_read_it(layout: dict[str, str]) -> None:
    module = source_modules()[layout["source_id"]]
    labels = {request.label for request in module.SOURCE.requests}
    labels |= {label_of(page) for page in pages() if source_id_of(page) == layout["source_id"]}
    assert layout["kind"] in KINDS
    assert layout["label"] in labels | {""}
    assert layout["kind"] != "changes" or callable(getattr(module, "recorded", None))
