"""How long a weekly report takes on a large ledger, and the site of 1,500 models: beside the limits they are held to.

The ledger is made here: 1 M price versions of 5,000 offers over two years and 10 M measurements, written into the real
tables, read through the real views. Each run is a process of its own, so that its peak memory is its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tracker.settings import Home
from warehouse.history import publish
from warehouse.store import open_file

WEEK = "2026-W30"
README = Path(__file__).parent.parent / "reports" / "README.md"
START, NOW = "2024-08-01", "2026-07-26 12:00:00"
OFFERS = """
INSERT INTO core.offer SELECT 1000000 + i, format('seller-{}/model-{}', i % 80, i // 4), format('seller-{}', i % 80),
       format('model-{}', i // 4), 'standard', '', '' FROM range(?) t(i)
"""
MODELS = """
INSERT INTO calc.offer_model
SELECT offer_id, format('maker/model-{}', (offer_id - 1000000) // 4 % ?), NULL FROM core.offer
"""
# Each price holds for its share of two years; the last one stands.
VERSIONS = """
CREATE TEMP TABLE version AS
WITH n AS (SELECT ? AS per_price), price AS (
    SELECT offer_id, c.component, c.base FROM core.offer, (VALUES ('input', 1.0), ('output', 4.0)) c(component, base)
)
SELECT row_number() OVER () AS version_id, p.offer_id, p.component,
       CAST(p.base * (0.5 + (hash(p.offer_id, p.component, k) % 1000) / 1000.0) AS DECIMAL(24, 9)) AS amount,
       TIMESTAMP '{start}'
           + to_seconds(CAST(63158400 * (k + (hash(p.offer_id, k) % 100) / 200.0) / n.per_price AS BIGINT)) AS began,
       k, k = n.per_price - 1 AS last
FROM price p, n, range(n.per_price) t(k)
"""
NOW_ROWS = """
INSERT INTO core.quote_now (version_id, source_id, offer_id, component, basis, min_prompt_tokens, hours, amount,
    currency, unit, status, priority, raw, locator, capture_id, pass_id, recorder, observed_at, recorded_at, misses)
SELECT version_id, 'market', offer_id, component, 'list', 0, '', amount, 'USD', 'mtok', 'known', 0, '', '', 1, 1, '',
       began, began, 0 FROM version WHERE last
"""
PAST_ROWS = """
INSERT INTO core.quote_past (version_id, source_id, offer_id, component, basis, min_prompt_tokens, hours, amount,
    currency, unit, status, priority, raw, locator, capture_id, pass_id, recorder, observed_at, recorded_at, ended_at,
    ended_recorded_at, end_reason, valid_from, valid_to)
SELECT version_id, 'market', offer_id, component, 'list', 0, '', amount, 'USD', 'mtok', 'known', 0, '', '', 1, 1, '',
       began, began, ended, ended, 'changed', began, ended
FROM (SELECT *, lead(began) OVER (PARTITION BY offer_id, component ORDER BY k) AS ended FROM version) WHERE NOT last
"""
METRICS = """
INSERT INTO core.metric
SELECT 'market', 1000000 + i % ?, CASE i // ? % 2 WHEN 0 THEN 'throughput_tok_s' ELSE 'ttft_ms' END, 'p50', '30m',
       20 + hash(i) % 200, NULL, m.seen, m.seen, 1, 1, NULL
FROM (SELECT i, TIMESTAMP '{now}' - to_seconds(CAST(i * 63072000.0 / ? AS BIGINT)) AS seen FROM range(?) t(i)) m
"""
REFERENCE = """
INSERT INTO ref.source
VALUES ('market', 'Market', 'market', 'router', 'USD', 'USD', 24, '', 'made', '', '', '', '', true, 2);
INSERT INTO core.capture VALUES (1, 'market', '', 'https://example.org/', '', '', 'ab', 1, TIMESTAMP '{start}');
INSERT INTO core.pass SELECT 1000 + i, 'market', '', TIMESTAMP '{now}' - to_days(CAST(i AS INTEGER)), TIMESTAMP '{now}',
       'good', 10000, 1, 1, 0, 0, 0, '', '', 1.0, [1] FROM range(731) t(i);
"""


def build(home: Home, offers: int, models: int, versions: int, metrics: int) -> None:
    """A published ledger of the given size."""
    home.root.mkdir()
    with open_file(home.warehouse) as connection:
        connection.execute(REFERENCE.format(start=START, now=NOW))
        connection.execute(OFFERS, [offers])
        connection.execute(MODELS, [models])
        connection.execute(VERSIONS.format(start=START), [versions // (2 * offers)])
        connection.execute(NOW_ROWS)
        connection.execute(PAST_ROWS)
        if metrics:
            connection.execute(METRICS.format(now=NOW), [offers, offers, metrics, metrics])
    publish(home.warehouse, home.history, home.write_lock)


def timed(*command: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds with children, and peak memory in MB of a process of its own."""
    script = [sys.executable, "-m", "bench.report", "--child", *command]
    before = time.monotonic()
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    cpu, memory = done.stdout.split()[-2:]
    return time.monotonic() - before, float(cpu), float(memory)


def child(command: list[str]) -> None:
    """One measured run: `report HOME` or `site HOME DIR`."""
    from reports.site import write_site
    from reports.weekly import write_report

    home = Home(Path(command[1]))
    if command[0] == "report":
        write_report(home, WEEK)
    else:
        write_site(home, Path(command[2]))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(sum(one.ru_utime + one.ru_stime for one in used), used[0].ru_maxrss / 1024)


def counted(home: Home) -> str:
    with duckdb.connect(str(home.history), read_only=True) as connection:
        wanted = ("price_history", "metrics", "(SELECT DISTINCT model_id FROM offers)")
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in wanted]
    versions, metrics, models = counts
    return f"{versions:,} versions, {metrics:,} metrics, {models:,} models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs="+")
    parser.add_argument("--only", choices=("report", "site"))
    parser.add_argument("--write", action="store_true", help="refresh the table in reports/README.md")
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        if chosen.only != "site":
            large = Home(Path(folder) / "large")
            build(large, 5_000, 1_250, 1_000_000, 10_000_000)
            lines.append((f"a week on {counted(large)}", *timed("report", str(large.root)), "20 s, 1,024 MB"))
        if chosen.only != "report":
            wide = Home(Path(folder) / "wide")
            build(wide, 6_000, 1_500, 60_000, 0)
            timed("report", str(wide.root))
            first = timed("site", str(wide.root), str(Path(folder) / "site"))
            lines.append((f"the site of {counted(wide)}", *first, "120 s"))
            again = timed("site", str(wide.root), str(Path(folder) / "site"))
            lines.append(("the same site again, nothing changed", *again, ""))
    table = "| what | wall s | CPU s | peak MB | limit (wall) |\n| --- | ---: | ---: | ---: | --- |\n"
    for name, seconds, cpu, megabytes, limit in lines:
        table += f"| {name} | {seconds:.1f} | {cpu:.1f} | {megabytes:.0f} | {limit} |\n"
    cores = len(os.sched_getaffinity(0))
    load = f"{cores} cores shared with other work: load average {os.getloadavg()[0]:.0f} at the end. Of the site's time"
    load += " nearly all is drawing, in as many processes as there are cores"
    print(f"{table}\n{load}")
    if chosen.write:
        text = README.read_text()
        head, tail = text.split("<!-- bench:report -->")[0], text.split("<!-- /bench:report -->")[1]
        README.write_text(f"{head}<!-- bench:report -->\n{table}\n({load}.)\n<!-- /bench:report -->{tail}")


if __name__ == "__main__":
    main()
