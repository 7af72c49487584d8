"""The report's page at its largest: how big the file is, and how long a browser takes to draw it.

A recurrent network of 200 neurons runs 10,000 ticks; its own spikes are the target, a few of them changed. The page is
written, opened in a headless Chromium, and drawn: first as a whole, then again by zooming, and for other neurons.
Times are the median of several runs, as `performance.now` in the page tells them.
"""

from __future__ import annotations

import argparse
import runpy
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import networks
import numpy as np
from playwright.sync_api import Page, ViewportSize, sync_playwright
from rich.console import Console

import snnprog as sp
from snnprog.report.page import write_report
from snnprog.report.terminal import print_table
from snnprog.table import Table

INPUTS = 100
CONNECTIVITY = 0.1
RATE = 0.02
WRONG_SHARE = 1e-5
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-component-update", "--disable-sync")
AFTER_PAINT = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "report.py"
PICTURED: ViewportSize = {"width": 1280, "height": 2120}
SIZES: tuple[ViewportSize, ...] = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


def main(words: Sequence[str] | None = None) -> None:
    """Write the page, draw it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neurons", type=int, default=200)
    parser.add_argument("--ticks", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser's command")
    parser.add_argument("--keep", type=Path, help="where to leave the page")
    parser.add_argument("--picture", type=Path, help="take a picture of the example's page instead")
    chosen = parser.parse_args(words)
    if chosen.picture is not None:
        pictured(chosen.picture, chosen.chromium)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.keep or Path(folder) / "page.html"
        seconds, spikes = written(path, chosen.neurons, chosen.ticks)
        rows: list[tuple[str, str]] = [
            ("spikes of all neurons", f"{spikes:,}"),
            ("written in", f"{seconds:.1f} s"),
            ("size", f"{path.stat().st_size / 1e6:.2f} MB"),
            *drawn(path, chosen.chromium, chosen.repeats),
        ]
    title = f"A page of {chosen.neurons} neurons and {chosen.ticks:,} ticks"
    print_table(Console(width=120), Table.plain(title, columns=("what", "measured"), rows=rows))


def pictured(picture: Path, chromium: str) -> None:
    """Take a picture of the page that ``examples/report.py`` writes about a program."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        runpy.run_path(str(EXAMPLE))["main"](Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport=PICTURED, color_scheme="light")
        page.goto((Path(folder) / "program.html").as_uri())
        page.wait_for_selector("html[data-ready=true]")
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


def written(path: Path, neurons: int, ticks: int) -> tuple[float, int]:
    """Write a page; return how long that took, and how many spikes it shows."""
    program = networks.recurrent(INPUTS, neurons, CONNECTIVITY)
    generator = np.random.default_rng(0)
    inputs = generator.random((ticks, INPUTS)) < RATE
    targets = sp.run(program, inputs).spikes.copy()
    spikes = int(targets.sum())
    targets ^= generator.random(targets.shape) < WRONG_SHARE
    start = time.perf_counter()
    write_report(path, program, sp.Spec([sp.Pattern(inputs, targets)]))
    return time.perf_counter() - start, spikes


def drawn(path: Path, chromium: str, repeats: int) -> list[tuple[str, str]]:
    """Return what the browser measured, as (what, median milliseconds)."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for size in SIZES:
            found = [_measured(browser.new_page(viewport=size), path) for _ in range(repeats)]
            for name in found[0]:
                milliseconds = statistics.median(each[name] for each in found)
                rows.append((f"{name}, {size['width']} px wide", f"{milliseconds:,.0f} ms"))
        browser.close()
    return rows


def _measured(page: Page, path: Path) -> dict[str, float]:
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("html[data-ready=true]")
    first = page.evaluate("performance.getEntriesByName('snnprog-first-draw')[0].toJSON()")
    measured = {
        "from opening the file to all drawn": first["startTime"] + first["duration"],
        "of which unpacking and drawing": first["duration"],
        "one zoom": _timed(page, "document.getElementById('zoom-in').click()"),
        "back to all ticks": _timed(page, "document.getElementById('reset').click()"),
        "another neuron": _timed(page, "[...document.querySelectorAll('.choose')].at(-1).click()"),
    }
    page.close()
    return measured


def _timed(page: Page, action: str) -> float:
    elapsed: float = page.evaluate(
        f"async () => {{ const start = performance.now(); {action}; await ({AFTER_PAINT})();"
        " return performance.now() - start; }"
    )
    return elapsed


if __name__ == "__main__":
    main()
