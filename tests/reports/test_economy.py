"""Sections made from an assessment: index, cost floor, below cost, burn, flags; and what they say without one."""

from pathlib import Path

import pytest

from reports.ledger import open_week
from reports.parts import Report, Section
from reports.render import html_of
from reports.weekly import build_report
from reports.words import words_of
from tests.reports.conftest import typed_week
from tests.reports.ledgers import price
from tracker.records import Offer
from tracker.settings import Home

CONCLUSIONS = [
    """INSERT INTO calc.price_index (class, day, index_value, link, goods, weighted_share)
       SELECT 'frontier', DATE '2026-07-01' + CAST(n AS INTEGER), 100 - n * 0.5, 0.995, 12, 0.4 FROM range(26) t(n)""",
    "INSERT INTO calc.assessed_day (day) VALUES (DATE '2026-07-22')",
    """INSERT INTO calc.cost_band (band_id, model_id, precision, scenario, input_low, input_mid, input_high, output_low,
       output_mid, output_high, hardware) VALUES ('b', 'zed/glm-x', 'fp8', 'market', 1, 2, 3, 2, 4, 6, 'H200')""",
    """INSERT INTO calc.price_floor (model_id, day, ended, list_usd, list_offer, band_id)
       VALUES ('zed/glm-x', DATE '2026-07-22', false, 0.875, 'beta/glm-x', 'b')""",
    """INSERT INTO calc.flag (flag_id, kind, rule_version, offer, provider, model_id, probability, calibrated, sentence,
       clearing, scenario, opened_at, closed_at, evidence) VALUES
       (1, 'below_cost', 1, 'beta/glm-x', 'beta', 'zed/glm-x', 0.91, false, 'costs <b>more</b>', 'a price of $2',
        'market', TIMESTAMP '2026-07-22 12:00:00', NULL, '[]'),
       (2, 'teaser_price', 1, 'alfa/glm-x', 'alfa', 'zed/glm-x', 0.8, false, 'only at 8 a minute', 'a limit of 600', '',
        TIMESTAMP '2026-07-10 12:00:00', TIMESTAMP '2026-07-23 12:00:00', '[]'),
       (3, 'likely_quantized', 1, 'gamma/glm-x', 'gamma', 'zed/glm-x', 0.7, false, 'fp8 shown', 'bf16 shown', '',
        TIMESTAMP '2026-07-30 12:00:00', NULL, '[]')""",
    """INSERT INTO calc.burn (source_id, listed_name, model_id, day, tokens, offer, burn_low, burn_mid, burn_high)
       SELECT 'market_a', 'glm-x', 'zed/glm-x', DATE '2026-07-20' + CAST(n AS INTEGER), 1000000, 'beta/glm-x',
       10, 20, 30 FROM range(9) t(n)""",
    """INSERT INTO calc.cost_by_hardware (model_id, day, hardware, deployment, input_mid, output_mid) VALUES
       ('zed/glm-x', DATE '2026-07-13', 'H200', '8xH200 fp8', 9, 9),
       ('zed/glm-x', DATE '2026-07-20', 'H200', '8xH200 fp8', 2, 4),
       ('zed/glm-x', DATE '2026-07-20', 'B200', '4xB200 fp8', 1, 3)""",
    """INSERT INTO calc.cost_fall
       (model_id, first_day, day, position, cause, usd_per_mtok, factor, deployment, scenario)
       SELECT 'zed/glm-x', DATE '2023-03-01', DATE '2026-07-20', * FROM (VALUES
       (0, 'start, 2023-03-01', 12.0, 1.0, '8xA100', 'market'),
       (1, 'hardware and rents', 4.0, 3.0, '8xH200', 'market'),
       (2, 'precision', 2.0, 2.0, '8xH200 fp8', 'market'))""",
]


def build(home: Home) -> Report:
    with open_week(home.history, "2026-W30") as ledger:
        return build_report(ledger, words_of("en"))


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    ledger = typed_week()
    ledger.conclusions = CONCLUSIONS
    root: Path = tmp_path_factory.mktemp("assessed")
    return build(ledger.publish(root))


def section(report: Report, section_id: str) -> Section:
    return next(one for one in report.sections if one.section_id == section_id)


def test_the_index_moves_from_the_last_day_before_the_week(assessed: Report) -> None:
    row = section(assessed, "index").tables[0].rows[0]
    assert (row["index_old"], row["index_new"]) == (91, 87.5)
    assert "frontier 87.5 (−3.8 %)" in assessed.summary[0]


def test_the_floor_stands_beside_the_cheapest_price(assessed: Report) -> None:
    row = section(assessed, "floor").tables[0].rows[0]
    assert (row["cheapest_usd"], row["cost_low"], row["cost_mid"], row["cost_high"]) == (0.875, 1.25, 2.5, 3.75)
    assert "1 lies below even the low end" in section(assessed, "floor").sentences[0]
    chart = section(assessed, "floor").charts[0]
    assert [row["point"] for row in chart.data.rows if "point" in row] == [0.875, 1.71, 1.75, 2.125]
    assert 'role="img"' in chart.svg and "currentColor" in chart.svg


