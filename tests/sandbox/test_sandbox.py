"""The sandbox: its model, its physics, its limits and its label."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tracker.errors import UsageError
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.reply import Reply
from tracker.probe.stream import burst, run, send
from tracker.probe.targets import Target
from tracker.records import Offer
from tracker.sandbox.hosts import PRESETS, Host, hidden_hosts, preset
from tracker.sandbox.language import (
    CONTEXT,
    VOCABULARY,
    WORDS,
    Text,
    decode,
    divergence,
    encode,
    log_softmax,
    next_logits,
    toy_model,
)
from tracker.sandbox.server import Sandbox

KEY = Key("any-key-at-all")
QUIET = Host("quiet", kernel_noise=0.0, network_ms=0.0)


def talk(host: Host, act: Callable[[Target], Coroutine[Any, Any, Any]], dialect: str = "openai_completions") -> Any:
    async def main() -> Any:
        server = await Sandbox([host]).start()
        port = server.sockets[0].getsockname()[1]
        try:
            return await act(Target(Offer("sandbox", "toy"), f"http://127.0.0.1:{port}/{host.name}/v1", dialect))
        finally:
            server.close()
            await asyncio.sleep(0.02)

    return run(main())


def say(host: Host, prompt: str, tokens: int, dialect: str = "openai_completions", **more: Any) -> Reply:
    reply = talk(host, lambda target: send(target, Ask("toy", prompt, tokens, **more), KEY), dialect)
    assert isinstance(reply, Reply)
    return reply


def test_words_and_tokens() -> None:
    assert len(set(WORDS)) == VOCABULARY
    assert encode(decode([5, 900, 17])) == [5, 900, 17]
    assert encode("An unknown word") == encode("An unknown word")


def test_precisions_differ_by_their_rounding_error() -> None:
    exact = toy_model(0, "fp32")
    kl = {name: divergence(exact, toy_model(0, name)) for name in ("bf16", "int8", "fp8", "int4", "int2")}
    assert kl["bf16"] < 1e-5 < kl["int8"] < kl["fp8"] < 0.002 < 0.014 < kl["int4"] < 0.05 < kl["int2"]
    assert divergence(exact, toy_model(11, "fp32")) > 1


def test_repeated_text_is_predictable_at_zero_and_not_at_two() -> None:
    line = decode([3, 141, 59, 265, 35, 897])
    row = log_softmax(next_logits(toy_model(0, "fp32"), [Text(encode(line * 4))]))[0]
    assert int(row.argmax()) == 3
    heated = np.exp(row / 2) / np.exp(row / 2).sum()
    assert heated[3] < 0.2 < np.exp(row[3])


def test_logprobs_are_the_models_own() -> None:
    reply = say(QUIET, "kan del rost", 1, logprobs=5)
    expected = log_softmax(next_logits(toy_model(0, "bf16"), [Text(encode("kan del rost"))]))[0]
    best = np.argsort(-expected)[:5]
    assert [name for name, _ in reply.logprobs[0].top] == [WORDS[i] for i in best]
    assert [value for _, value in reply.logprobs[0].top] == pytest.approx(expected[best].tolist(), abs=2e-3)


def test_echo_scores_the_prompt() -> None:
    reply = say(QUIET, "kan del rost", 0, logprobs=1, echo=True, stream=False)
    assert [entry.token for entry in reply.logprobs] == [" kan", " del", " rost"]
    assert reply.logprobs[0].logprob is None
    expected = log_softmax(next_logits(toy_model(0, "bf16"), [Text(encode("kan del"))]))[0]
    assert reply.logprobs[2].logprob == pytest.approx(float(expected[encode("rost")[0]]), abs=2e-3)


def test_streamed_and_whole_answers_agree_and_are_labelled() -> None:
    streamed, whole = (say(QUIET, "kan del rost", 12, stream=way) for way in (True, False))
    assert streamed.text == whole.text
    assert streamed.is_sandbox
    assert whole.is_sandbox
    assert streamed.usage.output_tokens == 12
    assert say(QUIET, "kan del rost", 12, temperature=1.0, seed=3).text == say(
        QUIET, "kan del rost", 12, temperature=1.0, seed=3
    ).text  # fmt: skip


def test_chat_template_differs_from_completions() -> None:
    assert say(QUIET, "kan del", 8, "openai_chat").text != say(QUIET, "kan del", 8).text


def test_step_time_follows_weights_and_kv() -> None:
    host = preset("fast")
    expected = 16.0 / (3350 * 0.6) + 0.0015  # GB over GB/s, plus launch overhead
    assert host.step_s(1, 0, 0) == pytest.approx(expected)
    assert replace(host, precision="int4").step_s(1, 0, 0) == pytest.approx(0.28 * (expected - 0.0015) + 0.0015)
    assert host.step_s(1, 10_000, 0) - expected == pytest.approx(10_000 * 131_072 / 1e9 / (3350 * 0.6))
    assert host.step_s(64, 0, 2048) > 2 * expected  # arithmetic of the prefill binds
    assert host.kv_room_tokens() == int((72 - 16) * 1e9 / 131_072)


def test_measured_speed_is_the_modelled_one() -> None:
    reply = say(replace(QUIET, overhead_s=0.004), "kan del rost", 60)
    if reply.outcome == "distorted":
        pytest.skip("this machine is too busy to time anything")
    assert reply.timing.itl_ms == pytest.approx(1000 * replace(QUIET, overhead_s=0.004).step_s(1, 33, 0), rel=0.05)


def test_speculation_shows_in_the_chunks_of_predictable_text() -> None:
    host = replace(QUIET, draft_tokens=4)
    regular = say(host, decode([3, 141, 59, 265] * 12), 60)
    hard = say(host, decode(list(range(100, 140))), 60, temperature=2.0)
    assert regular.chunks <= 20 < 50 < hard.chunks
    assert regular.text == say(QUIET, decode([3, 141, 59, 265] * 12), 60).text  # it changes the speed, not the text


def test_a_full_kv_cache_queues() -> None:
    small = replace(QUIET, other_load=1, other_context=int((72 - 16) * 1e9 / 131_072) - 60)

    async def act(target: Target) -> list[Reply]:
        return await burst(target, [Ask("toy", "kan del", 40), Ask("toy", "rost ben", 40)], KEY, stagger_s=0.001)

    first, second = talk(small, act)
    assert first.last is not None
    assert second.sent is not None
    assert second.last is not None
    assert second.last - first.last > 0.3  # the second ran after, not beside, the first


def test_limits_answer_429_with_headers() -> None:
    host = replace(QUIET, requests_per_minute=2)

    async def act(target: Target) -> list[Reply]:
        return [await send(target, Ask("toy", "kan del", 1), KEY) for _ in range(3)]

    first, _, third = talk(host, act)
    assert first.limits["x-ratelimit-remaining-requests"] == "1"
    assert third.outcome == "rate_limited"
    assert 0 < int(third.limits["retry-after"]) <= 60
    assert third.is_sandbox


def test_concurrency_and_token_limits() -> None:
    async def crowd(target: Target) -> list[Reply]:
        return await burst(target, [Ask("toy", "kan del", 20)] * 4, KEY, stagger_s=0.002)

    replies = talk(replace(QUIET, max_concurrency=2), crowd)
    assert sum(reply.outcome == "rate_limited" for reply in replies) == 2
    replies = talk(replace(QUIET, tokens_per_minute=50), crowd)
    assert sum(reply.outcome == "rate_limited" for reply in replies) == 2


def test_bad_requests_are_named() -> None:
    assert say(QUIET, " ", 1).outcome == "http_error"
    assert "between 0 and 2" in say(QUIET, "kan", 1, temperature=9.0).detail
    assert talk(QUIET, lambda target: send(replace(target, base_url=target.base_url.replace("quiet", "no")),
                                           Ask("toy", "kan", 1), KEY)).status == 404  # fmt: skip
    with pytest.raises(UsageError, match="no sandbox host"):
        preset("nope")


def test_hidden_hosts_are_a_function_of_the_key_alone() -> None:
    one = hidden_hosts("a", 200)
    assert one == hidden_hosts("a", 200)
    assert one != hidden_hosts("b", 200)
    int4 = [host for host in one if host.precision == "int4"]
    drafting = [host for host in one if host.draft_tokens]
    assert 40 < len(int4) < 100
    assert 50 < len(drafting) < 110
    assert {host.declared_precision for host in int4} == {"bf16"}
    assert CONTEXT < 20 < len(PRESETS) * 10
