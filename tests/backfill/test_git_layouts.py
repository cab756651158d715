"""Answers made up of many files: models.dev's TOML files and llm-prices' vendor files, in a real repository."""

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from scrapers.source import Capture, source_module
from tests.git_repository import make_repository, moment_of
from tests.scrapers.corpus import CORPUS, needs
from tracker.backfill.git_layouts import SYMLINK, ModelFiles, TreeFile, VendorFiles, json_text
from tracker.backfill.run import backfill_git
from tracker.errors import ParseError
from tracker.records import Quote
from tracker.settings import Home

PROVIDER = b'name = "Groq"\nenv = ["GROQ_API_KEY"]\nnpm = "@ai-sdk/groq"\n'


def model(price: str, name: str = "A Model") -> bytes:
    head = f'name = "{name}"\nrelease_date = 2025-06-05\n'
    return (head + f"[cost]\ninput = {price}\noutput = 3\n[limit]\ncontext = 131_072\n").encode()


def tree(**files: bytes) -> ModelFiles:
    found = ModelFiles()
    for path, body in files.items():
        found.change(path, TreeFile("100644", body))
    return found


def small(**more: bytes) -> ModelFiles:
    models = {f"providers/groq/models/author/m-{i}.toml": model(f"0.{i}0") for i in range(1, 4)}
    return tree(**{"providers/groq/provider.toml": PROVIDER}, **models, **more)


def prices(body: bytes) -> dict[str, Quote]:
    capture = Capture("modelsdev", "https://example.org", body, moment_of(0))
    records = source_module("modelsdev").parse(capture)
    return {f"{r.offer} {r.component}": r for r in records if isinstance(r, Quote)}


def test_the_published_shape_with_figures_as_written() -> None:
    body = small().body()
    answer = json.loads(body, parse_float=Decimal)
    assert list(answer["groq"]["models"]) == ["author/m-1", "author/m-2", "author/m-3"]
    assert answer["groq"]["env"] == ["GROQ_API_KEY"]
    assert answer["groq"]["models"]["author/m-1"]["release_date"] == "2025-06-05"
    found = prices(body)["groq/author/m-1 input"]
    assert (found.amount, found.raw) == (Decimal("0.1"), "0.10")
    assert found.locator == "/groq/models/author~1m-1/cost/input"


def test_a_base_model_gives_what_a_seller_leaves_out() -> None:
    found = small(
        **{
            "models/lab/big.toml": model("9") + b"output = 4096\n",
            "providers/groq/models/big.toml": (
                b'base_model = "lab/big"\nbase_model_omit = ["limit.output"]\n[cost]\ninput = 2\n'
            ),
            "providers/groq/models/lost.toml": b'base_model = "lab/missing"\n[cost]\ninput = 1\n',
        }
    )
    rows = json.loads(found.body())["groq"]["models"]
    assert rows["big"]["cost"] == {"input": 2, "output": 3}
    assert rows["big"]["limit"] == {"context": 131072}
    assert "base_model" not in rows["big"]
    assert rows["lost"] == {"cost": {"input": 1}}
    found.change("models/lab/big.toml", TreeFile("100644", model("9").replace(b"output = 3", b"output = 5")))
    assert json.loads(found.body())["groq"]["models"]["big"]["cost"] == {"input": 2, "output": 5}


def test_extends_and_links() -> None:
    found = small(**{"providers/azure/models/m.toml": b'[extends]\nfrom = "groq/author/m-2"\nomit = ["limit"]\n'})
    found.change("providers/xai/models/linked.toml", TreeFile(SYMLINK, b"../../groq/models/author/m-3.toml"))
    answer = json.loads(found.body())
    assert answer["azure"]["models"]["m"]["cost"]["input"] == 0.2
    assert "limit" not in answer["azure"]["models"]["m"]
    assert answer["xai"]["models"]["linked"]["cost"]["input"] == 0.3
    found.change("providers/groq/models/author/m-3.toml", TreeFile("100644", model("7")))
    assert json.loads(found.body())["xai"]["models"]["linked"]["cost"]["input"] == 7


def test_links_in_a_circle_end() -> None:
    found = small()
    found.change("providers/groq/models/a.toml", TreeFile(SYMLINK, b"b.toml"))
    found.change("providers/groq/models/b.toml", TreeFile(SYMLINK, b"a.toml"))
    assert json.loads(found.body())["groq"]["models"]["a"] == {}


