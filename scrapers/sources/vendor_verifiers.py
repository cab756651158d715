"""Vendor verifiers: how faithfully hosts serve Kimi and MiniMax models, as their authors measure it (Markdown READMEs).

Tool-call metrics are percentages of requests or counts of calls; benchmark scores are shares of 1. A bound the author
prints for a group of hosts (`>=73%`) is kept as statistic `at_least`. Rows of an engine (vLLM, SGLang) were run by the
author and become a variant of the author's own offer. Engineering fidelity, not bits: says nothing about precision.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from scrapers.providers import provider_of, unknown_provider
from scrapers.source import Capture, Request, Source
from scrapers.tables import Table, markdown_tables, meanings, text_of
from tracker.records import Metric, Notice, Offer, Record

_RAW = "https://raw.githubusercontent.com"
SOURCE = Source(
    id="vendor_verifiers",
    title="Kimi and MiniMax vendor verifiers",
    kind="metrics",
    requests=(
        Request(f"{_RAW}/MoonshotAI/K2-Vendor-Verifier/main/README.md", label="k2"),
        Request(f"{_RAW}/MoonshotAI/Kimi-Vendor-Verifier/main/README.md", label="kimi"),
        Request(f"{_RAW}/MiniMax-AI/MiniMax-Provider-Verifier/main/README.md", label="minimax"),
    ),
    every_hours=24,
    currency="USD",
    unit="percent of requests or calls, counts of calls, benchmark scores from 0 to 1; no prices",
    min_rows=20,
    terms="public repositories, MIT and Apache-2.0",
    proof="recorded",
    proof_url="https://github.com/MoonshotAI/K2-Vendor-Verifier",
)
_AUTHORS = {"k2": "moonshot", "kimi": "moonshot", "minimax": "minimax"}
_DATE = re.compile(r"\*\*Test Time\*\*: *(\d{4}-\d{2}-\d{2})")
_MODEL = re.compile(r"^model: *(\S+)", re.MULTILINE)
_MONTH = re.compile(r"^(?P<model>\S+) Model\s+\W\s+(?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) Data$")
_VALUE = re.compile(r"(?P<least>>=)?(?P<number>\d+(?:\.\d+)?)(?P<percent>%)?")


def parse(capture: Capture) -> Iterator[Record]:
    author = _AUTHORS[capture.label]
    text = text_of(capture.body)
    for table in markdown_tables(text):
        columns, notices = meanings(table, WORDS)
        if "host" not in columns.values() or len(columns) < 3:
            continue  # a table of definitions or parameters
        yield from notices
        model, measured_at = _heading_facts(table, text)
        for number, row in enumerate(table.rows):
            cells = {meaning: row[index].text for index, meaning in columns.items() if index < len(row)}
            yield from _row(author, cells, cells.get("model", model), measured_at, f"{table.place} row {number}")


def _heading_facts(table: Table, text: str) -> tuple[str, datetime | None]:
    """The model and the day a table's own section names: in its heading (MiniMax) or in the lines below it (Kimi)."""
    title = table.headings[-1] if table.headings else ""
    if month := _MONTH.match(title):
        return month["model"], datetime.strptime(f"{month['year']} {month['month']}", "%Y %b")  # noqa: DTZ007
    parts = re.split(r"^#{1,6}\s+(.*?)\s*$", text, flags=re.MULTILINE)
    section = next(
        (body for head, body in zip(parts[1::2], parts[2::2], strict=True) if head.split() == title.split()), ""
    )
    model, day = _MODEL.search(section), _DATE.search(section)
    return model[1] if model else "", datetime.fromisoformat(day[1]) if day else None


def _row(author: str, cells: dict[str, str], model: str, at: datetime | None, place: str) -> Iterator[Record]:
    if not model or not cells.get("host"):
        yield Notice("skipped", f"no model is named for {cells.get('host', '')[:60]!r}", place)
        return
    offer = _offer(author, cells["host"], model)
    if offer is None:
        yield from unknown_provider(cells["host"], place)
        return
    for name, raw in cells.items():
        if name in ("host", "model") or raw in ABSENT:
            continue
        found = _VALUE.fullmatch(raw.replace(",", ""))
        if found is None or (found["percent"] is None) == name.endswith("_pct"):
            yield Notice("bad_row", f"{name} = {raw[:40]!r} is not in its unit", place)
            continue
        statistic = "at_least" if found["least"] else "mean"
        yield Metric(offer, name, statistic, "", float(found["number"]), at, place)


def _offer(author: str, host: str, model: str) -> Offer | None:
    """Whose serving a row is about; `host/fp8` and the author's own engines and editions are variants."""
    word, _, variant = re.sub(r"^openrouter-", "", host.strip().casefold()).partition("/")
    word = re.sub(r"[\s_]+", "-", word)
    if word in OWN_EDITIONS:
        return Offer(author, model, variant=OWN_EDITIONS[word])
    provider = provider_of(word, WHO)
    return Offer(provider.id, model, region=provider.region, variant=variant) if provider else None


ABSENT = frozenset(("", "-", "TBD"))
WORDS = {
    "model name": "model",
    "provider": "host",
    "providers": "host",
    "metric": "host",  # MiniMax heads its column of hosts so
    "api source": "",
    "toolcall-trigger similarity": "tool_call_trigger_similarity_pct",
    "toolcalls-trigger similarity": "tool_call_trigger_similarity_pct",
    "toolcall-schema accuracy / count_finish_reason_tool_calls": "tool_calls",
    "toolcall-schema accuracy / count_successful_tool_call": "tool_calls_valid",
    "toolcall-schema accuracy / schema_accuracy": "tool_call_schema_accuracy_pct",
    "tool calls test / count of finish reason stop": "finish_stop",
    "tool calls test / count of finish reason tool calls": "tool_calls",
    "tool calls test / count of finish reason others": "finish_other",
    "tool calls test / schema validation error count": "tool_calls_invalid",
    "tool calls test / successful tool call count": "tool_calls_valid",
    "tool calls test / similarity compared to the official implementation": "official_similarity_pct",
    "query-success-rate": "query_success_pct",
    "finish-toolcalls-rate": "finish_tool_calls_pct",
    "toolcalls-accuracy": "tool_call_schema_accuracy_pct",
    "response success rate - not only reasoning": "answers_not_only_reasoning_pct",
    "language-following-success-rate": "language_following_pct",
    "ocrbench": "ocrbench_score",
    "mmmu pro vision": "mmmu_pro_vision_score",
    "beam (1m)": "beam_1m_score",
    "deepswe": "deepswe_score",
}
OWN_EDITIONS = {
    "moonshotai": "",
    "moonshot": "",
    "moonshot-ai-turbo": "turbo",
    "moonshotai-turbo": "turbo",
    "vllm": "vllm",
    "sglang": "sglang",
    "minimax": "",
    "minimax-vllm": "vllm",
    "minimax-sglang": "sglang",
    "minimax-m2.1": "",
    "minimax-m2.1-vllm": "vllm",
    "minimax-m2.1-vllm(without-topk)": "vllm-without-topk",
    "minimax-m2.1-sglang": "sglang",
}
WHO = {
    "volc": "bytedance",
    "infinigence": "infinigence",
    "infiniai": "infinigence",
    "googlevertex": "vertex",
    "ppio": "ppio",
    "digitialocean": "digitalocean",  # so spelled in July 2026
    "inferact": "inferact",
    "inferact-(vllm-ref.)": "inferact",
}
