"""Charts as inline SVG, drawn by Altair without a browser: no script, no request, one picture for light and dark.

Text and axes take the page's own colour (`currentColor`), the background stays clear, ids are made unique to their
chart, so that several can stand in one page. Date axes carry the year. A kind of picture is built and checked by Altair
once; after that only its rows and names change, which is several times faster for the thousand charts of a site.
"""

import html
import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import altair as alt

from reports.parts import Chart, Row, Table

Spec: TypeAlias = dict[str, Any]
WIDTH, HEIGHT = 640, 260
PADDING = {"left": 40, "right": 12, "top": 5, "bottom": 5}  # the reader's letters are wider than those measured here
LONG = 28  # letters of a name that still fits beside another
# Told apart without colour vision and on white as on near-black (each at least 3:1 against both).
COLOURS = ["#2f7fc1", "#d0662a", "#2f9468", "#a96bc9", "#b08a1e", "#c4577a", "#5f8a8b", "#8a7a6a"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3], [10, 4], [3, 1]]
SHAPES = ["circle", "square", "triangle-up", "cross", "triangle-down"]
INK = "currentColor"
AXIS: Spec = {
    "labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": INK, "gridOpacity": 0.15,
    "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
}  # fmt: skip
LEGEND: Spec = {
    "labelColor": INK, "orient": "bottom", "columns": 2, "labelFontSize": 12, "labelLimit": 320, "title": None,
    "columnPadding": 30,
}  # fmt: skip
ROWS = alt.NamedData(name="rows")
_TAG = re.compile(r"<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_INNER = re.compile(r" (?:role|aria-[a-z]+)=\"[^\"]*\"")  # the picture is one labelled image, its parts are none
_ID = re.compile(r"\bid=\"([^\"]+)\"")


def drawn(chart_id: str, title: str, text: str, spec: Spec, data: Table) -> Chart:
    """Render a picture and put its words and its data beside it."""
    return Chart(chart_id, title, svg_of(chart_id, spec, text), text, data)


def svg_of(chart_id: str, spec: Spec, text: str) -> str:
    """One picture as inline SVG that scales with the page and is one labelled image to a screen reader."""
    import vl_convert

    svg: str = _INNER.sub("", vl_convert.vegalite_to_svg(spec))
    for count, name in enumerate(dict.fromkeys(_ID.findall(svg)), 1):  # the engine numbers on from the last picture
        own = f"{chart_id}-{count}"
        svg = svg.replace(f'id="{name}"', f'id="{own}"').replace(f"url(#{name})", f"url(#{own})")
    label = html.escape(text, quote=True).replace("\\", "\\\\")
    return _TAG.sub(rf'<svg viewBox="\1" role="img" aria-label="{label}">', svg, count=1)


def _built(picture: Any) -> Spec:
    """The picture's checked description, in the house's colours."""
    found: Spec = (
        picture.configure(font="system-ui, sans-serif", aria=False, background="transparent", padding=PADDING)
        .configure_axis(**AXIS)
        .configure_legend(**LEGEND, symbolStrokeWidth=3)
        .configure_view(strokeWidth=0)
        .configure_range(category=COLOURS)
        .to_dict()
    )
    return found


def _filled(spec: Spec, rows: Sequence[Row], keys: dict[str, str], height: int | None = None) -> Spec:
    """A fresh copy with its rows, under the field names the picture was built with."""
    filled = {
        **deepcopy(spec),
        "datasets": {"rows": [{to: _plain(row.get(key)) for to, key in keys.items()} for row in rows]},
    }
    return filled if height is None else {**filled, "height": height}


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"  # UTC, whatever zone the machine that draws is in
    return value.isoformat() if isinstance(value, date) else float(str(value))


def _log(title: str, ticks: int, grid: bool = True) -> Spec:
    return {"title": title, "scale": alt.Scale(type="log", nice=True), "axis": alt.Axis(tickCount=ticks, grid=grid)}


@lru_cache
def _lines(title: str, step: bool, log: bool, dates: str) -> Spec:
    scale = alt.Scale(type="log", nice=True) if log else alt.Scale(zero=False, nice=True)
    days = alt.Axis(format=dates, tickCount=6, labelFlush=True, grid=False)
    picture = alt.Chart(ROWS, width=WIDTH, height=HEIGHT).mark_line(
        interpolate="step-after" if step else "linear", strokeWidth=2, clip=True
    )
    return _built(
        picture.encode(
            x=alt.X("at:T", title=None, axis=days, scale=alt.Scale(type="utc")),
            y=alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6)),
            color=alt.Color("name:N", scale=alt.Scale(domain=[""], range=COLOURS)),
            strokeDash=alt.StrokeDash("name:N", scale=alt.Scale(domain=[""], range=DASHES)),
        )
    )


