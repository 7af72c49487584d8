"""One self-contained HTML file about a program, or about the reasons that there is none; it loads nothing.

::

    Program, Spec ──gathering──▶ Page (words, tables, arrays as texts) ──writing──▶ HTML
                                        ▲
    Spec, Explanation ──────────────────┘

Words and tables stand in the HTML itself and need no script; ``assets/`` holds the scripts that draw the charts.
"""

from __future__ import annotations

from snnprog.report.page.gathering import page_of_program, page_of_spec, write_report
from snnprog.report.page.model import Page
from snnprog.report.page.networks import page_of_conversion, page_of_network
from snnprog.report.page.writing import html_of, write_page

__all__ = [
    "Page",
    "html_of",
    "page_of_conversion",
    "page_of_network",
    "page_of_program",
    "page_of_spec",
    "write_page",
    "write_report",
]
