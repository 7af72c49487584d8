"""`Page` in, one HTML file out.

Nothing in the file asks for the network, and its content security policy lets nothing: styles and scripts run only if
their digest is the one that stands in the policy. Every text is escaped; the data block is JSON without ``<``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from snnprog.output_files import write_bytes
from snnprog.report.page.bundling import bundle, read_asset
from snnprog.report.page.model import Page
from snnprog.table import is_numeric

STYLES = ("page.css", "charts.css")
SCRIPT, LIVE_SCRIPT = "start.js", "live.js"
FOLDED_FROM = 12  # rows: a longer table than fits beside its neighbours on a screen is folded
MOST_ROWS = 200  # of tables other than that of the neurons, on which the charts rely
TEMPLATE = "page.html"
NO_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_page(path: Path, page: Page) -> None:
    """Write a page, atomically; equal pages are equal bytes.

    Raises
    ------
    FormatError
        If the file cannot be written.
    """
    write_bytes(path, html_of(page).encode("utf-8"))


def html_of(page: Page, *, is_live: bool = False) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    is_live : bool
        Whether it is served, and shown again when it changes (see `snnprog.cli.serving`); for a file, it is not.
    """
    from jinja2 import Environment, StrictUndefined  # where a page is written, and nowhere else

    style, script = "".join(map(read_asset, STYLES)), bundle(SCRIPT)
    if is_live:
        script += f"(() => {{\n{read_asset(LIVE_SCRIPT)}}})();\n"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(read_asset(TEMPLATE)).render(
        page=page,
        style=style,
        script=script,
        policy=_policy(style, script, is_live=is_live),
        folded_from=FOLDED_FROM,
        most_rows=MOST_ROWS,
        is_numeric=is_numeric,
        data=json.dumps(page.charts, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(NO_MARKUP),
    )


def _policy(style: str, script: str, *, is_live: bool) -> str:
    reached = " connect-src 'self';" if is_live else ""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:;{reached}"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
