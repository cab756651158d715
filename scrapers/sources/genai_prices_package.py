"""genai-prices as installed with the tracker: its Python data module, read as text and never imported.

The module is one list of constructor calls with literal arguments; the syntax tree is turned into the same objects the
project publishes as JSON. USD per million tokens.
"""

import ast
from collections.abc import Iterator
from typing import Any

from scrapers.genai_prices_format import records_of
from scrapers.json_text import Figure, as_list, json_body
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Record

SOURCE = Source(
    id="genai_prices_package",
    title="genai-prices as installed (embedded default)",
    kind="bundled",
    requests=(Request("pkg:genai_prices/data.py"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=300,
    terms="MIT licence, cite pydantic/genai-prices",
    proof="recorded",
    proof_url="https://pypi.org/project/genai-prices/",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3-5-sonnet", "output", "10", "20"),
    ),
    copies=("*", "genai_prices"),
    notice="as fresh as the installed package",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every provider's models with their dated, tiered and time-banded prices; recordings hold the list as JSON."""
    if capture.body.lstrip().startswith(b"["):
        yield from records_of(as_list(json_body(capture)))
        return
    try:
        module = ast.parse(capture.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ParseError(f"{capture.source_id}: not a Python module ({type(error).__name__})") from error
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign | ast.Assign) and "providers" in _targets(statement):
            providers = _value(statement.value)
            if isinstance(providers, list):
                yield from records_of(providers)
                return
    raise ParseError(f"{capture.source_id}: no list named `providers` in the module")


def _targets(statement: ast.AnnAssign | ast.Assign) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _value(node: ast.expr | None) -> Any:
    """Literals as they are, `Decimal("1.5")` as its text, dates as ISO text, any other call as an object."""
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {str(_value(key)): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    return None


def _call(node: ast.Call) -> Any:
    name = ast.unparse(node.func)
    if name == "Decimal":
        return Figure(_value(node.args[0])) if node.args else None
    if name in ("datetime.date", "datetime.time"):
        return _moment(name, [str(_value(argument)) for argument in node.args])
    return {word.arg: _value(word.value) for word in node.keywords if word.arg and word.arg not in LEFT_OUT}


def _moment(name: str, parts: list[str]) -> str:
    if name == "datetime.date":
        return "-".join(part.zfill(2) for part in parts)
    return ":".join(part.zfill(2) for part in parts[:2]) + "Z"  # the module writes every time with tzinfo=UTC


def _constant(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    return Figure(value) if isinstance(value, int | float) else str(value)


LEFT_OUT = frozenset(("match", "model_match", "provider_match", "extractors", "description", "tzinfo"))
