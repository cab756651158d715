"""one-api's built-in price ratios, as its Go source held them over time: what a relay charged in 2023-2025.

A replay only. A bare ratio counts 2 USD per million prompt tokens; `0.012 * RMB` is yuan per thousand tokens,
`1.0 / 1000 * RMB` yuan per million. Where the authors noted the seller's own price in yuan or dollars beside the
ratio, that note is the price and the ratio only its conversion.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from scrapers.csv_text import by_commit_time, csv_rows
from scrapers.quoting import Money, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Declaration, Notice, Offer, Record
from tracker.units import PER_1K_TOKENS, PER_MTOK

SOURCE = Source(
    id="oneapi_ratios",
    title="one-api price ratios 2023-2025",
    kind="catalogue",
    requests=(Request("https://github.com/songquanpeng/one-api"),),
    every_hours=24 * 365,
    currency="CNY",
    unit="yuan or USD per thousand or per million tokens, as each row says",
    min_rows=1,
    terms="MIT licence, cite songquanpeng/one-api",
    proof="recorded",
    proof_url="https://github.com/songquanpeng/one-api",
    anchors=(anchor("gpt-4", "input", "20", "40"),),
    copies=("*",),
    enabled=False,
    notice="replay only: a table of changes in a relay's source code, never fetched",
)


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """The rows of each commit time."""
    yield from by_commit_time(body)


def parse(capture: Capture) -> Iterator[Record]:
    """The prompt price each row states."""
    for locator, row in csv_rows(capture, "model", "kind", "expr", "comment"):
        name = re.sub(r"\(\d+\)$", "", row["model"].strip())
        provider = next((provider for pattern, provider in SELLERS if re.match(pattern, name)), "")
        if row["kind"] != "ModelRatio":
            yield Notice("skipped", f"{name}: {row['kind'][:30]} is a ratio between two prices, not a price", locator)
        elif not provider:
            yield Notice("unknown_word", f"model {name[:60]!r}: nothing says whose it is", locator)
        else:
            yield from _row_records(provider, name, row, locator)


def _row_records(provider: str, name: str, row: dict[str, str], locator: str) -> Iterator[Record]:
    figure, money = _price(row["expr"], row["comment"])
    offer = Offer(provider, name, region="cn" if money.currency == "CNY" else "")
    evidence = f"{row['expr']} {row['comment']}".strip()
    yield from quoted(offer, "input", figure, money, locator)
    yield Declaration(offer, "expression", evidence[:200], locator)


def _price(expr: str, comment: str) -> tuple[str, Money]:
    """The figure that is the seller's own price, and its unit."""
    if noted := _NOTE.search(comment):
        currency = "USD" if noted["usd"] else "CNY"
        factor = PER_MTOK if noted["per"].upper() == "1M" else PER_1K_TOKENS
        return noted["figure"], Money(currency, factor)
    if written := _EXPR.fullmatch(expr.strip()):
        currency = {"RMB": "CNY", "USD": "USD"}[written["currency"]]
        return written["figure"], Money(currency, PER_1K_TOKENS / Decimal(written["over"] or 1))
    return expr, Money("USD", Decimal(2))


_NOTE = re.compile(r"(?:(?P<usd>\$)|[¥￥])\s?(?P<figure>\d+(?:\.\d+)?) ?/ ?(?P<per>1k|1K|1M) tokens")
_EXPR = re.compile(r"(?P<figure>\d+(?:\.\d+)?)(?: / (?P<over>1000|1000000))? \* (?P<currency>RMB|USD)")
SELLERS = (
    (r"gpt-|text-(embedding-(ada|3)|davinci|curie|babbage|ada|moderation|search)|davinci|babbage|curie|ada$", "openai"),
    (r"whisper-|tts-|dall-e|chatgpt-|o1|o3", "openai"),
    (r"claude-", "anthropic"),
    (r"ERNIE-|BLOOMZ|Embedding-V1|tao-8k|bge-large", "baidu"),
    (r"qwen|qwq|text-embedding-v|text-embedding-async-v|ali-stable", "alibaba"),
    (r"SparkDesk", "iflytek"),
    (r"chatglm|glm-|cogview|charglm|codegeex|emohaa|embedding-[23]$", "zhipu"),
    (r"hunyuan|Chat(Std|Pro)", "tencent"),
    (r"moonshot-", "moonshot"),
    (r"Baichuan", "baichuan"),
    (r"abab", "minimax"),
    (r"yi-", "01ai"),
    (r"step-", "stepfun"),
    (r"deepseek-(chat|coder|reasoner)$", "deepseek"),
    (r"(open-)?mi(s|x)tral-(?!.*\d{5}$)", "mistral"),
    (r"llama[23]-\d+b-\d{4}|mixtral-8x7b-32768|gemma2?-\d+b-it|llama3-groq|llama-guard", "groq"),
    (r"llama-3\.\d-\d+b-(versatile|instant|reasoning|specdec|(text-|vision-)?preview)", "groq"),
    (r"command", "cohere"),
    (r"gemini-|PaLM", "google"),
    (r"grok-", "xai"),
    (r"360|semantic_search", "360"),
    (r"Doubao", "bytedance"),
)
