"""Charts as inline SVG, drawn by Altair without a browser: no script, no request, one picture for light and dark.

Text and axes take the page's own colour (`currentColor`), the background stays clear, ids are made unique to their
chart, so that several can stand in one page. Date axes carry the year.
"""

import html
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import altair as alt

from reports.parts import Chart, Row, Table

Picture: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
WIDTH, HEIGHT = 640, 260
# Told apart without colour vision and on white as on near-black (each at least 3:1 against both).
COLOURS = ["#2f7fc1", "#d0662a", "#2f9468", "#a96bc9", "#b08a1e", "#c4577a", "#5f8a8b", "#8a7a6a"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3], [10, 4], [3, 1]]
_TAG = re.compile(r"<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ID = re.compile(r"\bid=\"([^\"]+)\"")


def drawn(chart_id: str, title: str, text: str, picture: Picture, data: Table) -> Chart:
    """Render a picture and put its words and its data beside it."""
    return Chart(chart_id, title, svg_of(chart_id, picture, text), text, data)


def svg_of(chart_id: str, picture: Picture, text: str) -> str:
    """One picture as inline SVG that scales with the page and is one labelled image to a screen reader."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(_configured(picture).to_dict())
    for count, name in enumerate(dict.fromkeys(_ID.findall(svg)), 1):  # the engine numbers on from the last picture
        own = f"{chart_id}-{count}"
        svg = svg.replace(f'id="{name}"', f'id="{own}"').replace(f"url(#{name})", f"url(#{own})")
    label = html.escape(text, quote=True)
    return _TAG.sub(rf'<svg viewBox="\1" role="img" aria-label="{_literal(label)}">', svg, count=1)


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


INK = "currentColor"
AXIS: dict[str, Any] = {
    "labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": INK, "gridOpacity": 0.15,
    "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
}  # fmt: skip
LEGEND: dict[str, Any] = {
    "labelColor": INK, "orient": "bottom", "columns": 4, "labelFontSize": 12, "labelLimit": 260, "title": None,
}  # fmt: skip


def _configured(picture: Picture) -> Any:
    return (
        picture.configure(font="system-ui, sans-serif", aria=False, background="transparent")
        .configure_axis(**AXIS)
        .configure_legend(**LEGEND, symbolStrokeWidth=3)
        .configure_view(strokeWidth=0)
        .configure_range(category=COLOURS)
    )


def _log(title: str, ticks: int, grid: bool = True) -> dict[str, Any]:
    return {"title": title, "scale": alt.Scale(type="log", nice=True), "axis": alt.Axis(tickCount=ticks, grid=grid)}


def _values(rows: Sequence[Row], *keys: str) -> alt.InlineData:
    def plain(value: object) -> object:
        if value is None or isinstance(value, str | bool | int):
            return value
        return value.isoformat() if hasattr(value, "isoformat") else float(str(value))

    return alt.InlineData(values=[{key: plain(row.get(key)) for key in keys} for row in rows])


def _long(rows: Sequence[Row], when: str) -> bool:
    days = [row[when] for row in rows]
    return bool(days) and (max(days) - min(days)).days > 180


def lines(
    rows: Sequence[Row], when: str, value: str, name: str, title: str, step: bool = False, log: bool = False
) -> alt.Chart:
    """One line per name over time; told apart by colour and dash."""
    names = sorted({str(row[name]) for row in rows})
    scale = alt.Scale(type="log", nice=True) if log else alt.Scale(zero=False, nice=True)
    days = alt.Axis(format="%b %Y" if _long(rows, when) else "%d %b %Y", tickCount=6, labelFlush=True, grid=False)
    picture: alt.Chart = (
        alt.Chart(_values(rows, when, value, name), width=WIDTH, height=HEIGHT)
        .mark_line(interpolate="step-after" if step else "linear", strokeWidth=2, clip=True)
        .encode(
            x=alt.X(f"{when}:T", title=None, axis=days),
            y=alt.Y(f"{value}:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6)),
            color=alt.Color(f"{name}:N", scale=alt.Scale(domain=names, range=COLOURS[: len(names)])),
            strokeDash=alt.StrokeDash(f"{name}:N", scale=alt.Scale(domain=names, range=DASHES[: len(names)])),
        )
    )
    return picture


def dots(rows: Sequence[Row], across: str, up: str, label: str, group: str, titles: tuple[str, str]) -> Picture:
    """Labelled points on two log axes, grouped by colour and shape."""
    base = alt.Chart(_values(rows, across, up, label, group), width=WIDTH, height=HEIGHT + 60).encode(
        x=alt.X(f"{across}:Q", **_log(titles[0], 6, grid=False)), y=alt.Y(f"{up}:Q", **_log(titles[1], 5))
    )
    points = base.mark_point(filled=True, size=55, opacity=0.9).encode(
        color=alt.Color(f"{group}:N"), shape=alt.Shape(f"{group}:N")
    )
    names = base.mark_text(align="left", dx=7, fontSize=10, fill=INK).encode(text=f"{label}:N")
    return alt.layer(points, names)


def ranges(rows: Sequence[Row], name: str, low: str, mid: str, high: str, point: str, title: str) -> Picture:
    """A band per name with its middle, and points over it: prices against what serving must cost."""
    keys = (name, low, mid, high, point)
    names = list(dict.fromkeys(str(row[name]) for row in rows))
    base = alt.Chart(_values(rows, *keys), width=WIDTH - 120, height=max(120, 22 * len(names)))
    y = alt.Y(f"{name}:N", title=None, sort=names, axis=alt.Axis(labelLimit=220))
    x_scale = alt.Scale(type="log", nice=True)
    band = base.mark_bar(opacity=0.3, height=10, color=COLOURS[0]).encode(
        y=y, x=alt.X(f"{low}:Q", title=title, scale=x_scale), x2=f"{high}:Q"
    )
    middle = base.mark_tick(color=COLOURS[0], thickness=2, size=14).encode(y=y, x=alt.X(f"{mid}:Q", scale=x_scale))
    points = base.mark_point(filled=True, color=COLOURS[1], size=45, shape="diamond").encode(
        y=y, x=alt.X(f"{point}:Q", scale=x_scale)
    )
    return alt.layer(band, middle, points)


def bars(rows: Sequence[Row], name: str, value: str, title: str) -> alt.Chart:
    """Plain horizontal bars, in the order given."""
    names = list(dict.fromkeys(str(row[name]) for row in rows))
    picture: alt.Chart = (
        alt.Chart(_values(rows, name, value), width=WIDTH - 120, height=max(80, 22 * len(names)))
        .mark_bar(color=COLOURS[0], height=12)
        .encode(
            y=alt.Y(f"{name}:N", title=None, sort=names, axis=alt.Axis(labelLimit=220)),
            x=alt.X(f"{value}:Q", title=title),
        )
    )
    return picture