def test_only_flags_of_the_week_and_before_are_told(assessed: Report) -> None:
    assert "36" not in assessed.summary[2]
    assert "apart: 1, surest beta/glm-x (0.91) (probability in brackets; the assumption 'market'" in assessed.summary[2]
    tables = {table.table_id: table.rows for table in section(assessed, "flags").tables}
    assert [row["flag_id"] for row in tables["flags_opened"]] == [1]
    assert [row["flag_id"] for row in tables["flags_closed"]] == [2]
    assert section(assessed, "teasers").tables[0].rows == ()  # it was closed within the week


def test_the_cost_on_each_accelerator_is_the_latest_weeks(assessed: Report) -> None:
    floor = section(assessed, "floor")
    [row] = floor.tables[1].rows
    assert row["costs"] == "B200 1.50, H200 2.50"
    assert [(r["hardware"], r["cost"]) for r in floor.charts[0].data.rows if "cost" in r] == [
        ("B200", 1.5),
        ("H200", 2.5),
    ]


def test_the_waterfall_tells_each_change(assessed: Report) -> None:
    falls = section(assessed, "falls")
    assert "costs 6.0 times less" in falls.sentences[0] and "$12.00 then, $2.00 now" in falls.sentences[0]
    assert "hardware and rents ×3.00, precision ×2.00" in falls.charts[0].text
    steps = [(row["high"], row["low"]) for row in falls.charts[0].data.rows]
    assert steps == [(12, 12), (12, 4), (4, 2)]
    assert falls.tables[0].rows[0]["factor"] == 6


def test_a_doubted_price_is_no_place_to_buy_and_stands_last_among_the_flagged(tmp_path: Path) -> None:
    ledger = typed_week()
    doubt = """INSERT INTO calc.flag (flag_id, kind, rule_version, offer, provider, model_id, probability, calibrated,
        sentence, clearing, scenario, opened_at, evidence) VALUES
        (4, 'stale_listing', 1, 'beta/glm-x', 'beta', 'zed/glm-x', 0.9, false, 'old', 'a reading', '',
         TIMESTAMP '2026-07-21', '[]'),
        (5, 'below_cost', 1, 'alfa/glm-x', 'alfa', 'zed/glm-x', 0.6, false, 'cheap', 'more', 'market',
         TIMESTAMP '2026-07-21', '[]')"""
    ledger.conclusions = [*CONCLUSIONS, doubt]
    report = build(ledger.publish(tmp_path))
    cheapest = {row["model"]: row["offer"] for row in section(report, "cheapest").tables[0].rows}
    assert cheapest["zed/glm-x"] == "relay/glm-x"  # beta is cheaper
    assert section(report, "floor").tables[0].rows[0]["offer"] == "relay/glm-x"
    assert [row["offer"] for row in section(report, "below_cost").tables[0].rows] == ["alfa/glm-x", "beta/glm-x"]
    assert "surest alfa/glm-x (0.60) (" in report.summary[2]


def test_a_copied_price_is_no_place_to_buy(tmp_path: Path) -> None:
    delta = Offer("delta", "glm-x")
    ledger = typed_week()
    ledger.kinds["catalogue_c"] = "catalogue"
    ledger.models[delta] = "zed/glm-x"
    ledger.daily([0, 1], price(delta, "0.1", "0.2"), source="catalogue_c")
    ledger.conclusions = list(CONCLUSIONS)
    report = build(ledger.publish(tmp_path))
    floor = section(report, "floor").tables[0].rows[0]
    assert (floor["offer"], floor["is_copied"]) == ("beta/glm-x", False)
    cheapest = {row["model"]: row["offer"] for row in section(report, "cheapest").tables[0].rows}
    assert cheapest["zed/glm-x"] == "beta/glm-x"  # delta's copied price is lower


