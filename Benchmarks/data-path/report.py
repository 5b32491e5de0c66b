"""The tables of the page, and the conditions they were measured under."""

from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from measurements import MANY, Results, Shape
from processes import BenchError
from servers import PLAIN_PATH, Competitor

BEGIN = "<!-- figures -->"
END = "<!-- end of figures -->"
NONE = "–"


# Numbers for people.


def duration(microseconds: float | None) -> str:
    if microseconds is None:
        return NONE
    value = microseconds / 1000
    if value < 1:
        return f"{microseconds:.0f} µs"
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def bytes_text(count: float | None) -> str:
    return NONE if count is None else f"{count / 1e6:.1f} MB"


def micros(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f} µs"


def rate(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    return [row(*header), row(*["---"] * len(header)), *(row(*cells) for cells in rows)]


# Conditions.


def output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except OSError:
        return ""


def package_version(package: str) -> str:
    # 0.1.9+dfsg-1.1 → 0.1.9
    return re.split(r"[+-]", output_of("dpkg-query", "-W", "-f", "${Version}", package))[0] or "of unknown version"


@dataclass
class Conditions:
    commit: str
    date: str
    kernel: str
    processor: str
    cores: int
    redis: str
    webdis: str
    wrk: str
    compiler: str
    rounds: int
    seconds: int
    plain_path: str
    load_before: float
    load_after: float = 0.0

    @staticmethod
    def now(root: Path, rounds: int, seconds: int, plain_path: str) -> Conditions:
        model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        redis = re.search(r"v=([0-9.]+)", output_of("redis-server", "--version"))
        return Conditions(
            commit=output_of("git", "-C", str(root), "describe", "--always", "--dirty") or "unknown",
            date=datetime.date.today().isoformat(),
            kernel=platform.release().split("-")[0],
            processor=f"{platform.machine()}{f' ({model[1].strip()})' if model else ''}",
            cores=os.cpu_count() or 1,
            redis=redis[1] if redis else "of unknown version",
            webdis=package_version("webdis"), wrk=package_version("wrk"),
            compiler=output_of("cc", "--version").split("\n")[0],
            rounds=rounds, seconds=seconds, plain_path=plain_path, load_before=os.getloadavg()[0])

    def finish(self) -> None:
        self.load_after = os.getloadavg()[0]

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def lines(self) -> list[str]:
        lines = [
            f"Commit {self.commit}, {self.date}. Linux {self.kernel} on {self.processor}, {self.cores} cores;",
            f"Redis {self.redis}, webdis {self.webdis}, wrk {self.wrk}, {self.compiler}; load average "
            f"{self.load_before:.2f} before and {self.load_after:.2f} at the end.",
            f"{self.rounds} rounds of {self.seconds} s each, taking turns; medians over the rounds.",
        ]
        if self.plain_path != PLAIN_PATH:
            lines.append(f"**plain is `{self.plain_path}` in this run.**")
        return lines


# The ratios that are aimed at.


@dataclass(frozen=True)
class Ratio:
    text: str
    shape: str
    name: str  # of a Measurement
    above: str  # kinds of competitors
    below: str
    limit: float
    at_least: bool

    def aim(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


RATIOS = [
    Ratio("plain, CPU of the server, of the floor's", "c64", "server_cpu", "plain", "floor", 1.6, False),
    Ratio("plain, CPU of server and Redis, of webdis'", "c64", "total_cpu", "plain", "webdis", 0.5, False),
    Ratio("plain, requests/s, of webdis'", "c64", "rate", "plain", "webdis", 1.6, True),
    Ratio("plain, p99, of webdis'", "c64", "p99", "plain", "webdis", 0.6, False),
    Ratio("/get, requests/s, of plain's", "c64", "rate", "get", "plain", 0.85, True),
    Ratio("plain, requests/s, 16 at a time, of webdis'", "pipeline", "rate", "plain", "webdis", 2.5, True),
]
IDLE_LIMIT = 120e6


def find(field: list[Competitor], kind: str, build: str) -> Competitor | None:
    return next((one for one in field if one.kind == kind and one.build in ("", build)), None)


def builds(field: list[Competitor]) -> list[str]:
    return list(dict.fromkeys(one.build for one in field if one.build))


def spread(values: list[float]) -> str:
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}–{max(values):.2f})"


def verdict(is_met: bool) -> str:
    return "yes" if is_met else "no"


