"""Two plots as SVG, each one file without anything from outside. Colours follow the viewer's light or dark scheme."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from measurements import Results, Shape
from servers import Competitor

WIDTH = 760
# Told apart by people who see colours differently too (Okabe and Ito), and on both backgrounds.
COLOURS = ["#7f8c8d", "#d55e00", "#0092d6", "#009e73", "#b565a7", "#c98a00", "#5b6ee1", "#a0522d"]
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .small { font-size: 12px; }
  .ground { fill: #ffffff; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .pale { opacity: 0.45; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .ground { fill: #0d1117; }
    .grid { stroke: #3d444d; }
  }
"""


def document(height: int, title: str, parts: list[str]) -> str:
    # A ground of its own: text and ground change together, whatever page the plot is shown on.
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>',
        *parts,
        "</svg>", ""])


def text(x: float, y: float, words: str, anchor: str = "start", style: str = "") -> str:
    attributes = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def steps(greatest: float) -> list[float]:
    """Round numbers from 0 to above the greatest value."""
    power = 10 ** math.floor(math.log10(greatest / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * 5 >= greatest)
    return [step * number for number in range(math.ceil(greatest / step) + 1)]


def short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def connections_plot(results: Results, shapes: list[Shape], field: list[Competitor]) -> str | None:
    """Requests a second over the number of connections."""
    points = sorted((shape.connections, shape.name) for shape in shapes if shape.depth == 1 and not shape.idle)
    series = []
    for number, competitor in enumerate(field):
        values = [(count, value) for count, name in points if (value := results.median(name, competitor.label, "rate"))]
        if values:
            series.append((competitor.label, COLOURS[number % len(COLOURS)], values))
    if len(points) < 2 or not series:
        return None
    left, right, top, bottom = 64, WIDTH - 28, 92, 360
    marks = steps(max(value for _, _, values in series for _, value in values))
    widest = math.log(points[-1][0]) or 1

    def x(count: int) -> float:
        return left + (right - left) * math.log(count) / widest

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / marks[-1]

    parts = [text(24, 32, "Requests a second over the number of connections", style="title")]
    for mark in marks:
        parts += [line(left, y(mark), right, y(mark)), text(left - 8, y(mark) + 4, short(mark), "end", "small")]
    for count, _ in points:
        parts.append(text(x(count), bottom + 20, f"{count:,}", "end" if count == points[-1][0] else "middle", "small"))
    room = (right - 24) / len(series)
    for number, (label, colour, values) in enumerate(series):
        path = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in values)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x(count):.1f}" cy="{y(value):.1f}" r="3.5" fill="{colour}"/>' for count, value in values]
        parts.append(f'<rect x="{24 + number * room:.1f}" y="52" width="14" height="14" rx="3" fill="{colour}"/>')
        parts.append(text(44 + number * room, 64, label, style="small"))
    return document(bottom + 40, "Requests a second over the number of connections", parts)


def cpu_plot(results: Results, field: list[Competitor]) -> str | None:
    """CPU a request at 64 connections: the server's, and Redis' beside it."""
    bars = []
    for number, competitor in enumerate(field):
        server = results.median("c64", competitor.label, "server_cpu")
        redis = results.median("c64", competitor.label, "redis_cpu")
        if server is not None and redis is not None:
            bars.append((competitor.label, COLOURS[number % len(COLOURS)], server, redis))
    if not bars:
        return None
    left, right, top, pitch = 150, WIDTH - 110, 60, 36
    bottom = top + pitch * len(bars)
    marks = steps(max(server + redis for _, _, server, redis in bars))

    def x(value: float) -> float:
        return left + (right - left) * value / marks[-1]

    parts = [text(24, 32, "CPU a request at 64 connections, µs: the server's, and Redis' (pale)", style="title")]
    for mark in marks:
        parts += [line(x(mark), top, x(mark), bottom), text(x(mark), bottom + 20, f"{mark:g}", "middle", "small")]
    for number, (label, colour, server, redis) in enumerate(bars):
        y = top + number * pitch + 7
        parts.append(text(left - 10, y + 16, label, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{x(server) - left:.1f}" height="22" fill="{colour}"/>')
        parts.append(
            f'<rect class="pale" x="{x(server):.1f}" y="{y}" width="{x(server + redis) - x(server):.1f}" height="22" '
            f'fill="{colour}"/>')
        parts.append(text(x(server + redis) + 8, y + 16, f"{server:.1f} + {redis:.1f}", style="small"))
    return document(bottom + 40, "CPU a request at 64 connections", parts)


def write_plots(folder: Path, results: Results, shapes: list[Shape], field: list[Competitor]) -> list[Path]:
    """Writes what there are figures for, and says which files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in [
        ("data-path-connections.svg", connections_plot(results, shapes, field)),
        ("data-path-cpu.svg", cpu_plot(results, field)),
    ]:
        if content:
            (folder / name).write_text(content)
            written.append(folder / name)
    return written
