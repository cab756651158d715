"""The price pages recorded in ../shared: whole pages, proved by their anchors, held against another reader's figures.

`html/lzc0403_parsed_prices.json` is what another tool read off pages of the same sellers, up to five weeks later: it
may lack a price, but where the pages are of one date it may not differ. Known later cuts are named.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest

from scrapers.source import source_module
from tests.scrapers.conformance import faults_of_record
from tests.scrapers.corpus import capture, marks, needs, read_corpus
from tracker.checks import prove
from tracker.errors import ParseError
from tracker.records import Declaration, Metric, Quote, Record

PAGES = [  # source, recorded page, quotes in it, notices
    ("alibaba_pricing", "html/aliyun_bailian.json.zst", 2368, 172),
    ("atlascloud", "html/atlascloud_raw.json.zst", 657, 0),
    ("byteplus_pricing", "html/volcengine_intl.html.zst", 132, 1),
    ("deepseek_pricing_cn", "html/deepseek.html.zst", 6, 0),
    ("minimax_pricing_cn", "html/minimax.html.zst", 20, 0),
    ("modelmesh", "html/modelmesh.html.zst", 194, 6),
    ("moonshot_pricing_cn", "html/kimi1.html.zst", 3, 0),
    ("moonshot_pricing_cn", "html/kimi2.html.zst", 3, 0),
    ("moonshot_pricing_cn", "html/kimi3.html.zst", 6, 0),
    ("openai_pricing", "html/openai_pricing.html.zst", 113, 10),
    ("tencent_pricing", "html/tencent.html.zst", 124, 1),
    ("tencent_pricing_cn", "html/tencent_cn.html.zst", 209, 10),
    ("volcengine_pricing", "html/volcengine.html.zst", 403, 20),
    ("zai_pricing", "html/zai.html.zst", 58, 5),
    ("zhipu_pricing", "html/bigmodel.html.zst", 171, 12),
]
EXCERPTS = [  # source, excerpt, words the excerpt lost, quotes in it
    ("anthropic_pricing", "modelprices_anthropic.md", "", 17),
    ("anthropic_pricing", "microllin_anthropic_pricing.html", "", 28),
    ("arcee_pricing", "modelprices_arcee.md", "", 6),
    ("deepseek_pricing", "modelprices_deepseek.html", "", 18),
    ("google_pricing", "modelprices_google.md", "", 66),
    ("longcat_pricing", "modelprices_longcat-2.0.html", "", 6),
    ("meta_pricing", "modelprices_meta-muse-spark.html", "", 6),
    ("meta_pricing", "modelprices_meta-muse-wonder.html", "", 3),
    ("minimax_pricing", "modelprices_minimax.md", "", 22),
    ("openai_pricing", "modelprices_openai.md", "Prices per 1M tokens.\n", 35),
    ("perplexity_pricing", "modelprices_perplexity.md", "", 24),
    ("sakana_pricing", "modelprices_sakana.html", "", 6),
    ("tencent_pricing_cn", "modelprices_tencent.html", "", 9),
    ("thinkingmachines_pricing", "modelprices_thinkingmachines.md", "", 8),
    ("xai_pricing", "modelprices_xai.md", "", 12),
    ("xiaomi_pricing", "modelprices_xiaomi.md", "", 15),
    ("azure_retail", "azure_retail_openai_sample.json", "", 5),
]


def quotes(records: list[Record]) -> list[Quote]:
    return [record for record in records if isinstance(record, Quote)]


def read(source_id: str, body: bytes) -> list[Record]:
    found = list(source_module(source_id).parse(capture(source_id, body)))
    assert not [fault for record in found for fault in faults_of_record(record)]
    return found


@pytest.mark.parametrize(
    ("source_id", "name", "expected", "notices"),
    [pytest.param(*row, marks=marks(row[1]), id=row[1].split("/")[1]) for row in PAGES],
)
def test_recorded_page(source_id: str, name: str, expected: int, notices: int) -> None:
    found = read(source_id, read_corpus(name))
    assert (len(quotes(found)), sum(type(record).__name__ == "Notice" for record in found)) == (expected, notices)
    prove(source_module(source_id).SOURCE, found)


@pytest.mark.parametrize(
    ("source_id", "name", "lost", "expected"),
    [pytest.param(*row, marks=marks(f"html/trimmed/{row[1]}"), id=row[1]) for row in EXCERPTS],
)
def test_excerpt(source_id: str, name: str, lost: str, expected: int) -> None:
    found = quotes(read(source_id, lost.encode() + read_corpus(f"html/trimmed/{name}")))
    assert len(found) == expected


@needs("html/aliyun.html.zst")
@pytest.mark.parametrize(
    "source_id", ["zai_pricing", "zhipu_pricing", "deepseek_pricing_cn", "tencent_pricing_cn", "modelmesh"]
)
def test_a_page_of_something_else_is_refused(source_id: str) -> None:
    with pytest.raises(ParseError):
        read(source_id, read_corpus("html/aliyun.html.zst"))


@needs("html/cerebras_models.html.zst")
def test_cerebras_precision_is_what_another_reader_found() -> None:
    found = read("cerebras_models", read_corpus("html/cerebras_models.html.zst"))
    peer = json.loads(read_corpus("html/cerebras_parsed.json.zst"))
    stated = {row["id"]: row["precision"].removesuffix("1").strip() for row in peer["models"]}
    assert {record.offer.listed_name: record.value for record in found if isinstance(record, Declaration)} == stated
    assert sum(isinstance(record, Metric) for record in found) == 6


Rename = Callable[[str], str]
PEERS: list[tuple[str, str, str, int, set[str]]] = [  # peer's source, ours, page, prices that agree, later changes
    ("aliyun_bailian", "alibaba_pricing", "html/aliyun_bailian.json.zst", 66, set()),
    ("atlascloud", "atlascloud", "html/atlascloud_raw.json.zst", 256, set()),
    ("bigmodel", "zhipu_pricing", "html/bigmodel.html.zst", 14, set()),
    ("minimax", "minimax_pricing_cn", "html/minimax.html.zst", 8, set()),
    ("openai", "openai_pricing", "html/openai_pricing.html.zst", 10, {"gpt-5.6-sol"}),  # cut a day after the recording
    (
        "tencent_cn",
        "tencent_pricing_cn",
        "html/tencent_cn.html.zst",
        43,
        {"hy3"},
    ),  # the peer takes "Hy3 preview" for it
    ("volcengine", "volcengine_pricing", "html/volcengine.html.zst", 36, set()),
    ("zai", "zai_pricing", "html/zai.html.zst", 24, set()),
]


def _renamed(peer: str) -> Rename:
    """The peer writes display names for AtlasCloud and runs notes into the names of Model Studio."""
    if peer == "aliyun_bailian":
        return lambda name: name.split("上下文")[0].split("batch")[0]
    if peer == "atlascloud":
        rows = json.loads(read_corpus("html/atlascloud_raw.json.zst"))["body"]["data"]
        names = {row["displayName"].lower(): row["model"] for row in rows}
        return lambda name: names.get(name, name)
    return lambda name: name


@pytest.mark.parametrize(
    ("peer", "source_id", "name", "agree", "later"),
    [pytest.param(*row, marks=marks("html/lzc0403_parsed_prices.json.zst"), id=row[0]) for row in PEERS],
)
def test_another_reader_agrees(peer: str, source_id: str, name: str, agree: int, later: set[str]) -> None:
    ours: dict[tuple[str, str], set[Decimal | None]] = defaultdict(set)
    for quote in quotes(read(source_id, read_corpus(name))):
        ours[quote.offer.listed_name.lower(), quote.component].add(quote.amount)
    renamed = _renamed(peer)
    rows = [row for row in json.loads(read_corpus("html/lzc0403_parsed_prices.json.zst")) if row["source"] == peer]
    same, different = 0, set()
    for row in rows:
        for component in ("input", "output"):
            known = ours.get((renamed(row["model_raw"].lower()).lower(), component))
            if known and row.get(component) is not None:
                same += Decimal(str(row[component])) in known
                different |= {row["model_raw"].lower()} if Decimal(str(row[component])) not in known else set()
    assert (same >= agree, different) == (True, later)


@needs("html/trimmed/modelprices_deepseek.html")
def test_the_price_of_a_labelled_event() -> None:
    """labels/events_sample.csv: DeepSeek V4.1 Flash at 0.15/0.60 off-peak from 2026-09-10."""
    found = quotes(read("deepseek_pricing", read_corpus("html/trimmed/modelprices_deepseek.html")))
    plain = {q.component: q.amount for q in found if q.offer.listed_name == "deepseek-flash" and not q.condition.hours}
    assert (plain["input"], plain["output"]) == (Decimal("0.15"), Decimal("0.60"))
