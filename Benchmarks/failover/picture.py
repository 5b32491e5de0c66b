"""The figures as a picture: how long no write is taken, and how many acknowledged ones are lost."""

import math
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from svg import WIDTH, document, line, text  # noqa: E402

COLOURS = {"redis-replica-kit": "#0092d6", "three Sentinels": "#d55e00"}
LEFT, GAP, BAR = 110, 90, 14


def short(value):
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def count(value):
    return f"{value:.2g}" if 0 < value < 1 else f"{value:.0f}"


def panel(results, left, right, title, values, words, greatest):
    """Bars on a scale of powers of ten; nothing is drawn for 0."""
    parts = [text(left, 66, title, style="small")]
    bottom = 84
    for fault in dict.fromkeys(fault for fault, _ in results):
        for name in COLOURS:
            value = values.get((fault, name))
            if value is not None:
                width = (right - left) * math.log10(1 + value) / math.log10(1 + greatest)
                parts.append(
                    f'<rect x="{left}" y="{bottom}" width="{width:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>')
                parts.append(text(left + width + 5, bottom + BAR - 4, words(value), style="small"))
            bottom += BAR
        bottom += 10
    parts.append(line(left, 78, left, bottom))
    return parts


def draw(results):
    """An SVG of `{(fault, system): [outcomes]}`."""
    outage = {key: statistics.median(one.outage * 1000 for one in found) for key, found in results.items()}
    lost = {key: sum(one.lost for one in found) / len(found) for key, found in results.items()}
    middle = (LEFT + WIDTH) // 2
    title = "Fail-over beside three Sentinels"
    parts = [text(20, 28, title, style="title")]
    for number, (name, colour) in enumerate(COLOURS.items()):
        parts.append(f'<rect x="{330 + 170 * number}" y="17" width="12" height="12" fill="{colour}"/>')
        parts.append(text(348 + 170 * number, 28, name, style="small"))
    parts += panel(
        results, LEFT, middle - GAP, "no write is taken for (median)", outage, short, max(outage.values()))
    parts += panel(
        results, middle, WIDTH - GAP, "acknowledged writes lost (mean of the rounds)", lost, count,
        max(max(lost.values()), 1))
    faults = list(dict.fromkeys(fault for fault, _ in results))
    for number, fault in enumerate(faults):
        parts.append(text(LEFT - 8, 84 + (2 * BAR + 10) * number + BAR + 2, fault, "end", "small"))
    bottom = 84 + (2 * BAR + 10) * len(faults)
    parts.append(text(20, bottom + 18, "The lengths of the bars are on a logarithmic scale.", style="small"))
    return document(bottom + 34, title, parts)
