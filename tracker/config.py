"""`tracker.toml` in the home: what to probe, audit, publish (tracker.errands) and whom to tell (tracker.alerts)."""

import tomllib
from typing import Any

from tracker.errors import UsageError
from tracker.settings import Home


def read_config(home: Home) -> dict[str, Any]:
    """tracker.toml, empty when there is none; UsageError names the line that does not parse."""
    try:
        return tomllib.loads(home.config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{home.config}: {error}") from error
