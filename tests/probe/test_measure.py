"""The figures themselves, on exchanges made by hand: what is counted, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import tracker.probe
from tests.probe.servers import chat, finish, sse, usage
from tracker.probe.dialects import dialect_named
from tracker.probe.keys import Key
from tracker.probe.measure import read_reply
from tracker.probe.messages import Ask
from tracker.probe.reply import OUTCOMES, Reply
from tracker.probe.wire import Exchange, Head
from tracker.probe.workloads import WORKLOADS

CHAT = dialect_named("openai_chat")
HEAD = Head(200, {"content-type": "text/event-stream"})


def exchange(*events: tuple[float, object]) -> Exchange:
    pieces = tuple((arrival, sse(event)) for arrival, event in events)
    return Exchange("closed", "", started=9.0, sent=10.0, ended=99.0, head=HEAD, pieces=pieces)


def read(*events: tuple[float, object], lag_s: float = 0.0, ask: Ask | None = None) -> Reply:
    return read_reply(CHAT, ask or Ask("m", "hello there", 9), exchange(*events), lag_s=lambda _: lag_s)


def steady(
    first: float, step: float, words: int, per_chunk: int = 1, said: int | None = None
) -> list[tuple[float, object]]:
    events: list[tuple[float, object]] = [(first + n * step, chat(" word" * per_chunk)) for n in range(words)]
    total = words * per_chunk if said is None else said
    return [*events, (first + words * step, finish()), (first + words * step, usage(4, total))]


def test_the_definitions() -> None:
    reply = read(*steady(10.2, 0.01, 101))
    timing = reply.timing
    assert timing.ttft_ms == pytest.approx(200)
    assert timing.itl_ms == pytest.approx(10)
    assert timing.output_tok_s == pytest.approx(101 / 1.2)
    assert timing.e2e_ms == pytest.approx(1210)


@pytest.mark.parametrize("per_chunk", [1, 2, 8])
def test_inter_token_time_is_exact_for_any_chunk_size(per_chunk: int) -> None:
    reply = read(*steady(10.2, 0.002 * per_chunk, 50, per_chunk))
    assert reply.timing.itl_ms == pytest.approx(2.0)
    assert reply.first_chunk_tokens == per_chunk


def test_a_long_first_word_is_still_one_token() -> None:
    events = steady(10.2, 0.01, 100)
    reply = read((10.19, chat("Certainly!")), *events[:-1], (11.3, usage(4, 101)))
    assert reply.first_chunk_tokens == 1


def test_per_chunk_usage_counts_the_first_chunk() -> None:
    def counted(text: str, total: int) -> dict[str, object]:
        return chat(text) | {"usage": {"prompt_tokens": 4, "completion_tokens": total}}

    reply = read((10.1, counted(" a b c", 3)), (10.2, counted(" d", 4)), (10.3, counted(" e", 5)), (10.3, finish()))
    assert reply.first_chunk_tokens == 3
    assert reply.timing.itl_ms == pytest.approx(100)


def test_hidden_reasoning_is_billed_but_not_in_the_speed() -> None:
    events = steady(10.2, 0.01, 51)[:-1]
    told = usage(4, 1051, completion_tokens_details={"reasoning_tokens": 1000})
    reply = read(*events, (11.0, told))
    assert (reply.outcome, reply.streamed_tokens, reply.usage.output_tokens) == ("ok", 51, 1051)
    assert reply.timing.itl_ms == pytest.approx(10)


def test_one_chunk_has_no_inter_token_time() -> None:
    reply = read((10.2, chat("hello")), (10.2, finish("stop")), (10.2, usage(4, 2)))
    assert (reply.outcome, reply.timing.itl_ms) == ("ok", None)


def test_a_tool_call_is_a_first_token_without_content() -> None:
    reply = read((10.2, chat(tool_calls=[{"function": {"arguments": "{"}}])), (10.3, finish("tool_calls")))
    assert reply.timing.ttft_ms == pytest.approx(200)
    assert reply.timing.ttft_content_ms is None


def test_own_lag_refuses_the_measurement() -> None:
    events = steady(10.2, 0.01, 101)
    assert read(*events, lag_s=0.004).outcome == "ok"
    late = read(*events, lag_s=0.013)
    assert (late.outcome, late.timing.ttft_ms) == ("distorted", None)
    assert "13 ms at the first token" in late.detail
    fast = read(*steady(10.2, 0.001, 101), lag_s=0.005)  # 5 of 100 ms of tokens
    assert (fast.outcome, "of tokens" in fast.detail) == ("distorted", True)


def test_a_long_prompt_must_be_counted_as_one() -> None:
    ask = Ask("m", "word " * 1000, 9)
    assert read(*steady(10.2, 0.01, 20), ask=ask).outcome == "usage_disputed"


def test_a_stream_left_open_after_its_end_mark_counts() -> None:
    whole = exchange(*steady(10.2, 0.01, 9))
    reply = read_reply(CHAT, Ask("m", "hello", 9), replace(whole, ending="stalled"))
    assert reply.outcome == "ok"


@pytest.mark.parametrize("form", ["sk-ab/c+d=1", "sk-ab%2Fc%2Bd%3D1"])
def test_an_echoed_key_is_cut_out(form: str) -> None:
    events = [(10.2, chat(f"your key {form}")), (10.3, {"error": {"message": f"bad key {form}"}})]
    exchanged = replace(exchange(*events), head=Head(200, HEAD.headers | {"retry-after": form}))
    reply = read_reply(CHAT, Ask("m", "hi", 9), exchanged, Key("sk-ab/c+d=1"))
    assert form not in json.dumps([reply.text, reply.detail, dict(reply.limits)])
    assert reply.detail == "bad key [key]"


def test_the_docs_name_every_outcome_and_workload() -> None:
    text = (Path(tracker.probe.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in OUTCOMES if f"| `{name}` |" not in text] == []
    assert [name for name in WORKLOADS if name not in text and not name.startswith("prefill-")] == []
