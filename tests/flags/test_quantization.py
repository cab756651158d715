"""One serving beside its host's others and its siblings: what counts, what does not, and in which direction."""

from dataclasses import replace

import numpy as np

from tracker.flags.quantization import (
    MIN_LABELS,
    NAMES,
    Endpoint,
    below,
    features,
    judged,
    load_weights,
    pool_of,
    price_rank,
    width_share,
)


def endpoint(host: str, model: str, bits: float | None, native: float = 16.0, price: float = 1.0) -> Endpoint:
    return Endpoint(f"{host}/{model}", host, model, model, native, 30, bits, price)


MARKET = [
    endpoint("fp8-house", "a", 8.0),
    endpoint("fp8-house", "b", 8.0),
    endpoint("fp8-house", "c", None),
    endpoint("bf16-house", "a", 16.0, price=3.0),
    endpoint("bf16-house", "b", 16.0, price=3.0),
    endpoint("bf16-house", "c", None, price=3.0),
    endpoint("bf16-house", "deepseek", 8.0, native=8.0),
]


def column(name: str, rows: list[Endpoint]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return features(rows, pool_of(rows))[:, NAMES.index(name)]


def test_a_host_habit_is_read_off_models_that_could_have_been_lowered_as_far() -> None:
    pool = pool_of(MARKET)
    house, honest = MARKET[2], MARKET[5]
    assert [len(below(one, pool.habit(one))) for one in (house, honest)] == [2, 0]
    assert len(pool.habit(honest)) == 2, "a native fp8 label on DeepSeek shows no habit of lowering 16 bits"
    habit = column("host_habit", MARKET)
    assert habit[2] > 0 > habit[5]
    eight = endpoint("fp8-house", "d", None, native=8.0)
    assert column("host_habit", [*MARKET, eight])[-1] < 0, "an fp8 house does not lower a model of 8 bits"


def test_no_row_knows_its_own_label_nor_a_hidden_models() -> None:
    known = [*MARKET[:2], replace(MARKET[2], label_bits=16.0), *MARKET[3:]]
    assert (features(known, pool_of(known))[2] == features(MARKET, pool_of(MARKET))[2]).all()
    hidden = pool_of(MARKET, hidden_shape="a")
    assert [e.model_id for e in hidden.habit(MARKET[2])] == ["b"]
    assert {e.model_id for e in hidden.elsewhere(MARKET[2])} == {"b"}
    assert len(hidden.siblings(MARKET[0])) == 1


def test_a_host_counts_once_per_model_in_its_favour_and_is_no_sibling_of_its_own() -> None:
    turbo = replace(MARKET[3], offer="bf16-house/a-turbo", label_bits=8.0, output_usd_per_mtok=0.5)
    rows = [*MARKET, turbo]
    pool = pool_of(rows)
    assert not below(MARKET[5], pool.habit(MARKET[5]))
    assert [e.host for e in pool.siblings(turbo)] == ["fp8-house"]
    assert price_rank(turbo, pool) == 1.0 and price_rank(MARKET[3], pool) == 0.0
    assert price_rank(MARKET[6], pool) == 0.5, "alone"


def test_only_hosts_that_show_a_habit_are_judged() -> None:
    silent = [endpoint("silent", "a", None), endpoint("silent", "b", None)]
    rows = [*MARKET, *silent]
    assert MIN_LABELS == 2 and judged(rows, pool_of(rows)).tolist() == [
        False, False, True, False, False, True, True, False, False
    ]  # fmt: skip


def test_every_sum_begins_at_the_share_of_labels_below_the_models_width() -> None:
    pool = pool_of(MARKET)
    assert width_share(MARKET[2], pool) == (2 + 0.5) / 5
    assert width_share(endpoint("x", "d", None, native=4.25), pool) == 0.5 / 6


def test_no_weight_speaks_against_the_physics() -> None:
    weights = load_weights()
    quiet = weights.added(np.zeros(len(NAMES)))
    assert set(quiet.values()) == {0.0}, "what is not known neither accuses nor clears"
    assert weights.added(np.eye(len(NAMES))[0])["host_habit"] > 0.5
    assert all(added >= 0 for row in np.eye(len(NAMES)) for added in weights.added(row).values())
    assert 0 < weights.share < 1
