"""What the plots of all benchmarks share: one SVG file each, without anything from outside. Colours follow the viewer's
light or dark scheme."""

from __future__ import annotations

from html import escape

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
    # Its own background: text and background change together, on any page that shows the plot.
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
