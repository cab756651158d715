"""Limits the physics must keep: exact where the answer is known, monotone where only the direction is."""

import numpy as np
import pytest

from tracker.cost.facts import find_accelerator, find_model, find_precision
from tracker.cost.kernel import (
    decode_step,
    expert_coverage,
    fitting_batch,
    kv_bytes_per_sequence,
    kv_read_bytes,
    mean_seen,
    prefill_s,
    serve,
)
from tracker.cost.shape import Shape, params, shape_of
from tracker.cost.worker import FABRIC_SHARE, IDEAL, Chip, Coefficients, Layout, communication_s

ONE = Layout(tp=1.0)


def chip(name: str, math: str = "bf16", bandwidth: float = 1.0) -> Chip:
    part = find_accelerator(name)
    return Chip(
        part.mem_gb * 1e9,
        part.bw_tbs * 1e12 * bandwidth,
        part.peak_tflops(math) * 1e12,
        part.scaleup_gbs * 1e9,
        part.scaleup_world,
        part.bf16_tflops * 1e12,
    )


def shape(model: str, precision: str = "bf16") -> Shape:
    return shape_of(find_model(model), find_precision(precision))


def test_batch_one_decode_is_bytes_over_bandwidth() -> None:
    dense = find_model("llama-2-13b")
    read_bytes = 2 * (params(dense).total - params(dense).embedding)
    step = decode_step(shape("llama-2-13b"), chip("A6000"), ONE, IDEAL, 1.0, 0.0)
    assert float(step.total_s) == pytest.approx(read_bytes / 768e9, rel=1e-9)


def test_batch_one_moe_reads_only_active_experts() -> None:
    mixtral = find_model("mixtral-8x7b")
    count = params(mixtral)
    active = count.attention + count.dense + count.head + count.experts * 2 / 8
    step = decode_step(shape("mixtral-8x7b"), chip("H100"), ONE, IDEAL, 1.0, 0.0)
    assert float(step.weights_s) == pytest.approx(2 * active / 3.35e12, rel=1e-9)


@pytest.mark.parametrize(("active", "experts"), [(2, 8), (8, 256), (1, 16), (4, 128), (1, 1)])
def test_coverage_runs_from_active_to_all(active: int, experts: int) -> None:
    batch = np.array([1.0, 2, 8, 64, 1e3, 1e6])
    share = np.asarray(expert_coverage(active, experts, batch))
    assert share[0] == pytest.approx(active / experts, rel=1e-6)
    assert share[-1] == pytest.approx(1.0, rel=1e-6)
    assert (np.diff(share) >= 0).all()
    direct = 1 - (1 - min(active / experts, 1 - 1e-12)) ** batch
    assert share == pytest.approx(direct, rel=1e-6)


def cost_per_token(name: str, batch: np.ndarray) -> np.ndarray:
    rate = serve(shape(name), chip("H200"), Layout(tp=8.0), IDEAL, 1000.0, 500.0, batch)
    return 1 / np.asarray(rate.out_tok_s)


def test_cost_falls_with_batch_and_moe_gains_less_than_dense() -> None:
    batch = np.array([1.0, 2, 4, 8, 16, 32])
    moe, dense = cost_per_token("mixtral-8x7b", batch), cost_per_token("llama-2-13b", batch)
    assert (np.diff(moe) < 0).all()
    assert (np.diff(dense) < 0).all()
    # the article's point: at a small batch each further user of a sparse model brings further experts to read
    assert moe[0] / moe[2] < dense[0] / dense[2]


def test_past_the_knee_a_larger_batch_no_longer_helps() -> None:
    batch = np.array([4096.0, 8192.0])
    cost = cost_per_token("llama-2-13b", batch)
    assert cost[1] == pytest.approx(cost[0], rel=0.05)


