"""Anthropic's and Gemini's own streams, completions with log-probabilities, and the bodies sent for them."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.probe.servers import DONE, chat, finish, serving, sse, stream
from tracker.probe.dialects import dialect_named, read_event
from tracker.probe.keys import Key
from tracker.probe.measure import read_reply
from tracker.probe.messages import Ask, TokenLogprob, Usage
from tracker.probe.reply import OUTCOMES, Reply
from tracker.probe.run import bill, row_of
from tracker.probe.targets import Target
from tracker.probe.wire import Exchange, Head
from tracker.records import Offer

Send = Callable[..., Reply]


def anthropic(*blocks: tuple[str, str]) -> list[bytes]:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1,
                                                            "cache_read_input_tokens": 4}}}  # fmt: skip
    events: list[dict[str, object]] = [start, {"type": "ping"}, {"type": "content_block_start", "index": 0}]
    for kind, text in blocks:
        word = "thinking" if kind == "thinking_delta" else "text"
        events.append({"type": "content_block_delta", "index": 0, "delta": {"type": kind, word: text}})
    events.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}})
    events.append({"type": "message_stop"})
    return [sse(event, str(event["type"])) for event in events]


def test_anthropic(send_to: Send) -> None:
    events = anthropic(("thinking_delta", "hm"), ("text_delta", "Hello"), ("text_delta", " there"))
    with serving(stream(*events, pause_s=0.01)) as server:
        reply = send_to(server, "anthropic")
    assert (reply.outcome, reply.reasoning, reply.text, reply.finish) == ("ok", "hm", "Hello there", "end_turn")
    assert reply.usage == Usage(13, 5, None, 4)  # cached tokens are input tokens too
    request = server.requests[0]
    assert request.head.startswith("POST /v1/messages HTTP/1.1")
    assert "x-api-key: sk-test" in request.head
    assert "anthropic-version: " in request.head
    assert request.json["max_tokens"] == 10


def test_anthropic_overload_inside_a_200(send_to: Send) -> None:
    error = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error")
    with serving(stream(*anthropic(("text_delta", "He"))[:4], error)) as server:
        reply = send_to(server, "anthropic")
    assert (reply.outcome, reply.detail) == ("error_event", "overloaded_error: Overloaded")


def test_anthropic_without_its_stop_is_cut_off(send_to: Send) -> None:
    with serving(stream(*anthropic(("text_delta", "He"))[:-2])) as server:
        assert send_to(server, "anthropic").outcome == "cut_off"


def gemini(text: str, tokens: int, finish: str = "", thought: bool = False) -> dict[str, object]:
    part: dict[str, object] = {"text": text} | ({"thought": True} if thought else {})
    candidate: dict[str, object] = {"content": {"role": "model", "parts": [part]}}
    if finish:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": 6, "candidatesTokenCount": tokens, "thoughtsTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": counts}


def test_gemini(send_to: Send) -> None:
    events = [gemini("plan", 0, thought=True), gemini("One two", 2), gemini(" three four", 4, "STOP")]
    with serving(stream(*events, pause_s=0.02)) as server:
        reply = send_to(server, "gemini")
    assert (reply.outcome, reply.reasoning, reply.text) == ("ok", "plan", "One two three four")
    assert reply.usage == Usage(6, 6, 2, None)
    assert reply.first_chunk_tokens == 2  # counted with the chunk itself
    head = server.requests[0].head
    assert head.startswith("POST /v1/models/m:streamGenerateContent?alt=sse HTTP/1.1")
    assert "x-goog-api-key: sk-test" in head  # in a header: a URL ends up in logs


@pytest.mark.parametrize(
    "event", [{"promptFeedback": {"blockReason": "SAFETY"}}, gemini("", 0, "SAFETY")], ids=["prompt", "answer"]
)
def test_gemini_refuses(send_to: Send, event: object) -> None:
    with serving(stream(event)) as server:
        assert send_to(server, "gemini").outcome == "refused"


def test_a_character_split_into_two_events_is_whole_again(send_to: Send) -> None:
    halves = [sse(json.dumps(chat(half)).encode()) for half in ("a \ud83c", "\udf89 b", " \ud83c c")]
    with serving(stream(*halves, finish(), DONE)) as server:
        reply = send_to(server)
    assert (reply.outcome, reply.text) == ("ok", "a \N{PARTY POPPER} b \N{REPLACEMENT CHARACTER} c")


def test_completions_with_logprobs(send_to: Send) -> None:
    def event(token: str, value: float) -> dict[str, object]:
        logprobs = {"tokens": [token], "token_logprobs": [value], "top_logprobs": [{token: value, " no": -3.0}]}
        return {"choices": [{"text": token, "logprobs": logprobs, "finish_reason": None}]}

    end = {"choices": [{"text": "", "finish_reason": "length"}]}
    with serving(stream(event(" a", -0.5), event(" b", -0.25), end, DONE)) as server:
        reply = send_to(server, "openai_completions", ask=Ask("m", "x", 2, logprobs=2, seed=7))
    assert reply.logprobs == (
        TokenLogprob(" a", -0.5, ((" a", -0.5), (" no", -3.0))),
        TokenLogprob(" b", -0.25, ((" b", -0.25), (" no", -3.0))),
    )
    assert (reply.streamed_tokens, reply.token_source) == (2, "logprobs")
    sent = server.requests[0].json
    assert (sent["logprobs"], sent["seed"], sent["prompt"]) == (2, 7, "x")


@pytest.mark.parametrize("name", ["openai_chat", "openai_completions", "anthropic", "gemini"])
@pytest.mark.parametrize(
    "data", [b"[]", b"3", b"null", b'{"choices":3}', b'{"choices":[{"delta":3}]}', b"{", b'{"candidates":[3]}']
)
def test_no_event_can_raise(name: str, data: bytes) -> None:
    read_event(dialect_named(name), "", data)


_LEAVES = st.sampled_from([None, True, -1, 3, 10**40, 0.5, float("nan"), "word", "", "stop", "\ud83c", [], {}, [7]])
_WORDS = """
    choices delta message content text reasoning reasoning_content refusal finish_reason tool_calls index function
    name arguments usage prompt_tokens completion_tokens completion_tokens_details logprobs tokens token_logprobs
    top_logprobs token logprob error code type content_block partial_json thinking stop_reason input_tokens candidates
    parts thought functionCall args finishReason usageMetadata promptTokenCount promptFeedback candidatesTokenCount
    thoughtsTokenCount blockReason
