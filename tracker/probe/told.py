"""The limits an answer states: rate-limit headers, and the quotas a 429 names in its body. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from tracker.probe.wire import Exchange, WireError, body_of

QUOTA_BYTES = 64 * 1024
KEPT_HEADERS = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit", "retry-after", "x-tracker-sandbox")


def told_limits(exchange: Exchange) -> dict[str, str]:
    """Rate-limit headers, and of a 429's body the quotas it names (Gemini), each as `quota:<quotaId>` in JSON."""
    if exchange.head is None:
        return {}
    told = {name: value for name, value in exchange.head.headers.items() if name.startswith(KEPT_HEADERS)}
    if exchange.head.status == 429:
        told |= {f"quota:{each['quotaId']}": json.dumps(each, sort_keys=True) for each in _quotas(exchange)[:8]}
    return told


def _quotas(exchange: Exchange) -> list[dict[str, Any]]:
    """`error.details[].violations[]` with the fields that say which limit; none where the body has another shape."""
    assert exchange.head
    try:
        body = json.loads(b"".join(data for _, data in body_of(exchange.head, exchange.pieces)[0])[:QUOTA_BYTES])
        errors = [each["error"] for each in (body if isinstance(body, list) else [body])]
        found = [each for error in errors for detail in error["details"] for each in detail.get("violations", ())]
        return [_quota(each) for each in found if each.get("quotaId")]
    except (WireError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return []


def _quota(violation: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: str(violation.get(name, ""))[:100] for name in ("quotaId", "quotaMetric", "quotaValue")}
    model = (violation.get("quotaDimensions") or {}).get("model", "")
    return plain | {"quotaDimensions": {"model": str(model)[:100]}}
