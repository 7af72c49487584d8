"""`snnprog prove`: claims by a table, an expression and options, their verdicts, and what is no claim."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command

import snnprog as sp
from snnprog import cli
from snnprog.cli.prove import prove_command

COUNTER = """
.i 1
.o 1
.r zero
0 zero zero 0
1 zero one 0
0 one one 0
1 one zero 1
"""


@pytest.fixture
def divider(tmp_path: Path) -> Path:
    """Return the program of a neuron that answers every second spike, one tick later."""
    path = tmp_path / "divider.snnp"
    sp.compile(sp.specs.frequency_divider(2)).program.save(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "counter.kiss2"
    path.write_text(COUNTER, encoding="ascii")
    return path


def test_a_table_is_proved(command: Command, divider: Path, table: Path) -> None:
    code, out, _ = command("prove", divider, table)
    assert (code, out) == (cli.EXACT, "Proved for every input stream: all 4 states were explored\n")


def test_a_wrong_latency_is_refuted_with_a_stream(command: Command, divider: Path, table: Path, tmp_path: Path) -> None:
    stream = tmp_path / "stream.csv"
    code, out, _ = command("prove", divider, table, "--latency", 2, "--counterexample", stream)
    assert code == cli.NOT_EXACT
    lines = "tick 0: line 0 (spikes); tick 1: line 0 (spikes)"
    assert f"Refuted at tick 2 of the input stream ({lines}): expected output 0 (divided): silence" in out
    assert stream.read_text(encoding="utf-8").startswith("pattern,tick,neuron,name\n0,0,0,spikes\n")
    (raster,) = sp.read_rasters(stream, ticks=3, neurons=1)
    np.testing.assert_array_equal(raster, [[True], [True], [False]])


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (["--never-together"], "proved"),
        (["--fires-when", "aa"], "refuted"),
        (["--within", "5", "--after", "0"], "refuted"),
    ],
)
def test_other_claims(command: Command, divider: Path, claim: list[str], verdict: str) -> None:
    code, out, _ = command("prove", divider, *claim, "--json")
    found = json.loads(out)
    assert found["verdict"] == verdict
    assert code == (cli.EXACT if verdict == "proved" else cli.NOT_EXACT)
    assert (found["counterexample"] is not None) == (verdict == "refuted")


def test_what_takes_too_many_states_is_undecided(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "line.snnp"
    sp.compile(sp.specs.delay_line(40)).program.save(path)
    code, out, _ = command("prove", path, "--fires-when", f"a{'.' * 39}", "--states", 500)
    assert code == cli.NOT_EXACT
    assert out.startswith("Undecided: true for all streams of up to ")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ([], "Give one claim"),
        (["--never-together", "--fires-when", "a"], "Give one claim"),
        (["--within", "3"], "--within and --after belong together; give both"),
        (["--within", "3", "--after", "1"], "input line must be 0, or a name, got 1"),
        (["--fires-when", "b"], "must stand at 'b'"),
        (["--within", "0", "--after", "0"], "must be an integer from 1"),
        (["--fires-when", "a", "--latency", "1000000000"], "must be an integer from 0 to 10000"),
        (["--never-together", "--depth", "1000000000000"], "must be an integer from 0 to 4096"),
        (["--never-together", "--for-output", "0"], "--for-output belongs to --fires-when"),
        (["--fires-when", "a", "--for-output", "1"], "the output must be 0 for a program with 1 output, got 1"),
    ],
)
def test_what_is_no_claim(command: Command, divider: Path, claim: list[str], message: str) -> None:
    code, _, err = command("prove", divider, *claim)
    assert code == cli.BAD_USAGE
    assert message in err


def test_one_output_of_several(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "line.snnp"
    sp.compile(sp.specs.delay_line([1, 3])).program.save(path)
    code, _, err = command("prove", path, "--fires-when", "a")
    assert code == cli.BAD_USAGE
    assert "--fires-when is about one output, and the program has 2; name it with --for-output." in err
    assert command("prove", path, "--fires-when", "a", "--for-output", 1, "--latency", 3)[0] == cli.EXACT
    assert command("prove", path, "--fires-when", "a", "--for-output", 0, "--latency", 3)[0] == cli.NOT_EXACT


def test_the_default_is_that_of_the_function() -> None:
    default = inspect.signature(sp.prove).parameters["states"].default
    assert next(each.default for each in prove_command.params if each.name == "states") == default


def test_help_keeps_its_lines(command: Command) -> None:
    _, out, _ = command("prove", "--help")
    assert "\b" not in out
    assert "\n  snnprog prove P.snnp --within 3 --after 0\n" in out


def test_a_table_that_is_none(command: Command, divider: Path, table: Path) -> None:
    table.write_bytes("0 zéro a 1".encode())
    code, _, err = command("prove", divider, table)
    assert code == cli.BAD_USAGE
    assert "counter.kiss2 is not a KISS2 table: it must be ASCII text" in err
