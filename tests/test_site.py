"""The documentation's site: it builds without a warning, fits narrow screens, is found by search, and passes axe.

The build runs the tutorials as notebooks and the scripts of the gallery; an error in one of them ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from chromium import settled, violations

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install '.[docs]', on Python 3.11 or later")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

ROOT = Path(__file__).resolve().parents[1]
# One page of each kind.
PAGES = (
    "index",
    "installation",
    "tutorials/index",
    "tutorials/hidden_network",
    "how-to/streams",
    "reference/cli",
    "reference/rules",
    "reference/api/estimators",
    "explanation/idea",
    "_gallery/index",
    "_gallery/plot_weights",
    "glossary",
    "search",
)
NARROW, WIDE = 390, 1280  # px of a phone and of a laptop
LOOKS: tuple[tuple[Scheme, int], ...] = (("light", WIDE), ("dark", NARROW))


def built() -> Path:
    """Build the site as ``make docs`` does, and return its folder; what ``make docs`` has just built is not rebuilt."""
    environment, site = {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT / "docs" / "_build" / "html"
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(ROOT / "docs"), str(site)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(site, ignore_errors=True)  # the next build must find the same warnings
    assert done.returncode == 0, done.stderr
    return site


def opened(browser: Browser, site: Path, *, scheme: Scheme, width: int) -> Iterator[tuple[str, Page]]:
    """Yield each page and its name; a request to anywhere else fails, as the browser is offline."""
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        settled(page)
        yield name, page
    context.close()


def troubles(name: str, page: Page) -> list[str]:
    """Return what is wrong with the look of a page."""
    too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    found = violations(page, preload=False)  # styles in files cannot be fetched again
    return [f"{name}: {each}" for each in (*(["scrolls sideways"] if too_wide else []), *found)]


def pictures(page: Path) -> int:
    """Return how many pictures a page has."""
    return len(re.findall("<img ", page.read_text(encoding="utf-8")))


def found_by_search(browser: Browser, site: Path, word: str) -> list[str]:
    """Return the links that the search of the site finds."""
    page = browser.new_page(offline=True)
    page.goto(f"{(site / 'search.html').as_uri()}?q={word}")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    links = [str(link.get_attribute("href")) for link in page.locator("#search-results li a").all()]
    page.close()
    return links


def test_the_site(request: pytest.FixtureRequest) -> None:
    """One test, so that the site is built once on any number of workers; it is built without a browser, too."""
    site = built()
    tutorials = [site / "tutorials" / f"{page.stem}.html" for page in (ROOT / "docs" / "tutorials").glob("*.md")]
    assert {page.stem for page in tutorials if pictures(page) < 3} == {"index"}
    scripts = [site / "_gallery" / f"{script.stem}.html" for script in (ROOT / "docs" / "gallery").glob("plot_*.py")]
    assert [(page.stem, pictures(page)) for page in scripts] == [(page.stem, 1) for page in scripts]
    browser = request.getfixturevalue("browser")
    assert [
        trouble
        for scheme, width in LOOKS
        for name, page in opened(browser, site, scheme=scheme, width=width)
        for trouble in troubles(name, page)
    ] == []
    assert any("glossary" in link for link in found_by_search(browser, site, "undecided"))
