"""StepFun's price page for China (Markdown, CNY): the unit is a column of each table and must read `1M tokens`."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="stepfun_pricing_cn",
    title="StepFun pricing page, China",
    kind="seller",
    requests=(Request("https://platform.stepfun.com/docs/zh/guides/pricing/details.md"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per 1M tokens, stated in the column 计费单位",
    min_rows=3,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/buguoshixc/ai-deals-aggregator/blob/351da20088140a2257e2fde608553676b23a33dd/research/_raw/coverage-depth-v1/gap-closure/evidence.md",
    provider="stepfun",
    anchors=(anchor("step-3.7-flash", "output", "1", "60"),),
    notice="rows and headers of the page were seen, its Markdown as a whole was not",
)

YUAN = Money("CNY", after="元")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, YUAN, ("model", "unit", "input", "output")):
        if isinstance(found, Notice):
            yield found
        elif found[1].facts["unit"].lower() != "1m tokens":
            yield Notice("unit_suspect", f"priced per {found[1].facts['unit'][:40]!r}: row not read", found[1].locator)
        else:
            yield from found[1].quotes(Offer("stepfun", found[1].facts["model"], region="cn"))


WORDS = {
    "模型": "model",
    "计费单位": "unit",
    "输入价格(缓存未命中)": "input",
    "输入价格(缓存命中)": "cache_read",
    "输出价格": "output",
}