"""
_NAMES = st.sampled_from(_WORDS.split())
_EVENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)
_CHOICE = st.fixed_dictionaries({"choices": st.lists(st.dictionaries(_NAMES, _EVENTS, max_size=4), max_size=1)})
_KIND = st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta", "message"])
_TYPED = st.builds(lambda kind, event: event | {"type": kind}, _KIND, st.dictionaries(_NAMES, _EVENTS, max_size=5))


@given(
    st.sampled_from(["openai_chat", "openai_completions", "anthropic", "gemini"]),
    st.lists(_CHOICE | _TYPED | _EVENTS, max_size=4),
)
def test_no_stream_of_odd_events_can_raise(name: str, events: list[object]) -> None:
    """From the bytes to the bill: whatever a seller sends ends as an outcome."""
    body = b"".join(sse(json.dumps(event).encode()) for event in events) + DONE
    head = Head(200, {"content-type": "text/event-stream"})
    done = Exchange("closed", "", 0.0, sent=0.1, ended=1.0, head=head, pieces=((0.5, body),))
    ask = Ask("m", "word", 4)
    reply = read_reply(dialect_named(name), ask, done, Key("sk-12345678"))
    assert reply.outcome in OUTCOMES
    target = Target(Offer("test", "m"), "https://h/v1", name, "", Decimal(1), Decimal(1))
    assert bill(target, ask, reply) >= 0
    assert row_of(reply)["outcome"] == reply.outcome


@pytest.mark.parametrize("count", [-1, 1.5, "9", True, 10**30])
def test_a_count_that_is_no_count_is_unknown(count: object) -> None:
    event = b'{"choices":[],"usage":{"prompt_tokens":%s,"completion_tokens":2}}'
    text = {True: "true", "9": '"9"'}.get(count, str(count))  # type: ignore[call-overload]
    delta = read_event(dialect_named("openai_chat"), "", event % text.encode())
    assert delta.usage == Usage(None, 2)