def test_a_file_that_goes_takes_its_model_along() -> None:
    found = small()
    found.body()
    found.change("providers/groq/models/author/m-2.toml", None)
    assert list(json.loads(found.body())["groq"]["models"]) == ["author/m-1", "author/m-3"]


def test_a_torn_file_is_named() -> None:
    found = small(**{"providers/groq/models/torn.toml": b"[cost\ninput = "})
    with pytest.raises(ParseError, match=r"providers/groq/models/torn.toml is not TOML"):
        found.body()
    found.change("providers/groq/models/torn.toml", TreeFile("100644", model("1")))
    assert "torn" in json.loads(found.body())["groq"]["models"]


def test_figures_that_json_has_no_word_for() -> None:
    assert json_text({"a": [Decimal("nan"), True, Decimal("1e-7"), 3]}) == '{"a":[null,true,1E-7,3]}'


def test_vendor_files_stay_as_they_are() -> None:
    found = VendorFiles()
    for word in ("openai", "anthropic"):
        text = json.dumps({"vendor": word, "models": [{"id": "m", "price_history": [{"input": 1, "output": 2}]}]})
        found.change(f"data/{word}.json", TreeFile("100644", text.encode()))
    capture = Capture("llm_prices", "https://example.org", found.body(), moment_of(0))
    quotes = [record for record in source_module("llm_prices").parse(capture) if isinstance(record, Quote)]
    assert [(q.offer.provider, q.component, q.locator) for q in quotes][:2] == [
        ("anthropic", "input", "/vendors/0/models/0/price_history/0/input"),
        ("anthropic", "output", "/vendors/0/models/0/price_history/0/output"),
    ]
    found.change("data/xai.json", TreeFile("100644", b"{"))
    with pytest.raises(ParseError, match=r"data/xai.json is not JSON"):
        found.body()


def test_a_repository_of_model_files_is_replayed(tmp_path: Path) -> None:
    models = {f"providers/groq/models/author/m-{i}.toml": model("0.50") for i in range(10)}
    commits: list[dict[str, bytes | None]] = [{"providers/groq/provider.toml": PROVIDER, **models}]
    commits += [{"providers/groq/models/author/m-1.toml": model(f"0.{50 + i}")} for i in range(1, 30)]
    commits[20] = {"providers/groq/models/author/m-2.toml": b"name = "}
    commits[21] = {"providers/groq/models/author/m-2.toml": model("0.50")}
    clone = make_repository(tmp_path / "clone", commits)
    home = Home(tmp_path / "home")
    backfill_git(home, "modelsdev", clone)
    with duckdb.connect(str(home.warehouse)) as connection:
        failed = connection.execute("SELECT observed_at, problem FROM core.pass WHERE outcome <> 'good'").fetchall()
        moves = connection.execute(
            "SELECT observed_at, amount FROM core.quote_past JOIN core.offer USING (offer_id) "
            "WHERE component = 'input' AND listed_name = 'author/m-1' ORDER BY 1"
        ).fetchall()
    assert [row[0] for row in failed] == [moment_of(20)]
    assert "author/m-2.toml is not TOML" in failed[0][1]
    wanted = [i for i in range(30) if i not in (20, 21)][:-1]
    assert moves == [(moment_of(i), Decimal(f"0.{50 + i}")) for i in wanted]


@needs("snapshots/simonw_llm_prices")
def test_recorded_vendor_files_say_what_they_say_alone() -> None:
    found, alone = VendorFiles(), list[tuple[object, ...]]()
    parse = source_module("llm_prices").parse

    def facts(body: bytes) -> list[tuple[object, ...]]:
        records = parse(Capture("llm_prices", "https://example.org", body, moment_of(0)))
        return [(r.offer, r.component, r.amount, r.condition) for r in records if isinstance(r, Quote)]

    for path in sorted((CORPUS / "snapshots/simonw_llm_prices").glob("*.json")):
        found.change(f"data/{path.name}", TreeFile("100644", path.read_bytes()))
        alone += facts(path.read_bytes())
    assert facts(found.body()) == alone
    assert len(alone) > 200
