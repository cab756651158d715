"""Targets from the published ledger: prices, limits, last probe; what has no endpoint is no target."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tracker.errors import UsageError
from tracker.probe.desk import candidates_of, day_plan
from warehouse.probes import COLUMNS, store_file
from warehouse.store import open_file

NOW = datetime.fromisoformat("2026-03-04T05:06:07")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A ledger with two offers, one of a provider nobody has an endpoint for, a limit and an earlier probe."""
    path = tmp_path / "history.duckdb"
    row = dict.fromkeys(COLUMNS) | {"offer": "groq/llama", "started_at": "2026-03-01T00:00:00", "is_sandbox": False}
    with open_file(path) as connection:
        connection.execute(
            """
            INSERT INTO core.pass BY NAME
            SELECT 's' AS source_id, 'good' AS outcome, now()::TIMESTAMP + INTERVAL 1 HOUR AS observed_at;
            INSERT INTO ref.source BY NAME SELECT 's' AS source_id, 1 AS standing, true AS enabled;
            INSERT INTO core.offer VALUES (1, 'groq/llama', 'groq', 'llama', 'standard', '', ''),
                                          (2, 'nobody/llama', 'nobody', 'llama', 'standard', '', '');
            INSERT INTO core.quote_now BY NAME
            SELECT o AS version_id, 's' AS source_id, o AS offer_id, c AS component, 'list' AS basis, a AS amount,
                   m AS min_prompt_tokens, '' AS hours, 'USD' AS currency, 'mtok' AS unit, 'known' AS status,
                   0 AS priority, now()::TIMESTAMP AS observed_at
            FROM (VALUES (1, 'input', 0.59, 0), (1, 'input', 0.99, 32000), (1, 'output', 0.79, 0), (2, 'input', 1, 0),
                         (2, 'output', 1, 0)) AS t(o, c, a, m);
            INSERT INTO core.limit_now BY NAME
            SELECT 's' AS source_id, 'groq' AS provider, '' AS listed_name, '' AS account_tier, 'requests' AS measure,
                   'minute' AS per, 30 AS amount, 'number' AS status, now()::TIMESTAMP AS observed_at;
            INSERT INTO calc.flag BY NAME SELECT 7 AS flag_id, 'groq/llama' AS offer;
            """
        )
        store_file(connection, "f" * 64, [row])
    return path


def test_candidates_come_with_price_limits_and_last_probe(history: Path) -> None:
    (found,) = candidates_of(history, [])
    target = found.target
    assert (str(target.offer), target.base_url, target.key_env) == (
        "groq/llama",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
    )
    # the dearest band: a budget must hold for any prompt
    assert (target.input_usd_per_mtok, target.output_usd_per_mtok) == (Decimal("0.99"), Decimal("0.79"))
    assert (found.requests_per_minute, found.has_flag) == (30, True)
    assert found.probed_at == datetime.fromisoformat("2026-03-01")


def test_an_offer_without_an_endpoint_is_named(history: Path) -> None:
    with pytest.raises(UsageError, match="nobody/llama"):
        candidates_of(history, ["nobody/llama"])
    assert len(candidates_of(history, ["groq/llama"])) == 1


def test_the_plan_of_an_hour_is_part_of_the_plan_of_the_day(history: Path) -> None:
    found = candidates_of(history, [])
    whole = day_plan(found, Decimal(5), NOW - timedelta(hours=5), Decimal(0), whole_day=True)
    hour = day_plan(found, Decimal(5), NOW, Decimal(0), whole_day=False)
    assert whole.steps
    assert {(s.at_utc, s.workload) for s in hour.steps} <= {(s.at_utc, s.workload) for s in whole.steps}