def test_speed_is_monotone_in_bandwidth_and_in_every_share_of_peak() -> None:
    s, layout = shape("llama-3.1-70b"), Layout(tp=8.0)
    base = Coefficients(0.7, 0.9, 0.5, 0.5, 0.5, 0.8, 0.8, 2e-5, 0, 0, 1e-3, 1e-6, 1e-5, 0.5, 0.5, 0.3)
    speeds = [
        float(serve(s, chip("H100", bandwidth=b), layout, base, 2000.0, 300.0, 32.0).out_tok_s) for b in (0.5, 1, 2, 4)
    ]
    assert speeds == sorted(speeds)
    assert speeds[0] < speeds[-1]


def test_int4_weights_are_a_quarter_and_kv_follows_its_own_width() -> None:
    assert float(shape("llama-3.1-70b", "int4").resident_bytes) < 0.31 * float(shape("llama-3.1-70b").resident_bytes)
    half = shape_of(find_model("llama-3.1-70b"), find_precision("bf16"), kv_bits=8)
    assert float(half.kv_bytes_full) == pytest.approx(float(shape("llama-3.1-70b").kv_bytes_full) / 2)


def test_windows_and_recurrent_states_stop_growing() -> None:
    for name in ("mistral-7b", "mamba-2.8b"):
        s = shape(name)
        assert kv_bytes_per_sequence(s, 8192.0) == pytest.approx(float(kv_bytes_per_sequence(s, 1e6)))
    full = shape("llama-3-8b")
    assert kv_bytes_per_sequence(full, 2e4) == pytest.approx(2 * float(kv_bytes_per_sequence(full, 1e4)))


def test_latent_cache_is_not_split_by_tensor_parallelism_but_is_by_data_parallel_attention() -> None:
    s, h = shape("deepseek-v3", "fp8"), chip("H200", "fp8")
    tensor = decode_step(s, h, Layout(tp=8.0), IDEAL, 64.0, 4000.0)
    data = decode_step(s, h, Layout(tp=8.0, dp_attention=1.0), IDEAL, 64.0, 4000.0)
    assert float(tensor.kv_s) == pytest.approx(8 * float(data.kv_s))


def test_without_paging_about_a_third_of_the_batch_fits() -> None:
    paged = float(fitting_batch(shape("llama-2-13b"), chip("A100"), ONE, 2048.0))
    before = float(fitting_batch(shape("llama-2-13b"), chip("A100"), ONE, 2048.0, kv_use=0.3))
    assert before == pytest.approx(0.3 * paged)
    assert float(fitting_batch(shape("llama-3.1-405b"), chip("H100"), ONE, 2048.0)) < 0


def test_speculation_helps_a_sparse_model_less_at_a_large_batch() -> None:
    def gain(name: str, batch: float) -> float:
        plain = serve(shape(name), chip("H100"), Layout(tp=8.0), IDEAL, 0.0, 500.0, batch)
        drafted = serve(shape(name), chip("H100"), Layout(tp=8.0), IDEAL, 0.0, 500.0, batch, verify=4.0, accepted=2.5)
        return float(drafted.out_tok_s / plain.out_tok_s)

    assert gain("llama-2-13b", 1.0) == pytest.approx(2.5, rel=0.01)
    assert gain("mixtral-8x7b", 2.0) < gain("llama-2-13b", 2.0)
    assert gain("mixtral-8x7b", 4096.0) < 1.0


def test_prefill_attention_is_quadratic() -> None:
    s, h = shape("llama-3-8b"), chip("H100")
    linear = 8000 * float(s.flops_per_token) / 989e12
    long, short = (float(prefill_s(s, h, ONE, IDEAL, n)) for n in (64000.0, 8000.0))
    assert short > linear
    assert long > 8 * short


def test_pipeline_stages_keep_the_latency_and_share_the_weights() -> None:
    s, h = shape("llama-3.1-70b"), chip("H100")
    flat = decode_step(s, h, Layout(tp=2.0), IDEAL, 8.0, 0.0)
    staged = decode_step(s, h, Layout(tp=2.0, pp=4.0), IDEAL, 8.0, 0.0)
    assert float(staged.weights_s) == pytest.approx(float(flat.weights_s))
    assert fitting_batch(s, h, Layout(tp=2.0, pp=4.0), 1000.0) > fitting_batch(s, h, Layout(tp=2.0), 1000.0)


