"""History out of git: commit times, resumption, corrupt versions, and answers made up of many files."""

import json
from pathlib import Path

import duckdb
import pytest

from scrapers import archive
from scrapers.source import source_module
from tests.git_repository import extend_repository, make_repository, moment_of, price_maps
from tracker.backfill import run as backfill
from tracker.backfill import telling
from tracker.backfill.clones import Blobs, commits_of
from tracker.backfill.git_history import GitHistory, bring_clone, known_histories
from tracker.backfill.run import backfill_git
from tracker.errors import UsageError
from tracker.settings import Home

FILE = "model_prices_and_context_window.json"
COMMITS = 500
CORRUPT, SAME, BESIDE = 200, 300, 400  # a torn file; a commit that touches nothing; one that touches another file
TABLES = (
    "quote_now",
    "quote_past",
    "declaration_now",
    "declaration_past",
    "hold",
    "pass",
    "capture",
    "notice",
    "offer",
)


def history_commits(versions: list[bytes]) -> list[dict[str, bytes | None]]:
    commits: list[dict[str, bytes | None]] = [{FILE: body} for body in versions]
    commits[CORRUPT] = {FILE: versions[CORRUPT][:1000]}
    commits[SAME] = {FILE: versions[SAME - 1]}
    commits[BESIDE] = {"docs/readme.md": b"words"}
    return commits


@pytest.fixture(scope="module")
def versions() -> list[bytes]:
    return price_maps(COMMITS, 40)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, versions: list[bytes]) -> Path:
    return make_repository(tmp_path_factory.mktemp("git") / "litellm", history_commits(versions))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, clone: Path) -> Home:
    """A home into which the whole history was replayed once."""
    home = Home(tmp_path_factory.mktemp("told"))
    backfill_git(home, "litellm_catalogue", clone)
    return home


def ask(home: Home, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.warehouse)) as connection:
        return connection.execute(sql).fetchall()