def lines(
    rows: Sequence[Row], when: str, value: str, name: str, title: str, step: bool = False, log: bool = False
) -> Spec:
    """One line per name over time; told apart by colour and dash."""
    names = sorted({str(row[name]) for row in rows})
    days = [row[when] for row in rows]
    dates = "%Y-%m" if days and (max(days) - min(days)).days > 180 else "%Y-%m-%d"  # of any language
    spec = _filled(_lines(title, step, log, dates), rows, {"at": when, "value": value, "name": name})
    for channel in ("color", "strokeDash"):
        spec["encoding"][channel]["scale"]["domain"] = names
    if any(len(name) > LONG for name in names):  # side by side they would run into each other
        spec["config"]["legend"]["columns"] = 1
    return spec


@lru_cache
def _dots(across: str, up: str) -> Spec:
    base = alt.Chart(ROWS, width=WIDTH, height=HEIGHT + 60).encode(
        x=alt.X("x:Q", **_log(across, 6, grid=False)), y=alt.Y("y:Q", **_log(up, 5))
    )
    points = base.mark_point(filled=True, size=55, opacity=0.9).encode(
        color=alt.Color("group:N"), shape=alt.Shape("group:N")
    )
    names = base.mark_text(align="left", dx=7, fontSize=10, fill=INK).encode(text="label:N")
    return _built(alt.layer(points, names))


def dots(rows: Sequence[Row], across: str, up: str, label: str, group: str, titles: tuple[str, str]) -> Spec:
    """Labelled points on two log axes, grouped by colour and shape."""
    return _filled(_dots(*titles), rows, {"x": across, "y": up, "label": label, "group": group})


@lru_cache
def _ranges(title: str) -> Spec:
    base = alt.Chart(ROWS, width=WIDTH - 160)
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=300))
    axis = _log(title, 6)
    band = base.mark_bar(opacity=0.3, height=12, color=COLOURS[0]).encode(y=y, x=alt.X("low:Q", **axis), x2="high:Q")
    middle = base.mark_tick(color=COLOURS[0], thickness=2, size=16).encode(y=y, x=alt.X("mid:Q", **axis))
    marks = base.mark_point(filled=True, size=28, opacity=0.9).encode(
        y=y, x=alt.X("cost:Q", **axis), color=alt.Color("hardware:N", scale=alt.Scale(domain=[""], range=COLOURS[1:])),
        shape=alt.Shape("hardware:N", scale=alt.Scale(domain=[""], range=SHAPES)),
    )  # fmt: skip
    points = base.mark_point(fill=INK, color=INK, strokeWidth=0, size=34, shape="diamond", opacity=0.85).encode(
        y=y, x=alt.X("point:Q", **axis)
    )
    return _built(alt.layer(band, middle, marks, points))


def ranges(rows: Sequence[Row], title: str) -> Spec:
    """Per `label`: a band (`cost_low` to `cost_high`, `cost_mid`), the `cost` on each `hardware`, prices (`point`)."""
    keys = {
        "name": "label",
        "low": "cost_low",
        "mid": "cost_mid",
        "high": "cost_high",
        "point": "point",
        "cost": "cost",
    }
    height = max(120, 24 * len({str(row["label"]) for row in rows}))
    spec = _filled(_ranges(title), rows, {**keys, "hardware": "hardware"}, height)
    kinds = sorted({str(row["hardware"]) for row in rows if row.get("hardware")})
    for channel in ("color", "shape"):
        spec["layer"][2]["encoding"][channel]["scale"]["domain"] = kinds
    return spec


@lru_cache
def _falls(title: str) -> Spec:
    base = alt.Chart(ROWS, width=WIDTH - 160)
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=300))
    bars = base.mark_bar(height=14, color=COLOURS[2]).encode(y=y, x=alt.X("low:Q", **_log(title, 6)), x2="high:Q")
    ends = base.mark_tick(color=INK, thickness=2, size=18).encode(y=y, x=alt.X("low:Q", **_log(title, 6)))
    names = base.mark_text(align="left", dx=6, fontSize=11, fill=INK).encode(y=y, x="high:Q", text="text:N")
    return _built(alt.layer(bars, ends, names))


def falls(rows: Sequence[Row], title: str) -> Spec:
    """A waterfall from top to bottom: each `cause` takes the cost from `high` to `low`, by its `factor`."""
    told = [{**row, "text": f"×{row['factor']:.2f}" if row["factor"] else f"${row['high']:.3g}"} for row in rows]
    keys = {"name": "cause", "low": "low", "high": "high", "text": "text"}
    return _filled(_falls(title), told, keys, max(120, 26 * len(rows)))
