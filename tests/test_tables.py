"""Tables in the width there is: nothing is cut off, numbers stay whole, and colours are for terminals only."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import snnprog as sp
from snnprog.cli.output import INDENT, say
from snnprog.report.divergences import divergence_table
from snnprog.report.layout import GAP, fitted_widths
from snnprog.report.neurons import NeuronRow, print_neurons
from snnprog.report.terminal import MOST_ROWS, print_table
from snnprog.report.trains import trains_table
from snnprog.table import Cell, Column, Table, is_numeric, text_of

COLUMNS = ("output", "status", "margin (LSB)", "what is known of it")
ROWS = [(0, "certified", 40.5, "weights exist; every rounding keeps the spikes"), (11, "NO", 3.0, "none")]

cells = st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), max_size=30)


def printed(width: int, *, is_terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=is_terminal, highlight=False, markup=False)
    print_table(console, Table.plain("Outputs", columns=COLUMNS, rows=ROWS))
    return out.getvalue()


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5), st.integers(10, 120))
def test_a_table_fits_or_is_no_table(lines: list[tuple[str, str, str]], width: int) -> None:
    columns = ("output", "wrong bins", "what")
    widths = fitted_widths(columns, lines, width=width)
    if widths is None:
        return
    assert sum(widths) + GAP * (len(columns) - 1) <= width
    for index, (column, found) in enumerate(zip(columns, widths, strict=True)):
        words = [word for text in (column, *(line[index] for line in lines)) for word in text.split()]
        assert found >= max(map(len, words))
        if is_numeric(index, lines):
            assert found >= max(len(line[index]) for line in lines)


def test_a_table_in_the_width_there_is() -> None:
    assert [line.rstrip() for line in printed(120).splitlines()] == [
        "Outputs",
        "output  status     margin (LSB)  what is known of it",
        "     0  certified          40.5  weights exist; every rounding keeps the spikes",
        "    11  NO                    3  none",
    ]
    assert [line.rstrip() for line in printed(48).splitlines()] == [
        "Outputs",
        "                   margin",
        "output  status      (LSB)  what is known of it",
        "     0  certified    40.5  weights exist; every",
        "                           rounding keeps the",
        "                           spikes",
        "    11  NO              3  none",
    ]


def test_what_no_table_fits_is_printed_row_by_row() -> None:
    assert [line.rstrip() for line in printed(36).splitlines()] == [
        "Outputs",
        "output 0",
        "  status               certified",
        "  margin (LSB)         40.5",
        "  what is known of it  weights",
        "                       exist; every",
        "                       rounding",
        "                       keeps the",
        "                       spikes",
        "output 11",
        "  status               NO",
        "  margin (LSB)         3",
        "  what is known of it  none",
    ]


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" not in printed(120)
    assert "\x1b[32mcertified" in printed(120, is_terminal=True)
    assert "\x1b[1;31mNO" in printed(120, is_terminal=True)


TABLE = Table(
    "Cores",
    (Column("core"), Column("words", "words"), Column("fits", "fits"), Column(None, "format")),
    tuple((index, Cell(1500 + index, f"{1500 + index:,} (3%)"), index > 0, "f") for index in range(MOST_ROWS + 2)),
    totals=(("all", 9.5, None, ""),),
    noun="core",
    notes=("a note",),
)


def test_one_table_is_for_people_and_programs() -> None:
    assert TABLE.headings == ("core", "words", "fits")
    assert TABLE.texts(2) == (("0", "1,500 (3%)", "no"), ("1", "1,501 (3%)", "yes"), ("all", "9.5", "–"))
    assert TABLE.records()[1] == {"words": 1501, "fits": True, "format": "f"}
    assert (TABLE.omission(MOST_ROWS), TABLE.omission(MOST_ROWS + 2)) == ("2 cores not shown", "")


def test_what_is_not_shown_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Console(width=100), TABLE)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2 + MOST_ROWS + 1 + 2
    assert lines[-2:] == ["2 cores not shown; --json lists all", "a note"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (None, "–"),
        (12345, "12,345"),
        (12345.6, "12,346"),
        (0.123456, "0.1235"),
        (float("inf"), "∞"),
        ("\x1b[2J\n\t\u202e", "\\x1b[2J\\n\\t\\u202e"),
        (Cell(1, "a\rb"), "a\\rb"),
    ],
)
def test_texts_of_values(value: object, text: str) -> None:
    assert text_of(value) == text


def neurons(number: int) -> list[NeuronRow]:
    return [
        NeuronRow(
            name=f"output {index}",
            status="certified",
            margin=1.0 + index,
            synapses=1,
            exponent=0,
            threshold=9,
            bias=index,
            portable_for="x",
        )
        for index in range(number)
    ]


def test_what_is_the_same_for_all_neurons_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_neurons(Console(width=100), neurons(2))
    out = capsys.readouterr().out
    assert "2 neurons: 2 certified; least margin 1 LSB" in out
    assert "each: exponent 0, portable for x" in out
    assert out.splitlines()[1].split() == ["neuron", "status", "margin", "(LSB)", "synapses", "threshold", "bias"]


def test_of_many_neurons_the_worst_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = neurons(MOST_ROWS + 10)
    rows[-1] = replace(rows[-1], status="inexact")
    rows[-2] = replace(rows[-2], status="exact")
    print_neurons(Console(width=100), rows)
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split()[1] for line in lines[2:-2]]
    assert shown == [*map(str, range(MOST_ROWS - 2)), str(MOST_ROWS + 8), str(MOST_ROWS + 9)]
    assert lines[-2] == "10 better neurons not shown; --json lists all"


def test_trains(capsys: pytest.CaptureFixture[str]) -> None:
    raster = np.zeros((40, 2), dtype=bool)
    raster[3:22, 1] = True
    print_table(Console(width=100), trains_table([raster], backend="kernel"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["19", "spikes", "in", "1", "pattern,", "on", "kernel"]
    assert lines[2:] == [["0", "0", "0"], ["0", "1", "19", *map(str, range(3, 19)), "and", "3", "more"]]


def test_a_difference_of_states_is_placed(capsys: pytest.CaptureFixture[str]) -> None:
    from snnprog.divergence import Divergence

    print_table(Console(width=100), divergence_table(Divergence("one", "other", 2, 7, "potentials", 3, -5, 4)))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "one differs from other first at",
        "where  pattern 2, tick 7: potential of neuron 3 is 4, expected -5",
    ]


def test_sentences_break_at_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    message = "output 0 must spike at tick 0, but no input has reached it"
    say(message)
    assert capsys.readouterr().err == f"snnprog: {message}\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    say(message)
    lines = click.unstyle(capsys.readouterr().err).splitlines()
    assert max(map(len, lines)) <= 30
    assert all(line.startswith(INDENT) for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == f"snnprog: {message}"


def screen_of(columns: int, *words: str, **variables: str) -> str:
    """Run a command in a terminal of that width and return all that it wrote there."""
    import pty
    import subprocess

    above, below = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **variables}
    process = subprocess.Popen([sys.executable, "-m", "snnprog", *words], stdout=below, stderr=below, env=environment)
    os.close(below)
    written = b""
    try:
        while part := os.read(above, 65536):
            written += part
    except OSError:  # Linux says so where the last one has left
        pass
    os.close(above)
    assert process.wait() == 0
    return written.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_in_a_real_terminal(tmp_path: Path) -> None:
    raster = np.zeros((12, 2), dtype=bool)
    raster[1, 0] = True
    program = sp.compile(sp.Spec([sp.Pattern(raster, raster[:, :1] & False)], delays=range(1, 4))).program
    program.save(tmp_path / "p.snnp")
    coloured = screen_of(60, "inspect", str(tmp_path / "p.snnp"), "--cores")
    assert "\x1b[32mcertified" in coloured
    plain = screen_of(60, "inspect", str(tmp_path / "p.snnp"), "--cores", NO_COLOR="1")
    assert "\x1b[32m" not in plain
    assert max(map(len, click.unstyle(plain).splitlines())) == 60
