"""`tracker sources --check` as a maintainer runs it on the first day with a network, over servers of our own.

Real sources and their saved pages, each moved to a loopback server: pages as stored, pages with other prices, and the
ways in which a page can have gone. Only the addresses and the leave to ask loopback differ from the real thing.
"""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scrapers.source import Request, source_module
from tests.scrapers.golden_pages import PAGES
from tests.shop import Shop, open_shop
from tracker.cli import app
from tracker.collect.fetching import fetch_all
from tracker.collect.run import collect
from tracker.settings import Home

SHOWN = {  # source: its saved page
    "baseten": "baseten.json",
    "deepseek_pricing": "deepseek_pricing.html",
    "groq_limits": "groq_limits.md",
    "minimax_pricing": "minimax_pricing.md",
    "mistral_pricing": "mistral_pricing.html",
    "moonshot_pricing": "moonshot_pricing.md",
    "novita": "novita.json",
    "runpod": "runpod.json",
    "xai_pricing": "xai_pricing.md",
}


@dataclass
class Web:
    """The pages of SHOWN on two servers, and the sources that read them there."""

    shops: tuple[Shop, Shop]
    modules: dict[str, Any]

    def shop(self, source_id: str) -> Shop:
        return self.shops[list(SHOWN).index(source_id) % 2]

    def edit(self, source_id: str, old: str, new: str) -> None:
        """Show a source's page with other words."""
        page = (PAGES / SHOWN[source_id]).read_text(encoding="utf-8")
        assert old in page
        self.shop(source_id).put(source_id, page.replace(old, new).encode())

    def declare(self, source_id: str, **changes: Any) -> None:
        """Change what a source says of itself."""
        self.modules[source_id].SOURCE = replace(self.modules[source_id].SOURCE, **changes)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with open_shop() as first, open_shop() as second:
        web = Web((first, second), {})
        for source_id, page in SHOWN.items():
            module, shop = source_module(source_id), web.shop(source_id)
            web.modules[source_id] = SimpleNamespace(SOURCE=module.SOURCE, parse=module.parse)
            request = Request(shop.url(source_id), label=module.SOURCE.requests[0].label)
            web.declare(source_id, requests=(request,), min_rows=1, key_required=False)  # a saved page is short
            shop.put(source_id, (PAGES / page).read_bytes())
        for place in ("tracker.collect.run", "tracker.collect.survey", "tracker.reference"):
            monkeypatch.setattr(f"{place}.source_modules", lambda: web.modules)
        monkeypatch.setattr("tracker.collect.run.source_module", web.modules.__getitem__)
        monkeypatch.setattr(
            "tracker.collect.survey.fetch_all",
            lambda home, modules, report, _: fetch_all(home, modules, report, loopback=True),
        )
        yield web


def check(home: Home, *words: str) -> tuple[Result, dict[str, dict[str, str]]]:
    """The command's answer, and its table as {source: {column: cell}}."""
    told = CliRunner().invoke(app, ["sources", "--check", "--home", str(home.root), *words])
    lines = [line for line in told.stdout.splitlines() if re.search(r"\S {2,}\S", line)]
    if not lines:
        return told, {}
    ends = [(match[0], match.start(), match.end()) for match in re.finditer(r"\S+", lines[0])]
    rows = {}
    for line in lines[1:]:
        cells = list(re.finditer(r"\S+(?: \S+)*", line))
        under = {
            name: cell[0]
            for name, start, end in ends
            for cell in cells
            if cell.start() == start or cell.end() == end or (cell.start() < end and start < cell.end())
        }
        rows[under["source"]] = under
    return told, rows


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_pages_as_stored_say_so_and_nothing_else(home: Home, web: Web) -> None:
    collect(home, loopback=True)
    told, rows = check(home)
    assert told.exit_code == 0, told.output
    assert set(rows) == set(SHOWN)
    for source_id, row in rows.items():
        assert row["proof"] == web.modules[source_id].SOURCE.proof
        assert row["stored"] == row["same"] and not {"changed", "new", "gone", "remark"} & set(row), row
    assert told.stdout.splitlines()[-1] == "9 pages read, 0 of them unlike what is stored; 0 failed"


def test_what_moved_on_each_page_and_what_went_wrong_on_others(home: Home, web: Web) -> None:
    collect(home, loopback=True)
    before = home.history.read_bytes()
    web.edit("baseten", '"0.00000348"', '"0.000003"')
    web.edit("novita", "deepseek/deepseek-v3.1", "deepseek/deepseek-v3.2")
    web.edit("xai_pricing", "1M tokens", "1K tokens")
    web.shops[0].put("login", b"<html><title>Sign in</title><form><input name=user></form></html>")
    web.shop("mistral_pricing").status("mistral_pricing", 302, Location=web.shops[0].url("login"))
    web.shop("moonshot_pricing").status("moonshot_pricing", 302, Location="http://10.0.0.7/admin")
    web.shop("runpod").status("runpod", 503)
    web.declare("minimax_pricing", requests=(Request(f"http://127.0.0.1:{closed_port()}/gone"),))
    web.declare("groq_limits", key_required=True, key_env="NO_SUCH_KEY")

    told, rows = check(home)
    assert told.exit_code == 3, told.output
    assert rows["deepseek_pricing"]["same"] == rows["deepseek_pricing"]["stored"]
    assert rows["baseten"]["changed"] == "1" and "new" not in rows["baseten"]
    assert rows["baseten"]["remark"] == "baseten/deepseek-ai/DeepSeek-V4-Pro output: 3.48 USD -> 3 USD"
    assert (rows["novita"]["new"], rows["novita"]["gone"]) == ("3", "3")  # two prices and a declaration
    failures = {
        "minimax_pricing": "ConnectError",
        "mistral_pricing": "unit or currency unproven",
        "moonshot_pricing": "refuses the private address 10.0.0.7",
        "runpod": "HTTP 503",
        "xai_pricing": "no price could be read",
    }
    assert {name for name, row in rows.items() if row["page"] == "failed"} == set(failures)
    for source_id, why in failures.items():
        assert why in rows[source_id]["remark"] and int(rows[source_id]["stored"]) > 0
        assert not {"same", "gone"} & set(rows[source_id])
    assert (rows["groq_limits"]["page"], rows["groq_limits"]["remark"]) == ("not asked", "set NO_SUCH_KEY to check it")
    summary = "3 pages read, 2 of them unlike what is stored; 5 failed; 1 not asked for want of a key"
    assert told.stdout.splitlines()[-1] == summary
    assert home.history.read_bytes() == before and not list(home.spool.glob("*.json"))


def test_before_the_first_pass_every_row_is_new(home: Home, web: Web) -> None:
    told, rows = check(home, "--kind", "limits")
    assert told.exit_code == 0 and set(rows) == {"groq_limits"}
    assert rows["groq_limits"]["page"] == f"{rows['groq_limits']['new']} rows"
    assert not home.history.exists()


def test_when_no_page_can_be_read_the_exit_code_is_one(home: Home, web: Web) -> None:
    for source_id in SHOWN:
        web.shop(source_id).status(source_id, 404)
    told, rows = check(home)
    assert told.exit_code == 1 and {row["page"] for row in rows.values()} == {"failed"}


def test_a_kind_that_does_not_exist_is_named(home: Home) -> None:
    told, _ = check(home, "--kind", "sellers")
    assert "no kind 'sellers'" in str(told.exception) and "seller" in str(told.exception)
