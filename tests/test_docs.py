"""The docs speak of things that exist: commands, views, files, exit codes; and each command shows an example."""

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import tracker.cli
from tracker.settings import Home
from warehouse.history import open_history, publish
from warehouse.store import open_file

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [path for path in ROOT.rglob("README.md") if ".venv" not in path.parts]


def commands() -> list[str]:
    group = typer.main.get_command(tracker.cli.app)
    return sorted(group.commands)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An empty ledger with every view."""
    home = Home(tmp_path_factory.mktemp("docs"))
    with open_file(home.warehouse):
        pass
    publish(home.warehouse, home.history, home.write_lock)
    return home


@pytest.mark.parametrize("name", commands())
def test_every_command_is_in_the_readme_and_shows_an_example(name: str) -> None:
    assert re.search(rf"`{name}\b|tracker {name}\b|, `{name}", README), f"README.md does not mention {name}"
    shown = CliRunner().invoke(tracker.cli.app, [name, "--help"])
    assert shown.exit_code == 0
    if not shown.output.startswith("Usage: root " + name + " [OPTIONS] COMMAND"):
        assert f"Example: tracker {name}" in " ".join(shown.output.split()), f"{name} has no example"


def test_every_view_is_in_the_readme(home: Home) -> None:
    with open_history(home.history) as history:
        views = {str(row["v"]) for row in history.rows("SELECT view_name AS v FROM duckdb_views() WHERE NOT internal")}
    told = set(re.findall(r"`(\w+)(?:\(|`)", README))
    assert views <= told, sorted(views - told)


def test_every_query_of_the_readme_runs(home: Home) -> None:
    queries = [query for block in re.findall(r"```sql\n(.*?)```", README, re.S) for query in block.split(";")]
    queries = [query for query in queries if query.strip()]
    assert len(queries) >= 3
    with open_history(home.history, safe=True) as history:
        for query in queries:
            history.rows(query)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_no_document_names_a_machine_or_a_registry() -> None:
    for document in [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "requirements.lock"]:
        text = document.read_text(encoding="utf-8")
        assert not re.search(r"/work/|/root/|/home/\w|index-url|pypi\.org/simple", text), document
