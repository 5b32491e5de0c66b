"""Two plots of the data path."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from measurements import Results, Shape
from servers import Competitor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from svg import COLOURS, WIDTH, document, line, text  # noqa: E402


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