def content(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Everything stored, but when it was stored."""
    clocks = "recorded_at, ended_recorded_at, superseded_at, duration_ms"
    return {
        name: ask(home, f"SELECT COLUMNS(lambda c: NOT contains('{clocks}', c)) FROM core.{name} ORDER BY ALL")
        for name in TABLES
    }


def test_each_commit_that_changed_the_file_is_a_pass_at_its_time(told: Home) -> None:
    rows = ask(told, "SELECT observed_at, outcome, recorder FROM core.pass ORDER BY observed_at")
    wanted = [moment_of(index) for index in range(COMMITS) if index not in (SAME, BESIDE)]
    assert [row[0] for row in rows] == wanted
    assert {row[2] for row in rows} == {"git"}
    assert [row[0] for row in rows if row[1] != "good"] == [moment_of(CORRUPT)]


def test_commit_time_is_observed_never_effective(told: Home) -> None:
    for table in ("quote_now", "quote_past"):
        query = f"SELECT count(*), count(effective_from), count(effective_until) FROM core.{table}"
        assert ask(told, query)[0][1:] == (0, 0)
    starts = {row[0] for row in ask(told, "SELECT observed_at FROM core.quote_past")}
    assert len(starts) > 50
    assert starts <= {moment_of(index) for index in range(COMMITS)}


def test_prices_are_those_of_the_versions(told: Home, versions: list[bytes]) -> None:
    rows = json.loads(versions[250])
    query = f"""
        SELECT offer, amount FROM (SELECT * FROM core.quote_now UNION ALL BY NAME SELECT * FROM core.quote_past)
        JOIN core.offer USING (offer_id) WHERE component = 'output' AND observed_at <= '{moment_of(250)}'
        AND (ended_at IS NULL OR ended_at > '{moment_of(250)}')
    """
    shown = {str(offer).partition("/")[2]: float(str(amount)) for offer, amount in ask(told, query)}
    held = {
        str(row[0]).partition("/")[2]
        for row in ask(told, "SELECT offer FROM core.hold JOIN core.offer USING (offer_id)")
    }
    for name, row in rows.items():
        if (listed := name.partition("/")[2]) not in held:
            assert shown.pop(listed) == pytest.approx(row["output_cost_per_token"] * 1e6)
    assert set(shown) <= held


def test_a_corrupt_version_is_one_failed_pass(told: Home) -> None:
    [(problem, moment)] = ask(told, "SELECT problem, observed_at FROM core.pass WHERE outcome = 'failed'")
    assert "not JSON" in str(problem)
    assert moment == moment_of(CORRUPT)


def test_a_capture_leads_back_to_its_commit(told: Home, clone: Path) -> None:
    shas = {commit.sha for commit in commits_of(clone, [FILE])}
    for (url,) in ask(told, "SELECT url FROM core.capture"):
        assert str(url).split("/")[6] in shas


def test_unchanged_entries_are_not_read_again(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: list[bytes]
) -> None:
    """Two or three of forty rows move in a commit: only those are parsed, but for the first version and the last."""
    from scrapers.sources import litellm_catalogue

    plain, read = litellm_catalogue._row_records, list[str]()
    monkeypatch.setattr(
        litellm_catalogue,
        "_row_records",
        lambda offer, row, place, seen: (read.append(place), plain(offer, row, place, seen))[1],
    )
    short = make_repository(tmp_path / "short", [{FILE: body} for body in versions[:100]])
    backfill_git(Home(tmp_path / "home"), "litellm_catalogue", short)
    assert 200 <= len(read) <= 2 * 60 + 98 * 4


def test_twice_changes_nothing_and_reads_nothing(told: Home, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(told)
    monkeypatch.setattr(Blobs, "read", lambda *_: pytest.fail("a blob was read again"))
    backfill_git(told, "litellm_catalogue", clone)
    assert content(told) == before


def test_what_was_interrupted_goes_on(told: Home, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, read, keep = Home(tmp_path / "home"), [0], archive.keep

    def failing(folder: Path, body: bytes, durable: bool = True) -> str:
        read[0] += 1
        if read[0] == 301:
            raise KeyboardInterrupt
        return keep(folder, body, durable=durable)

    monkeypatch.setattr(backfill.archive, "keep", failing)
    with pytest.raises(KeyboardInterrupt):
        backfill_git(home, "litellm_catalogue", clone)
    journal = home.root / "journals" / "litellm_catalogue.tsv"
    journal.write_bytes(journal.read_bytes()[:-30])  # the last line is torn: its commit is read again
    backfill_git(home, "litellm_catalogue", clone)
    assert read[0] == 301 + (COMMITS - 2) - 299
    assert content(home) == content(told)


def test_new_commits_go_on_top(tmp_path: Path, versions: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    clone = make_repository(tmp_path / "clone", [{FILE: body} for body in versions[:20]])
    home, asked = Home(tmp_path / "home"), list[str]()
    backfill_git(home, "litellm_catalogue", clone)
    extend_repository(clone, [{FILE: body} for body in versions[20:30]], since=20)
    plain = Blobs.read
    monkeypatch.setattr(Blobs, "read", lambda self, blobs: (asked.extend(blobs), plain(self, blobs))[1])
    backfill_git(home, "litellm_catalogue", clone)
    assert len(asked) == 10
    whole = Home(tmp_path / "whole")
    backfill_git(whole, "litellm_catalogue", clone)
    assert content(home) == content(whole)


class _Forgetful:
    """A memory that never remembers: every version is parsed whole."""

    def __init__(self, _module: object) -> None: ...

    def tell(self, *_: object) -> None:
        return None

    def forget(self, _recorder: str) -> None: ...


def test_pieces_tell_what_whole_parses_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a version whose unit is wrong, a torn one, a doubled key, and models that leave and come back."""
    bodies = []
    for index, body in enumerate(price_maps(60, 40, seed=3)):
        rows = json.loads(body)
        price = 2.5e-3 if index in (20, 21) else 2.5e-6  # outside the anchor: the pass fails and tells nothing
        rows["gpt-4o"] = {"litellm_provider": "openai", "input_cost_per_token": price}
        if 30 < index < 40:
            rows["openai/gpt-4o"] = {"litellm_provider": "openai", "input_cost_per_token": 5e-6}
        if index % 9 < 4:
            rows.pop("groq/author/model-2", None)
        bodies.append(json.dumps(rows, indent=2).encode())
    bodies[45] = bodies[45][:-50]
    bodies[50] = bodies[50].replace(b'"mode": "chat",', b'"mode": "chat", "mode": "chat",', 1)
    bodies[51] = b'{"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 9e-6},' + bodies[51][1:]
    clone = make_repository(tmp_path / "clone", [{FILE: body} for body in bodies])
    pieces, whole = Home(tmp_path / "pieces"), Home(tmp_path / "whole")
    backfill_git(pieces, "litellm_catalogue", clone)
    monkeypatch.setattr(telling, "Memory", _Forgetful)
    backfill_git(whole, "litellm_catalogue", clone)
    for table, rows in content(pieces).items():
        assert rows == content(whole)[table], table
    outcomes = ask(pieces, "SELECT outcome FROM core.pass ORDER BY observed_at")
    assert [index for index, (outcome,) in enumerate(outcomes) if outcome == "failed"] == [20, 21, 45]


def test_a_folder_that_is_no_such_clone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(UsageError, match="git cannot read a history there"):
        backfill_git(home, "litellm_catalogue", tmp_path)
    empty = make_repository(tmp_path / "other", [{"a.txt": b"a"}])
    with pytest.raises(UsageError, match="no commit touches model_prices"):
        backfill_git(home, "litellm_catalogue", empty)
    with pytest.raises(UsageError, match="these do: litellm_catalogue"):
        backfill_git(home, "novita", empty)


def test_a_clone_of_our_own_holds_only_what_is_read(tmp_path: Path, versions: list[bytes]) -> None:
    commits: list[dict[str, bytes | None]] = [{FILE: body, "other.bin": body[::-1]} for body in versions[:5]]
    upstream = make_repository(tmp_path / "upstream", commits)
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        config = (upstream / "config").read_text()
        (upstream / "config").write_text(config + f"[uploadpack]\n\t{setting.split('.')[1]} = true\n")
    history = GitHistory("litellm_catalogue", upstream.as_uri(), (FILE,), "file")
    clone = bring_clone(history, tmp_path / "clones")
    extend_repository(upstream, [{FILE: versions[6]}], since=5)
    assert bring_clone(history, tmp_path / "clones") == clone
    assert len(commits_of(clone, (FILE,))) == 6
    upstream.rename(tmp_path / "gone")  # whatever is read now was fetched before
    with Blobs(clone) as blobs:
        shown = blobs.read([change.blob for commit in commits_of(clone, (FILE,)) for change in commit.changes])
    assert shown == [*versions[:5], versions[6]]


def test_without_a_network_one_line_says_so(tmp_path: Path) -> None:
    history = GitHistory("modelsdev", (tmp_path / "nowhere").as_uri(), ("a",), "file")
    with pytest.raises(Exception, match=r"modelsdev: file://.* cannot be cloned .* --git CLONE$") as caught:
        bring_clone(history, tmp_path / "clones")
    assert "\n" not in str(caught.value)


def test_every_known_history_is_a_source() -> None:
    for source_id, history in known_histories().items():
        assert source_module(source_id).SOURCE.id == source_id
        assert history.repository.startswith("https://github.com/")
        assert history.paths
