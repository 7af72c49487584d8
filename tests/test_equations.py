"""The equations of a rule: made from the rule, in the docs and on the report's page."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from latex2mathml.converter import convert
from made_up_chips import KINDS, chip_of

import snnprog as sp
from snnprog.chips import CHIPS
from snnprog.report.page import write_report
from snnprog.rules.equations import LATEX, equations, notes
from snnprog.rules.expressions import NODES

DOCS = Path(__file__).parents[1] / "docs"


def test_every_node_has_a_form() -> None:
    assert set(LATEX) == set(NODES)


def test_the_page_of_rules_is_what_the_rules_say() -> None:
    where = importlib.util.spec_from_file_location("write_rules", DOCS / "write_rules.py")
    assert where is not None
    assert where.loader is not None
    module = importlib.util.module_from_spec(where)
    sys.modules["write_rules"] = module
    where.loader.exec_module(module)
    assert (DOCS / "reference" / "rules.md").read_text(encoding="utf-8") == module.page(), (
        "run python docs/write_rules.py"
    )


def test_every_equation_can_be_shown() -> None:
    for chip in (*CHIPS.values(), *map(chip_of, KINDS)):
        for name, latex in equations(chip.rule):
            assert name
            assert convert(latex).startswith("<math")
        assert notes(chip.rule)


def test_the_report_shows_the_rule_of_its_chip(tmp_path: Path) -> None:
    program = sp.Program.from_arrays(chip="xylo", n_inputs=1, n_neurons=1, pre=0, post=0, weight=10, threshold=9)
    write_report(tmp_path / "page.html", program, inputs=[np.ones((5, 1), dtype=bool)])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<mo>move</mo>" in text or ">move<" in text
    assert "takes at least 1 toward zero" in text
