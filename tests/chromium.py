"""A headless Chromium for tests: the system's, found by its command, never downloaded; and how a page is looked at."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "chrome")
COMMAND_VARIABLE = "SNNPROG_CHROMIUM"
REQUIRE_VARIABLE = "SNNPROG_REQUIRE_CHROMIUM"
FLAGS = (
    "--no-sandbox",  # it may run as root, and is shown nothing but pages that were made here
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

LEFT = 56  # px of a wide chart before its first tick


def chromium_command() -> str | None:
    """Return the browser's path, or None where there is none."""
    named = os.environ.get(COMMAND_VARIABLE)
    return named or next((found for name in COMMANDS if (found := shutil.which(name))), None)


def is_required() -> bool:
    """Return whether tests that need a browser must not be skipped."""
    return bool(os.environ.get(REQUIRE_VARIABLE))


def pixels(page: Page, canvas: str, colour: str) -> int:
    """Return how many pixels of a canvas have a colour of the page's."""
    found: int = page.evaluate(
        """([id, name]) => {
            const canvas = document.getElementById(id);
            const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
            probe.fillRect(0, 0, 1, 1);
            const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
            Object.assign(probe.canvas, { width: canvas.width, height: canvas.height });
            probe.drawImage(canvas, 0, 0);
            const { data } = probe.getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255) count++;
            return count;
        }""",
        [canvas, f"--{colour}"],
    )
    return found


def settled(page: Page) -> None:
    """Wait until what was asked for is painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def violations(page: Page, **options: bool) -> list[tuple[str, list[str]]]:
    """Return what axe finds on a page: rules, and the elements that break them.

    Of the elements that keep a rule, axe describes one and not all, which takes half the time.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def span(page: Page) -> str:
    return page.locator("#span").inner_text()


def tip(page: Page, chart: str) -> str:
    return page.locator(f"#{chart}-chart .tip").inner_text()


def tick_x(box: dict[str, float], tick: float, ticks: int) -> float:
    """Return where a wide chart that shows so many ticks has one of them."""
    return LEFT + (tick + 0.5) * (box["width"] - LEFT - 10) / ticks


def in_view(locator: Locator) -> dict[str, float]:
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    assert box is not None
    return {side: box[side] for side in ("x", "y", "width", "height")}
