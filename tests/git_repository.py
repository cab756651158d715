"""Git repositories made in one stroke with `git fast-import`: what a source that keeps itself in git looks like."""

import json
import random
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
STEP = timedelta(hours=7)


def moment_of(index: int) -> datetime:
    """When commit `index` was made, as the ledger writes it."""
    return (START + index * STEP).replace(tzinfo=None)


def make_repository(folder: Path, commits: Iterable[Mapping[str, bytes | None]]) -> Path:
    """A bare repository; each commit is what it changed: path -> bytes, or None where the file goes."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    extend_repository(folder, commits)
    return folder


def extend_repository(folder: Path, commits: Iterable[Mapping[str, bytes | None]], since: int = 0) -> None:
    """More commits on the same branch; `since` is how many it has."""
    process = subprocess.Popen(["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert process.stdin
    for index, changes in enumerate(commits, since):
        seconds = int((START + index * STEP).timestamp())
        head = f"commit refs/heads/main\ncommitter A Keeper <keeper@example.org> {seconds} +0000\ndata 4\nstep\n"
        follows = "from refs/heads/main^0\n" if since and index == since else ""
        process.stdin.write((head + follows).encode())
        for path, body in changes.items():
            if body is None:
                process.stdin.write(f"D {path}\n".encode())
            else:
                process.stdin.write(f"M 100644 inline {path}\ndata {len(body)}\n".encode() + body + b"\n")
        process.stdin.write(b"\n")
    process.stdin.close()
    assert process.wait() == 0


def price_maps(versions: int, models: int, seed: int = 7) -> list[bytes]:
    """Versions of a price map in LiteLLM's layout: each moves a price or two, some add or drop a model."""
    dice = random.Random(seed)
    words = ("together_ai", "deepinfra", "groq", "fireworks_ai")
    rows = {f"{words[i % 4]}/author/model-{i}": _price_row(words[i % 4], 1 + i % 90, i) for i in range(models)}
    found = []
    for version in range(versions):
        for name in dice.sample(sorted(rows), 2):
            price = 1 + dice.randrange(90)
            rows[name] = _price_row(str(rows[name]["litellm_provider"]), price, version)
        if version % 10 == 3:
            rows[f"groq/author/fresh-{version}"] = _price_row("groq", 3, version)
        if version % 10 == 8:
            rows.pop(dice.choice(sorted(rows)))
        found.append(json.dumps(rows, indent=4).encode())
    return found


def _price_row(word: str, price: int, salt: int) -> dict[str, object]:
    return {
        "input_cost_per_token": price / 10_000_000,
        "output_cost_per_token": price * 3 / 10_000_000,
        "cache_read_input_token_cost": price / 100_000_000,
        "litellm_provider": word,
        "max_input_tokens": 131072,
        "max_output_tokens": 16384,
        "mode": "chat",
        "source": f"https://example.org/models/{salt}?words=that+make+an+entry+as+long+as+a+real+one",
        "supports_function_calling": True,
        "supports_parallel_function_calling": True,
        "supports_response_schema": True,
        "supports_tool_choice": True,
        "supports_vision": False,
    }
