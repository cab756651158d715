"""The shared pure parts under the JSON sources: figures, statuses, providers, LiteLLM's time bands."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapers import litellm_costs
from scrapers.json_text import Figure, as_count, json_body, pointer
from scrapers.litellm_schedule import bands_of
from scrapers.providers import provider_of, spelling, spellings
from scrapers.quoting import Money, before_discount, quoted
from scrapers.sources import portkey
from tests.scrapers.corpus import capture
from tracker.conditions import parse_band
from tracker.errors import ParseError
from tracker.records import COMPONENTS, TIERS, UNITS, Notice, Offer, Quote
from tracker.units import CENTS_PER_TOKEN, PER_MTOK, PER_TOKEN

OFFER = Offer("someone", "a/model")
USD_PER_TOKEN = Money("USD", PER_TOKEN, dynamic=Decimal(-1))


def one(raw: object, money: Money = USD_PER_TOKEN, free: bool = False) -> Quote | Notice | None:
    return next(iter(quoted(OFFER, "input", raw, money, "/x", free=free)), None)


def test_a_number_keeps_the_text_of_the_source() -> None:
    body = json_body(capture("x", b'{"a": 2.50e-06, "b": "0.0000025", "c": 1E400, "d": NaN, "e": true}'))
    assert (body["a"], body["c"], body["d"], body["e"]) == ("2.50e-06", "1E400", "NaN", True)
    assert isinstance(body["a"], Figure) and not isinstance(body["b"], Figure)
    found = one(body["a"])
    assert isinstance(found, Quote) and (found.amount, found.raw) == (Decimal("2.5"), "2.50e-06")


@given(st.decimals(min_value="0.001", max_value="9999", places=4))
def test_the_unit_is_applied_exactly(price: Decimal) -> None:
    """The same price per million tokens, written per token, in cents per token, and per million."""
    per_token = format(price / PER_TOKEN, "f")
    in_cents = format(price / CENTS_PER_TOKEN, "f")
    for raw, factor in ((per_token, PER_TOKEN), (in_cents, CENTS_PER_TOKEN), (str(price), PER_MTOK)):
        found = one(raw, Money("USD", factor))
        assert isinstance(found, Quote) and found.amount == price and found.raw == raw


@given(st.one_of(st.text(max_size=40), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=3))))
def test_a_row_of_any_kind_is_a_quote_a_notice_or_nothing(raw: object) -> None:
    found = one(raw)
    assert found is None or isinstance(found, Quote | Notice)
    if isinstance(found, Quote) and found.amount is not None:
        assert found.amount >= 0


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-0.5", "1e-400", "1e400", "9" * 5000, "", "free", True, ["1"], {}])
def test_what_is_no_price_is_never_a_quote(raw: object) -> None:
    assert not isinstance(one(raw), Quote)


def test_zero_needs_evidence_and_missing_is_nothing() -> None:
    assert one("0").status == "zero_claimed"  # type: ignore[union-attr]
    assert one("0.000", free=True).status == "free"  # type: ignore[union-attr]
    assert one("-1").status == "dynamic"  # type: ignore[union-attr]
    assert one("-1", Money("USD", PER_MTOK)) == Notice("bad_row", "someone/a/model input: a negative price: '-1'", "/x")
    assert one(None) is None


def test_the_list_price_beside_a_discount() -> None:
    quote = one("0.00000003")
    assert isinstance(quote, Quote)
    discounted, listed = before_discount(quote, Decimal("0.9"))
    assert (discounted.basis, discounted.amount) == ("discount", Decimal("0.03"))
    assert (listed.basis, listed.amount) == ("list", Decimal("0.3"))
    assert "0.9" in listed.raw


def test_every_word_in_the_component_tables_is_ours() -> None:
    for table in (litellm_costs, portkey):
        for component, money in table.COSTS.values():
            assert component in COMPONENTS and money.unit in UNITS
        assert set(table.TIERS.values()) <= TIERS


def test_the_provider_table_is_clean() -> None:
    for spelled, provider in spellings().items():
        assert spelled == spelling(spelled)
        assert provider.id == provider.id.lower() and " " not in provider.id and provider.id
        assert provider.kind in ("", "plan", "local")
    assert provider_of("Together AI") == provider_of("together_ai") == provider_of("togetherai")
    assert provider_of("vertex_ai") != provider_of("gemini")
    assert provider_of("a host nobody mapped") is None


def test_pointers_escape_slashes() -> None:
    assert pointer("azure/eu", 3, "a~b") == "/azure~1eu/3/a~0b"
    assert as_count(Figure("1.31072e+06")) == 1310720


WINDOWS = [
    {"hours_utc": "16:30-00:30"},
    {"hours_utc": ["00:30-02:00", "22:00-23:30"]},
    {"hours_utc": "00:00-00:00", "weekdays": ["sat", "Sunday"]},
    {"windows": [{"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]}]},
    {"hours_utc": "14:00-20:00", "weekdays": [5], "weekday_timezone": "Asia/Shanghai"},
    {"hours_utc": "20:00-04:00", "weekdays": [1, 6]},
]


@pytest.mark.parametrize("block", WINDOWS)
def test_off_peak_bands_are_open_when_the_block_says(block: dict[str, object]) -> None:
    """Every half hour of a week, against LiteLLM's rule: the window in UTC, the weekday of the instant."""
    bands = [parse_band(text) for text in bands_of(block)]
    for step in range(7 * 48):
        moment = datetime.fromisoformat("2026-09-07T00:00:00") + timedelta(minutes=30 * step)
        assert any(band.holds_at(moment) for band in bands) == _open(block, moment), (block, moment)


def _open(block: dict[str, object], moment: datetime) -> bool:
    zone = ZoneInfo(str(block.get("weekday_timezone", "UTC")))
    for rule in [block, *block.get("windows", [])]:  # type: ignore[misc]
        hours = rule.get("hours_utc", [])
        for window in [hours] if isinstance(hours, str) else hours:
            start, end = (int(text[:2]) * 60 + int(text[3:]) for text in window.split("-"))
            minute = moment.hour * 60 + moment.minute
            inside = start <= minute < end if start < end else minute >= start or minute < end
            day = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
            words = {str(day.isoweekday()), day.strftime("%a").lower()}
            wanted = {str(word).lower()[:3] for word in rule.get("weekdays", words)}
            if inside and wanted & words:
                return True
    return False


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"hours_utc": "25:00-01:00"},
        {"windows": []},
        {"windows": [{"hours_utc": "00:00-01:00", "weekdays": [0]}]},
        {"hours_utc": "00:00-01:00", "weekdays": [1], "weekday_timezone": "America/New_York"},
        {"hours_utc": "00:00-01:00", "weekdays": [1], "weekday_timezone": "Mars/Base"},
    ],
)
def test_an_off_peak_block_that_is_not_understood_is_loud(block: dict[str, object]) -> None:
    with pytest.raises(ParseError):
        list(bands_of(block))
