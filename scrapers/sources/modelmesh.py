"""ModelMesh (胜算云), a reseller's model page drawn by script: cards with a title and two price lines.

"$ 2.50 (¥17.50) / M 输入 tokens" bills dollars, the yuan in brackets are its own conversion and are not read. A title
that ends in "(限时2.5折)" sells at a discount whose list price is not shown.
"""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import clean, loud, soup_of, text_of
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="modelmesh",
    title="ModelMesh reseller price cards",
    kind="host",
    requests=(Request("https://global.modelmesh.info/model"),),
    every_hours=24,
    currency="CNY",
    unit="CNY or USD per million tokens, stated in each line",
    min_rows=100,
    terms="public price page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/modelmesh.html",
    provider="modelmesh",
    anchors=(
        anchor("DeepSeek / DeepSeek-V4-Pro", "output", "1", "100"),
        anchor("OpenAI / GPT-5.6-Sol", "input", "0.5", "50"),
    ),
    notice="the page is drawn by script: a plain fetch may bring an empty shell, which fails loudly",
)

_LINE = re.compile(r"(?P<sign>[¥$]) ?(?P<n>\d+(?:\.\d+)?)(?: \(¥\d+(?:\.\d+)?\))? ?/ M (?P<way>输入|输出) tokens")
_PROMO = re.compile(r"\(限时[\d.]+折\)$")
_PRICE_WORDS = re.compile(r"/ ?\w+ ?(?:输入|输出)|tokens$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(soup_of(text_of(capture.body))))


def _records(soup: BeautifulSoup) -> Iterator[Record]:
    title = ""
    for number, string in enumerate(soup.find_all(string=True)):
        text = clean(str(string))
        parent = string.parent
        if parent and "font-bold" in str(parent.get("class", "")) and " / " in text:
            title = text
        elif _PRICE_WORDS.search(text) and re.search(r"\d", text):
            yield from _quote(title, text, f"text {number}")


def _quote(title: str, text: str, place: str) -> Iterator[Record]:
    found = _LINE.fullmatch(text)
    if not found or not title or not float(found["n"]):
        yield Notice("bad_row", f"not a price line under a title: {text[:60]!r}", f"{place} {title!r}")
        return
    offer = Offer("modelmesh", clean(_PROMO.sub("", title)))
    yield Quote(
        offer, WAYS[found["way"]], amount_of(found["n"], PER_MTOK), CURRENCIES[found["sign"]],
        basis="discount" if _PROMO.search(title) else "list", raw=text, locator=f"{place} {title!r}",
    )  # fmt: skip


CURRENCIES = {"¥": "CNY", "$": "USD"}
WAYS = {"输入": "input", "输出": "output"}
