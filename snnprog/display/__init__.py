"""Representations of values: a short text in a session, a card with small pictures in a notebook.

Decisions
---------
- A class describes itself, beside its data: `snnprog.display.card.Displayed` makes ``repr`` of its ``_summary``, and
  what a notebook shows of its ``_card``. So nothing here knows any class, and no class knows the report.
- A picture is inline SVG of bounded size, whatever the size of the value: bins are merged, rows are thinned out, and
  its caption says so. Neither scripts nor fonts nor images are fetched. Every text is escaped.
- Cards have no theme of their own. Text and background are the notebook's, marks have colours that stand out on white
  and on black alike, so that they are readable in any light or dark theme, and when the theme changes later.
"""