def test_the_newest_audit_of_each_offer_speaks_and_a_watch_only_by_its_alarm(tmp_path: Path) -> None:
    rows = ", ".join(
        f"('{name}', TIMESTAMP '2026-07-{day}', '{offer}/glm-x', '{offer}', 'native', '{method}', '{verdict}', 'told', "
        f"{e_value}, {power}, {power}, false)"
        for name, day, offer, method, verdict, e_value, power in (
            ("old", 10, "alfa", "verdict", "differs", "NULL", "NULL"),
            ("new", 21, "alfa", "border prompts", "", "NULL", 0.9),
            ("new", 21, "alfa", "verdict", "not_detectable", "NULL", "NULL"),
            ("full", 20, "gamma", "verdict", "another_model", "NULL", "NULL"),
            ("look", 22, "gamma", "verdict", "not_detectable", 0.8, "NULL"),
            ("later", 29, "beta", "verdict", "differs", "NULL", "NULL"),
        )
    )
    ledger = typed_week()
    ledger.conclusions = [
        *CONCLUSIONS,
        "INSERT INTO core.audit (audit_id, started_at, offer, provider, reference, method, verdict, sentence, e_value, "
        f"power, detectable_kl, is_sandbox) VALUES {rows}",
        """INSERT INTO calc.flag (flag_id, kind, rule_version, offer, provider, model_id, probability, calibrated,
           sentence, clearing, scenario, opened_at, evidence, figures) VALUES
           (6, 'likely_quantized', 1, 'beta/glm-x', 'beta', 'zed/glm-x', 0.98, false, 'audited', 'another', '',
            TIMESTAMP '2026-07-21', '[]', '[{"name": "log_odds_audit", "value": 5.0, "unit": "nats"}]'),
           (7, 'likely_quantized', 1, 'alfa/glm-x', 'alfa', 'zed/glm-x', 0.65, false, 'habit', 'an audit', '',
            TIMESTAMP '2026-07-21', '[]', '[]')""",
    ]
    report = build(ledger.publish(tmp_path))
    tables = {table.table_id: table.rows for table in report.tables()}
    assert [(row["audit_id"], row["power"]) for row in tables["audited"]] == [("new", 0.9), ("full", None)]
    assert [row["offer"] for row in tables["lower_by_audit"]] == ["beta/glm-x"]
    assert [row["offer"] for row in tables["suspected"]] == ["alfa/glm-x"]
    told = " ".join(report.summary)
    assert "An audit found other outputs than the reference's: gamma/glm-x." in told


def test_traffic_that_two_counters_of_a_router_count_is_told_once(tmp_path: Path) -> None:
    ledger = typed_week()
    twice = """INSERT INTO calc.burn
       (source_id, listed_name, model_id, day, tokens, offer, burn_low, burn_mid, burn_high)
       SELECT 'market_b', 'glm-x', 'zed/glm-x', DATE '2026-07-20' + CAST(n AS INTEGER), 400000, 'beta/glm-x',
       4, 8, 12 FROM range(9) t(n)"""
    ledger.conclusions = [*CONCLUSIONS, twice]
    burn = section(build(ledger.publish(tmp_path)), "below_cost").tables[1]
    assert [(row["source"], row["burn_mid"]) for row in burn.rows] == [("market_a", 140)]


def test_a_flag_is_told_as_it_stood_at_the_end_of_the_week(tmp_path: Path) -> None:
    ledger = typed_week()
    events = """INSERT INTO calc.flag_event (flag_id, event, kind, offer, rule_version, probability, sentence, evidence,
        cause, occurred_at) VALUES
        (1, 'opened', 'below_cost', 'beta/glm-x', 1, 0.75, 'at first', '[]', '', TIMESTAMP '2026-07-22 12:00:00'),
        (1, 'kept', 'below_cost', 'beta/glm-x', 1, 0.85, 'in the week', '[]', '', TIMESTAMP '2026-07-24 12:00:00'),
        (1, 'kept', 'below_cost', 'beta/glm-x', 1, 0.91, 'since', '[]', '', TIMESTAMP '2026-08-01 12:00:00')"""
    ledger.conclusions = [*CONCLUSIONS, events]
    report = build(ledger.publish(tmp_path))
    [flag] = section(report, "below_cost").tables[0].rows
    assert (flag["probability"], flag["sentence"]) == (0.85, "in the week")
    flags = section(report, "flags")
    [rate, _] = flags.tables[0].rows
    assert rate == {
        "kind": "below_cost", "opened": 1, "false_opened": 0.25, "standing": 1, "false_standing": pytest.approx(0.15)
    }  # fmt: skip
    assert "opened: 1; closed: 1; standing at the end of the week: 1." in flags.sentences[0]
    assert (
        "If their probabilities are right, 0 of the opened and 0 of the standing ones are false." in flags.sentences[0]
    )
    assert "in conflict), opened: 0; closed: 0; standing: 0." in flags.sentences[1]


def test_burn_adds_up_over_the_days_of_the_week(assessed: Report) -> None:
    burn = section(assessed, "below_cost").tables[1].rows[0]
    assert (burn["days"], burn["tokens"], burn["burn_low"], burn["burn_high"]) == (7, 7_000_000, 70, 210)


def test_a_flags_sentence_stays_text(assessed: Report) -> None:
    page = html_of(assessed, "data")
    assert "<b>more</b>" not in page and "costs &lt;b&gt;more" in page


def test_without_an_assessment_the_sections_say_so(home: Home) -> None:
    report = build(home)
    for section_id in ("index", "floor", "falls", "below_cost", "teasers", "flags", "rents"):
        assert section(report, section_id).sentences[0].startswith("Nothing recorded"), section_id