def ratio_rows(results: Results, shapes: list[Shape], field: list[Competitor], build: str) -> list[list[str]]:
    rows = []
    names = {shape.name for shape in shapes}
    for ratio in (ratio for ratio in RATIOS if ratio.shape in names):
        above, below = find(field, ratio.above, build), find(field, ratio.below, build)
        values = results.ratios(ratio.shape, ratio.name, above.label, below.label) if above and below else []
        if values:
            met = verdict(ratio.is_met(statistics.median(values)))
            rows.append([ratio.text, spread(values), ratio.aim(), met])
        else:
            rows.append([ratio.text, "not measured", ratio.aim(), "no"])
    idle = find(field, "plain", build) or find(field, "get", build)
    if idle and (measured := results.of("idle", idle.label)):
        errors = sum(one.error_count for one in measured)
        rows.append([f"{idle.kind}, errors beside {MANY:,} idle connections", str(errors), "0", verdict(errors == 0)])
        rss = results.median("idle", idle.label, "rss")
        if rss is not None:
            rows.append([
                f"{idle.kind}, memory with {MANY:,} idle connections", bytes_text(rss), f"≤ {bytes_text(IDLE_LIMIT)}",
                verdict(rss <= IDLE_LIMIT)])
    return rows


def build_rows(results: Results, shapes: list[Shape], field: list[Competitor]) -> list[list[str]]:
    """Each further build beside the first one."""
    first, *others = builds(field)
    rows = []
    for other in others:
        for kind in ("plain", "get", "set"):
            above = next((one for one in field if one.kind == kind and one.build == other), None)
            below = next((one for one in field if one.kind == kind and one.build == first), None)
            for shape in shapes:
                if above and below and results.of(shape.name, above.label) and results.of(shape.name, below.label):
                    ratios = [
                        results.ratios(shape.name, name, above.label, below.label)
                        for name in ("rate", "p99", "server_cpu", "redis_cpu", "rss")]
                    rows.append([shape.title, f"{above.label} of {below.label}"]
                                + [spread(values) if values else NONE for values in ratios])
    return rows


def shape_rows(results: Results, shape: Shape, field: list[Competitor]) -> list[list[str]]:
    rows = []
    for competitor in field:
        measured = results.of(shape.name, competitor.label)
        if not measured:
            continue

        def median(name: str, label: str = competitor.label) -> float | None:
            return results.median(shape.name, label, name)

        errors: dict[str, int] = {}
        for one in measured:
            for kind, count in one.errors.items():
                errors[kind] = errors.get(kind, 0) + count
        cells = [
            competitor.label, rate(median("rate")), duration(median("p50")), duration(median("p99")),
            micros(median("server_cpu")), micros(median("redis_cpu")), bytes_text(median("rss")),
            ", ".join(f"{kind} {count:,}" for kind, count in errors.items()) or "0"]
        if shape.depth > 1:
            # wrk says nothing useful about the latency of a batch.
            del cells[2:4]
            tried = [one.in_order for one in measured if one.in_order]
            good, total = sum(pair[0] for pair in tried), sum(pair[1] for pair in tried)
            cells.append(NONE if not total else "yes" if good == total else f"no ({good} of {total} batches)")
        rows.append(cells)
    return rows


def tables(results: Results, shapes: list[Shape], field: list[Competitor], conditions: Conditions) -> str:
    """Everything between the marks."""
    lines = conditions.lines()
    if results.failures:
        lines += ["", "Not measured:", "", *(f"- {' '.join(failure.split())}" for failure in results.failures)]
    for build in builds(field):
        if rows := ratio_rows(results, shapes, field, build):
            title = "Ratios" if len(builds(field)) == 1 else f"Ratios of {build}"
            lines += ["", f"### {title}", "", "Each is the median of the rounds' ratios; least and greatest in brackets."]
            lines += ["", *table(["ratio", "measured", "aim", "met"], rows)]
    if len(builds(field)) > 1 and (rows := build_rows(results, shapes, field)):
        lines += ["", "### Builds beside each other", ""]
        lines += table(["load", "builds", "requests/s", "p99", "server CPU", "Redis CPU", "memory"], rows)
    for shape in shapes:
        header = ["what", "requests/s", "p50", "p99", "server CPU a request", "Redis CPU a request", "memory", "errors"]
        if shape.depth > 1:
            header = [*header[:2], *header[4:], "in order"]
        lines += ["", f"### {shape.title}", "", *table(header, shape_rows(results, shape, field))]
    return "\n".join(lines) + "\n"


def update_page(page: Path, text: str, plots: list[Path]) -> None:
    """Replaces what is between the marks; a page without them is not ours to write into."""
    page.parent.mkdir(parents=True, exist_ok=True)
    old = page.read_text() if page.exists() else f"# The data path\n\n{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        raise BenchError(f"{page} has no lines '{BEGIN}' and '{END}' to put the figures between")
    before, after = old.split(BEGIN, 1)[0], old.split(END, 1)[1]
    images = "".join(f"![{plot.stem.replace('-', ' ')}]({plot.name})\n\n" for plot in plots)
    page.write_text(f"{before}{BEGIN}\n{images}{text}{END}{after}")