def test_sparse_attention_reads_a_bounded_part_of_a_cache_it_keeps_whole() -> None:
    sparse, full = shape("deepseek-v3.2", "fp8"), shape("deepseek-v3.1", "fp8")
    long, longer = 32_000.0, 64_000.0
    per_token = float(sparse.index_bytes)
    assert per_token == 61 * (128 + 4)  # DeepSeek V3.2 caches 132 bytes of index per token and layer
    assert kv_read_bytes(sparse, longer) - kv_read_bytes(sparse, long) == pytest.approx(per_token * (longer - long))
    assert kv_bytes_per_sequence(sparse, long) == pytest.approx(
        float(kv_bytes_per_sequence(full, long)) + per_token * long
    )
    assert float(kv_read_bytes(sparse, long)) < 0.4 * float(kv_read_bytes(full, long))
    assert kv_read_bytes(full, long) == pytest.approx(float(kv_bytes_per_sequence(full, long)))


def test_sparse_attention_makes_long_contexts_cheaper_and_short_ones_no_cheaper() -> None:
    h, layout = chip("H200", "fp8"), Layout(tp=8.0)

    def ratio(context: float) -> float:
        steps = (
            decode_step(shape(n, "fp8"), h, layout, IDEAL, 64.0, context) for n in ("deepseek-v3.2", "deepseek-v3.1")
        )
        sparse, full = (float(s.total_s) for s in steps)
        return sparse / full

    assert ratio(1000.0) > 1.0  # the index costs something and chooses everything
    assert ratio(100_000.0) < 0.5


@pytest.mark.parametrize("at_most", [10.0, 100.0, 1e12])
def test_the_mean_a_prompt_token_sees_is_the_mean_of_a_ramp(at_most: float) -> None:
    ramp = np.minimum(np.arange(1000) + 0.5, at_most)
    assert mean_seen(1000.0, at_most) == pytest.approx(ramp.mean(), rel=1e-3)


def test_an_all_reduce_between_domains_carries_each_chips_share_only() -> None:
    s, h = shape("llama-3.1-70b"), chip("H100")
    inside, across = (float(communication_s(s, h, Layout(tp), IDEAL, 1000.0)) for tp in (8.0, 16.0))
    sent = 2 * 80 * 8192 * 2 * 1000.0  # two reductions a layer of 16-bit vectors
    assert inside == pytest.approx(sent * 2 * 7 / 8 / 450e9)
    assert across - inside == pytest.approx(sent / 8 * 2 * 1 / 2 / (50e9 * FABRIC_SHARE))


def test_cards_without_a_domain_talk_over_their_own_bus() -> None:
    s, card = shape("llama-3.1-70b"), chip("L40S")
    sent = 2 * 80 * 8192 * 2 * 1000.0
    assert float(communication_s(s, card, Layout(4.0), IDEAL, 1000.0)) == pytest.approx(
        sent * 2 * 3 / 4 / (32e9 * FABRIC_SHARE)
    )


def test_attention_is_multiplied_at_16_bits_whatever_the_weights() -> None:
    narrow, wide = (chip("B200", math) for math in ("fp4", "bf16"))
    s = shape("llama-3-8b")
    only_scores = Coefficients(mfu_decode=1e9)
    steps = [decode_step(s, c, ONE, only_scores, 1.0, 1e5).compute_s for c in (narrow, wide)]
    assert float(steps[0]) == pytest.approx(float(steps[1]), rel=1e-3)


def test_four_bit_microscaled_weights_use_the_8_bit_unit_where_the_chip_reads_them() -> None:
    blackwell, hopper = find_accelerator("B200"), find_accelerator("H100")
    assert blackwell.peak_tflops("mx") == blackwell.fp8_tflops
    assert hopper.peak_tflops("mx") == hopper.bf16_tflops
