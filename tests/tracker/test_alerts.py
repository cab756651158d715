"""Alerts to a real HTTP endpoint: wanted events once, in digests, outside quiet hours, again when undelivered."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from tests.reports.ledgers import MONDAY, Typed, price
from tracker.alerts import send_alerts, subscriptions
from tracker.cli import app
from tracker.errors import TrackerError, UsageError
from tracker.events import events_since
from tracker.records import Declaration, Limit, Offer
from tracker.settings import Home
from warehouse.history import open_history, publish
from warehouse.ledger import append_pass
from warehouse.passes import PassFacts
from warehouse.store import open_file

pytestmark = pytest.mark.filterwarnings("ignore:.*imghdr.*:DeprecationWarning")  # apprise still imports it

NOON = MONDAY + timedelta(days=3, hours=12)
CHEAP, OTHER = Offer("host", "cheap"), Offer("lab", "other")
TOKEN = "hunter2-very-secret"


@dataclass
class Mailbox:
    port: int = 0
    code: int = 200
    got: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/{TOKEN}"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if box.code == 200:
                box.got.append(json.loads(body)["message"])
            self.send_response(box.code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield box
    server.shutdown()
    server.server_close()
    thread.join()


def ledger(root: Path, days: int = 3) -> Home:
    """Day 1: `cheap` is cut by half and rises and is cut again; day 2: `other` rises by 5 %."""
    typed = Typed(models={CHEAP: "qwen/qwen3-32b", OTHER: "z/other"})
    typed.daily([0], price(CHEAP, "1", "2") + price(OTHER, "1", "1"))
    for hour, amount in ((0, "0.5"), (3, "1"), (6, "0.5")):
        at = MONDAY + timedelta(days=1, hours=hour)
        typed.show(at, price(CHEAP, amount, str(2 * float(amount))) + price(OTHER, "1", "1"))
    if days > 2:
        typed.daily([2], price(CHEAP, "0.5", "1") + price(OTHER, "1.05", "1"))
    return typed.publish(root)


def configure(home: Home, *entries: str) -> None:
    home.config.write_text("".join(f"[[alerts]]\n{entry}\n" for entry in entries))


def test_an_event_is_told_once_and_a_flickering_price_once_a_day(tmp_path: Path, mailbox: Mailbox) -> None:
    home = ledger(tmp_path)
    configure(home, f'to = ["{mailbox.address}"]\nkinds = ["cut", "rise"]\nmodels = ["qwen/*"]\nmin_change = 0.10')
    assert len(send_alerts(home, now=NOON)) == 1
    [text] = mailbox.got
    assert text.count("cut: host/cheap") == 1 and text.count("rise: host/cheap") == 1
    assert "input 1.0 -> 0.5 USD" in text and "other" not in text
    assert send_alerts(home, now=NOON + timedelta(days=1)) == []
    assert len(mailbox.got) == 1


def test_a_first_pass_tells_no_history_and_what_is_announced_says_from_when(tmp_path: Path) -> None:
    typed = Typed(models={CHEAP: "qwen/qwen3-32b"})
    past, soon = (MONDAY + timedelta(days=days) for days in (-200, 30))
    steps = [("4", "4", None), ("2", "2", past), ("3", "3", soon)]
    typed.daily(
        [0, 1],
        [
            replace(quote, condition=replace(quote.condition, effective_from=at))
            for read, written, at in steps
            for quote in price(CHEAP, read, written)
        ],
    )
    with open_history(typed.publish(tmp_path).history) as history:
        found = [(event.kind, event.text) for event in events_since(history, MONDAY - timedelta(days=14))]
        known = {row["kind"] for row in history.rows("SELECT kind FROM price_changes")}
    assert {"cut", "rise"} <= known
    assert [kind for kind, _ in found] == ["rise"] and found[0][1].endswith(f"USD, from {soon:%Y-%m-%d}")


def test_patterns_and_the_smallest_change_decide_what_is_heard(tmp_path: Path, mailbox: Mailbox) -> None:
    home = ledger(tmp_path)
    configure(
        home,
        f'to = ["{mailbox.address}?a=1"]\nkinds = ["rise"]\nmodels = ["lab/*"]\nmin_change = 0.10',
        f'to = ["{mailbox.address}?a=2"]\nkinds = ["rise"]\nmodels = ["lab/*"]\nmin_change = 0.01',
        f'to = ["{mailbox.address}?a=3"]\nkinds = ["rise"]\nmodels = ["lab/*"]\nmin_change = 0.01',
    )
    send_alerts(home, now=NOON)
    assert len(mailbox.got) == 2, "two addresses with the same wishes are two"
    assert all("lab/other" in text and "cheap" not in text for text in mailbox.got)


def test_quiet_hours_hold_back_and_a_digest_gathers(tmp_path: Path, mailbox: Mailbox) -> None:
    home = ledger(tmp_path, days=2)
    configure(
        home,
        f'to = ["{mailbox.address}"]\nkinds = ["cut", "rise"]\nquiet = "22:00-07:00 Europe/Berlin"\ndigest_hours = 24',
    )
    night = datetime.fromisoformat("2026-07-22T21:30")  # 23:30 in Berlin
    assert send_alerts(home, now=night) == [] and not mailbox.got
    morning = datetime.fromisoformat("2026-07-23T05:00")
    assert len(send_alerts(home, now=morning)) == 1
    (tmp_path / "warehouse.duckdb").unlink()
    ledger(tmp_path)  # one more day is known
    assert send_alerts(home, now=morning + timedelta(hours=10)) == [], "the digest is not due"
    assert len(send_alerts(home, now=morning + timedelta(hours=24))) == 1
    assert "lab/other" in mailbox.got[1] and "cheap" not in mailbox.got[1]
    assert _may_send_after_the_clock_went_back(home)


def _may_send_after_the_clock_went_back(home: Home) -> bool:
    path = home.root / "alerts.json"
    kept = json.loads(path.read_text())
    kept["told"] = {}
    path.write_text(json.dumps(kept))
    return len(send_alerts(home, now=NOON)) == 1


def test_a_dry_run_sends_and_notes_nothing(tmp_path: Path, mailbox: Mailbox) -> None:
    home = ledger(tmp_path)
    configure(home, f'to = ["{mailbox.address}"]')
    [line] = send_alerts(home, dry_run=True, now=NOON)
    assert line.startswith("3 events to json://...:") and TOKEN not in line
    assert not mailbox.got and not (tmp_path / "alerts.json").exists() and not (tmp_path / "events.jsonl").exists()


def test_what_could_not_be_delivered_is_tried_again_and_stops_nobody(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = ledger(tmp_path)
    down = Mailbox(port=1)
    monkeypatch.setenv("TEAM_WEBHOOK", down.address)
    configure(home, f'to = ["env:TEAM_WEBHOOK", "env:NOT_SET", "{mailbox.address}"]\nkinds = ["cut"]')
    for _ in range(2):
        with pytest.raises(TrackerError) as raised:
            send_alerts(home, now=NOON)
    assert "env:TEAM_WEBHOOK could not be delivered" in str(raised.value)
    assert "not usable: env:NOT_SET" in str(raised.value)
    assert len(mailbox.got) == 1, "the address that works was told, once"
    monkeypatch.setenv("TEAM_WEBHOOK", mailbox.address)
    monkeypatch.setenv("NOT_SET", mailbox.address)
    assert len(send_alerts(home, now=NOON)) == 2
    mailbox.code = 500
    (tmp_path / "alerts.json").unlink()
    with pytest.raises(TrackerError):
        send_alerts(home, now=NOON)
    mailbox.code = 200
    assert len(send_alerts(home, now=NOON)) == 3
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file() and path != home.config)
    told = "".join(capfd.readouterr()) + str(raised.value)
    assert TOKEN.encode() not in written and TOKEN not in told


def test_the_same_events_stand_in_a_log_and_a_feed(tmp_path: Path) -> None:
    home = ledger(tmp_path)
    send_alerts(home, now=NOON)
    send_alerts(home, now=NOON)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ids = [line["id"] for line in lines]
    assert len(set(ids)) == len(ids) == 3 and "price/host/cheap/2026-07-21/cut" in ids
    feed = ElementTree.parse(tmp_path / "events.atom").getroot()
    atom = "{http://www.w3.org/2005/Atom}"
    found = [entry.findtext(f"{atom}id") for entry in feed.iter(f"{atom}entry")]
    assert found == [f"urn:inference-price-tracker:event:{name}" for name in reversed(ids)]
    assert all(line["evidence"].isdigit() for line in lines)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('to = ["json://x"]\nkind = ["cut"]', "unknown word 'kind'"),
        ('to = ["json://x"]\nkinds = ["cuts"]', "unknown kind 'cuts'"),
        ('to = "json://x"', "to in [[alerts]] is a list"),
        ('to = ["json://x"]\nquiet = "late"', "not a time band: 'late'"),
        ('to = ["json://x"]\nmin_change = "much"', "could not convert"),
        ("to = [", "tracker.toml"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(entry: str, words: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    configure(home, entry)
    with pytest.raises(UsageError) as raised:
        subscriptions(home)
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_precision_limits_flags_and_broken_sources_are_events(tmp_path: Path) -> None:
    typed = Typed(models={CHEAP: "qwen/qwen3-32b"})
    typed.kinds["market_b"] = "market"
    for day, precision, requests in ((0, "bf16", "60"), (1, "fp8", "20"), (2, "fp8", "40")):
        limit = Limit("host", "cheap", "free", "requests", "minute", Decimal(requests))
        said = [*price(CHEAP, "1", "2"), Declaration(CHEAP, "precision", precision), limit]
        typed.daily([day], said)
    typed.daily([0], price(OTHER, "1", "1"), source="market_b")
    home = typed.publish(tmp_path)
    with open_file(home.warehouse) as connection:
        for day in (1, 2):
            at = MONDAY + timedelta(days=day, hours=13)
            append_pass(connection, PassFacts("market_b", "", at, at, outcome="failed", problem="HTTP 500"))
        connection.execute(
            "INSERT INTO calc.flag (flag_id, kind, offer, model_id, sentence, opened_at) VALUES (7, 'below_cost', "
            "'host/cheap', 'qwen/qwen3-32b', 'Sold below every cost.', ?)",
            [MONDAY + timedelta(days=1)],
        )
    publish(home.warehouse, home.history, home.write_lock)
    send_alerts(home, now=NOON)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = {line["kind"]: (line["subject"], line["text"]) for line in lines}
    assert told == {
        "precision": ("host/cheap", "precision bf16 -> fp8"),
        "limit_cut": ("host/cheap", "free requests/minute 60.0 -> 20.0"),
        "flag": ("host/cheap", "below_cost: Sold below every cost."),
        "broken": ("market_b", "no good pass for more than a day: HTTP 500"),
    }
    assert next(line["change"] for line in lines if line["kind"] == "limit_cut") == pytest.approx(-2 / 3)
    ran = CliRunner().invoke(app, ["alerts", "--dry-run", "--home", str(tmp_path)])
    assert ran.exit_code == 0 and ran.output.strip() == "nothing to tell"
