"""The shipped coefficients explain the project's own table of public figures; the fit and its folds are sound."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tracker.cost import accuracy, fit, stacks
from tracker.cost.facts import find_accelerator, find_model
from tracker.cost.measured import parse_row, read_measurements, throughput
from tracker.errors import DataFileError

TRUTH = Path(__file__).resolve().parents[3] / "shared" / "cost" / "measured.csv"


def test_shipped_fit_explains_the_own_table() -> None:
    rows = throughput(read_measurements())
    assert len(rows) >= 60
    found = accuracy.score(fit.predict(rows, stacks.fitted()), np.array([m.target for m in rows]))
    assert found.median < 0.12
    assert found.within_2x > 0.9


def test_every_kind_of_row_gets_a_finite_prediction() -> None:
    rows = read_measurements()
    assert {m.kind for m in rows} >= {"batch", "maxtput", "user", "prefill", "decode", "ttft"}
    predicted = fit.predict(rows, stacks.fitted())
    assert np.isfinite(predicted).all()
    assert (predicted > 0).all()


def test_folds_keep_a_label_together_and_cover_all_rows() -> None:
    labels = [f"pair{i % 17}" for i in range(200)]
    fold = fit.folds(labels, 5, seed=3)
    assert set(fold) == set(range(5))
    for name in set(labels):
        assert len({int(f) for f, label in zip(fold, labels, strict=True) if label == name}) == 1


def test_fit_recovers_a_stack_that_is_uniformly_slower() -> None:
    rows = [m for m in throughput(read_measurements()) if m.family == "trtllm"]
    base = fit.fit(rows)
    import dataclasses

    slower = fit.fit([dataclasses.replace(m, target=m.target / 1.3) for m in rows])
    ratio = fit.predict(rows, base) / fit.predict(rows, slower)
    assert float(np.median(ratio)) == pytest.approx(1.3, rel=0.05)


def test_an_unknown_year_or_family_falls_back() -> None:
    shipped = stacks.fitted()
    chip, model = find_accelerator("H200"), find_model("deepseek-v3")
    later, latest, odd = (
        shipped.coefficients([stacks.Stack(chip, model, "fp8", family, date(year, 6, 1))])
        for family, year in (("sglang", 2031), ("sglang", 2026), ("never-seen", 2026))
    )
    assert later == latest
    assert 0 < float(np.asarray(odd.hbm)[0]) < 1.2


def test_bands_hold_what_they_say_on_known_noise() -> None:
    rng = np.random.default_rng(0)
    measured = np.exp(rng.normal(0, 0.3, 4000))
    fold = rng.integers(0, 5, 4000)
    inside = accuracy.coverage(np.ones(4000), measured, fold, ["x"] * 4000)
    assert float(inside.mean()) == pytest.approx(0.8, abs=0.02)


def test_a_damaged_measurement_names_its_row() -> None:
    row = {"id": "m1", "source": "s", "date": "2024-01-01", "hardware": "H100", "model": "nope", "precision": "fp8"}
    with pytest.raises(DataFileError, match="row 'm1': model 'nope'"):
        parse_row(row)


@pytest.mark.needs_shared
@pytest.mark.skipif(not TRUTH.is_file(), reason="needs_shared: cost/measured.csv is not beside the checkout")
def test_unseen_pairs_of_the_ground_truth() -> None:
    """One fold of pairs held out; the whole table is bench/cost_accuracy.py."""
    rows = throughput(read_measurements(TRUTH))
    fold = fit.folds([fit.pair_label(m) for m in rows], 10, seed=0)
    held = np.flatnonzero(fold == 4)
    unseen = [rows[int(i)] for i in held]
    model = fit.fit(rows, np.flatnonzero(fold != 4), steps=8)
    found = accuracy.score(fit.predict(unseen, model), np.array([m.target for m in unseen]))
    assert found.median < 0.25
