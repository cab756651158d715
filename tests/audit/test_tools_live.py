"""Tool calls of a live run: asked over HTTP, put together from their pieces, scored against schemas and reference."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.probe.servers import DONE, Request, Script, Writer, chat, finish, serving, sse, stream, usage
from tracker.audit.ask import _upper_tokens
from tracker.audit.plan import TOOL_TOKENS
from tracker.audit.tool_prompts import SCHEMAS, tool_questions, tools
from tracker.audit.tools import ToolCall, call_problem
from tracker.cli import app
from tracker.probe.dialects import dialect_named, read_event
from tracker.probe.measure import _calls
from tracker.probe.messages import Ask
from tracker.probe.reply import Call

GOOD = {"city": "Lisbon", "unit": "celsius"}


def piece(place: int, name: str = "", arguments: str = "") -> dict[str, object]:
    return chat(tool_calls=[{"index": place, "function": {"name": name or None, "arguments": arguments}}])


def host(arguments: dict[str, object], always: bool = False) -> Script:
    """Calls get_weather where the weather is asked for (or always), in three pieces; else answers in words."""

    async def script(request: Request, writer: Writer) -> None:
        asked = request.json["messages"][0]["content"]
        text = json.dumps(arguments)
        called = [piece(0, "get_weather"), piece(0, "", text[:9]), piece(0, "", text[9:]), finish("tool_calls")]
        said = called if "tools" in request.json and (always or "weather" in asked) else [chat("Well."), finish()]
        await stream(*said, usage(20, 5), DONE)(request, writer)

    return script


def audited(home: Path, suspect: str, reference: str, *more: str) -> str:
    prices = ("--input-price", "0.1", "--output-price", "0.4", "--model", "m", "--key-env", "TOOLS_KEY")
    command = ["audit", suspect, "--reference", reference, *prices, "--dialect", "openai_chat", "--home", str(home)]
    done = CliRunner().invoke(app, [*command, "--budget", "0.01", "--tools", "12", *more])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLS_KEY", "sk-tools-test")
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize(
    ("suspect", "words", "accuracy"),
    [
        (host(GOOD), "2 of 2 calls fit their schema; F1 1.00", 1),
        (host(GOOD | {"unit": "F"}), "0 of 2 calls fit their schema, the reference's 2 of 2", 0),
        (host(GOOD, always=True), "12 of 12 calls fit their schema; F1 0.29", 1),
    ],
)  # fmt: skip
def test_calls_of_a_live_host_are_scored(tmp_path: Path, suspect: Script, words: str, accuracy: float) -> None:
    with serving(suspect) as ours, serving(host(GOOD)) as theirs:
        output = audited(tmp_path, ours.url, theirs.url)
    for part in words.split("; "):
        assert part in output
    with duckdb.connect(str(tmp_path / "history.duckdb"), read_only=True) as connection:
        row = connection.execute("SELECT queries, statistic, p_value FROM core.audit WHERE method = 'tool calls'")
        assert row.fetchone() == (12, accuracy, None)


def test_tools_need_chat_and_the_plan_shows_their_cost(tmp_path: Path) -> None:
    output = audited(tmp_path, "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "--plan")
    assert "tool calls" in output
    with pytest.raises(Exception, match="openai_chat"):
        audited(tmp_path, "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "--dialect", "openai_completions")


def test_no_question_costs_more_than_was_planned() -> None:
    asks = [Ask("", text, 1, extra={"tools": tools()}) for text in tool_questions(60, 3)]
    assert max(map(_upper_tokens, asks)) <= TOOL_TOKENS
    assert len({ask.prompt for ask in asks}) > 50


def test_schemas_take_a_right_call_and_refuse_a_wrong_one() -> None:
    flight = {"origin": "LIS", "destination": "OSL", "day": "2027-01-05", "stops": ["CAI"]}
    assert call_problem(ToolCall("find_flights", json.dumps(flight)), SCHEMAS) is None
    assert call_problem(ToolCall("find_flights", json.dumps(flight | {"day": "5 Jan"})), SCHEMAS)
    assert call_problem(ToolCall("set_timer", '{"minutes": "ten"}'), SCHEMAS)


def read(dialect: str, *events: dict[str, object]) -> tuple[Call, ...]:
    named = dialect_named(dialect)
    return _calls([read_event(named, "", sse(event).removeprefix(b"data: ").strip()) for event in events])


def anthropic(kind: str, **more: object) -> dict[str, object]:
    return {"type": kind, "index": 1} | more


CASES: list[tuple[str, Callable[[], tuple[Call, ...]]]] = [
    ("two at once", lambda: read("openai_chat", piece(0, "a", "{"), piece(1, "b", "{}"), piece(0, "", "}"))),
    ("anthropic", lambda: read(
        "anthropic",
        anthropic("content_block_start", content_block={"type": "tool_use", "name": "a", "input": {}}),
        anthropic("content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}),
        anthropic("content_block_delta", delta={"type": "input_json_delta", "partial_json": "}"}),
        anthropic("content_block_start", index=2, content_block={"type": "tool_use", "name": "b"}),
        anthropic("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": "{}"}),
    )),
    ("gemini", lambda: read("gemini", *(
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": name, "args": {}}}]}}]} for name in "ab"
    ))),
    ("anthropic, whole", lambda: read("anthropic", {"type": "message", "content": [
        {"type": "text", "text": "x"}, {"type": "tool_use", "name": "a", "input": {}},
        {"type": "tool_use", "name": "b", "input": {}},
    ]})),
]  # fmt: skip


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in CASES])
def test_calls_are_put_together(made: Callable[[], tuple[Call, ...]]) -> None:
    assert made() == (Call("a", "{}"), Call("b", "{}"))
