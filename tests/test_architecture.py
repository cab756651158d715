"""Who may import whom, as one table; and the house's limits on the size of its rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tracker", "scrapers", "warehouse", "reports")
WORDS = ("tracker.records", "tracker.units", "tracker.errors", "tracker.conditions")
PURE = (*WORDS, "numpy", "scipy")

# prefix of the importing module -> (may import of ours and of the outside, never); the longest prefix decides
RULES: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...]]] = {
    "tracker.records": (WORDS, ()),
    "tracker.units": (WORDS, ()),
    "tracker.conditions": (WORDS, ()),
    "tracker.errors": ((), ()),
    "scrapers.sources": (None, ("httpx", "duckdb", "warehouse", "reports", "tracker.collect", "time", "random")),
    "tracker.cost": ((*PURE, "tracker.cost"), ("httpx", "duckdb")),
    "tracker.flags": ((*PURE, "tracker.flags"), ("httpx", "duckdb")),
    "tracker.market": ((*PURE, "tracker.market"), ("httpx", "duckdb")),
    "tracker.audit": ((*PURE, "tracker.audit"), ("httpx", "duckdb")),
    # the five that do the asking
    **{f"tracker.audit.{name}": (None, ("httpx", "duckdb")) for name in ("ask", "live_border", "desk", "run", "watch")},
    **{
        f"tracker.probe.{name}": ((*PURE, "tracker.probe"), ("httpx", "duckdb", "asyncio", "socket"))
        for name in ("messages", "dialects", "wire", "told", "reply", "outcome", "measure", "signs", "plan")
    },
    "warehouse": (None, ("tracker.cost", "tracker.flags", "scrapers", "reports", "httpx")),
    "reports": (None, ("tracker.cost", "tracker.flags", "scrapers", "httpx")),
    "scrapers": (None, ("duckdb", "warehouse", "reports")),
    "tracker": (None, ()),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, path


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def under(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("name,path", [pytest.param(name, path, id=name) for name, path in modules()])
def test_a_module_imports_only_what_its_layer_may(name: str, path: Path) -> None:
    prefix = max((rule for rule in RULES if under(name, (rule,))), key=len)
    allowed, never = RULES[prefix]
    used = imports(path)
    assert not [item for item in used if under(item, never)]
    if allowed is not None:
        ours = {item for item in used if under(item, PACKAGES)}
        assert not [
            item for item in ours if not under(item, allowed) and not any(a.startswith(item + ".") for a in allowed)
        ]
        assert not [item for item in used if item.split(".")[0] in ("httpx", "duckdb", "pyarrow", "bs4")]


def test_sources_do_not_import_each_other() -> None:
    for name, path in modules():
        if name.startswith("scrapers.sources."):
            assert not [item for item in imports(path) if under(item, ("scrapers.sources",))], name


def test_daemon_and_cli_are_imported_by_nobody() -> None:
    for name, path in modules():
        if not under(name, ("tracker.cli", "tracker.commands", "tracker.__main__")):
            assert not [item for item in imports(path) if under(item, ("tracker.cli", "tracker.daemon"))], name


def test_no_room_is_too_large() -> None:
    too_long = []
    for name, path in modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 500:
            too_long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > 50:
                    too_long.append(f"{name}.{node.name}: {length} lines")
    assert not too_long


def test_every_module_says_what_it_is() -> None:
    for name, path in modules():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{name} has no docstring"
