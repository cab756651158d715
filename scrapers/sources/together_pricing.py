"""Together's serverless model table (Markdown docs): USD per 1M tokens by header, with the declared quantization."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, text_of
from tracker.records import Declaration, Notice, Offer, Record

SOURCE = Source(
    id="together_pricing",
    title="Together serverless models and prices",
    kind="host",
    requests=(Request("https://docs.together.ai/docs/serverless/models.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens, stated in each header",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/yogenpro/token3/blob/26df0f20dd19/tests/fixtures/together.md",
    provider="together",
    anchors=(anchor("openai/gpt-oss-120b", "output", "0.1", "5"),),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        reading = found[1]
        offer = Offer("together", reading.facts["model"])
        yield from reading.quotes(offer)
        if reading.component == "input":
            for attribute in ("precision", "context_tokens"):
                if reading.facts.get(attribute, "-") not in ("-", ""):
                    yield Declaration(offer, attribute, reading.facts[attribute], reading.locator)


WORDS = {
    "organization": "",
    "model name": "",
    "api model string": "model",
    "context length": "context_tokens",
    "input pricing (per 1m tokens)": "input",
    "cached input pricing (per 1m tokens)": "cache_read",
    "output pricing (per 1m tokens)": "output",
    "quantization": "precision",
    "function calling": "",
    "structured outputs": "",
}
