"""The first half of a pass: every due source at once, bytes kept before anything reads them, one spool entry each."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from time import perf_counter

from scrapers import archive
from scrapers.fetch import PASS_DEADLINE_S, Fetcher, fetcher
from scrapers.source import Capture, Request, SourceModule, further_requests
from tracker.collect.spool import Spooled
from tracker.errors import FetchError, TrackerError
from tracker.settings import Home
from warehouse.store import utc_now

Report = Callable[[str, str, str], None]  # source id, state (fetching, fetched, stored, failed), detail


def quiet(_source_id: str, _state: str, _detail: str) -> None:
    """No progress wanted."""


async def fetch_all(
    home: Home,
    modules: Sequence[SourceModule],
    report: Report = quiet,
    loopback: bool = False,
    not_before: Mapping[str, datetime] | None = None,
) -> None:
    """Fetch every source at once, each in its own time and failure; results land in the spool.

    `not_before`: no pass is dated earlier, so that a clock set back cannot turn the order of what was seen.
    """
    started = {module.SOURCE.id: utc_now() for module in modules}
    for source_id, floor in (not_before or {}).items():
        if source_id in started:
            started[source_id] = max(floor, started[source_id])
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))  # name look-ups must not queue
    async with fetcher(loopback, _load_validators(home), 0.0 if loopback else 0.5) as client:
        results = await asyncio.gather(
            *(_fetch_one(home, module, client, report, started[module.SOURCE.id]) for module in modules)
        )
    _save_validators(home, [item for found in results for item in found])


Validator = tuple[str, str, str, str]  # url, etag, last-modified, sha256


async def _fetch_one(
    home: Home, module: SourceModule, client: Fetcher, report: Report, observed_at: datetime
) -> list[Validator]:
    source, started = module.SOURCE, perf_counter()
    spooled = Spooled(source.id, observed_at.isoformat())
    validators: list[Validator] = []
    report(source.id, "fetching", "")
    try:
        async with asyncio.timeout(PASS_DEADLINE_S) as deadline:
            waiting = list(source.requests)
            for request in waiting:
                deadline.reschedule(asyncio.get_running_loop().time() + PASS_DEADLINE_S)
                try:
                    capture = await _fetch_request(home, module, client, request, spooled, validators)
                except FetchError as error:
                    if request in source.requests:
                        raise
                    spooled.problem = f"{error} (and perhaps more)"  # one detail page; the others still count
                    continue
                waiting.extend(further_requests(module, capture))
    except TimeoutError:
        spooled.problem, spooled.failed = f"{source.id}: no answer within {PASS_DEADLINE_S:.0f} s", True
    except TrackerError as error:
        spooled.problem, spooled.failed = str(error), True
    except OSError as error:
        spooled.problem, spooled.failed = f"{source.id}: cannot keep what came: {error.strerror or error}", True
    spooled.duration_ms = (perf_counter() - started) * 1000
    try:
        spooled.write(home.spool)
    except OSError as error:  # not acknowledged: the source stays due and is read again
        report(source.id, "failed", f"cannot write in {home.spool}: {error.strerror or error}")
        return []
    report(source.id, "failed" if spooled.failed else "fetched", spooled.problem)
    return validators


async def _fetch_request(
    home: Home, module: SourceModule, client: Fetcher, request: Request, spooled: Spooled, validators: list[Validator]
) -> Capture:
    response = await client.fetch(module.SOURCE, request)
    if response.not_modified:
        sha256 = _load_shas(home)[request.url]
        body = archive.read(home.captures, sha256)
    else:
        body = response.body
        sha256 = archive.keep(home.captures, body)
        if response.etag or response.last_modified:
            validators.append((request.url, response.etag, response.last_modified, sha256))
    spooled.captures.append(
        {
            "url": request.url,
            "label": request.label,
            "media_type": response.media_type,
            "sha256": sha256,
            "bytes": len(body),
        }
    )
    return Capture(
        module.SOURCE.id,
        request.url,
        body,
        datetime.fromisoformat(spooled.observed_at),
        request.label,
        response.media_type,
    )


def _validator_file(home: Home) -> Path:
    return home.root / "validators.json"


def _read_validators(home: Home) -> list[Validator]:
    try:
        return [tuple(item) for item in json.loads(_validator_file(home).read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []


def _load_validators(home: Home) -> dict[str, tuple[str, str]]:
    held = [item for item in _read_validators(home) if archive.path_of(home.captures, item[3]).exists()]
    return {url: (etag, modified) for url, etag, modified, _ in held}


def _load_shas(home: Home) -> dict[str, str]:
    return {url: sha256 for url, _, _, sha256 in _read_validators(home)}


def _save_validators(home: Home, fresh: Sequence[Validator]) -> None:
    if not fresh:
        return
    with contextlib.suppress(OSError):  # they only save work
        merged = {item[0]: item for item in (*_read_validators(home), *fresh)}
        beside = _validator_file(home).with_suffix(".new")
        beside.write_text(json.dumps(list(merged.values())), encoding="utf-8")
        beside.replace(_validator_file(home))
