"""``snnprog link``: a system in a file, its refusals, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command

import snnprog as sp
from snnprog import cli
from snnprog.linking.system_file import load_system, system_files

SYSTEM = """\
wires = [["first.0", "second.go", 2]]

[parts]
first = "a.snnp"
second = "b.snnp"

[inputs]
x = ["first.0", ["second.stop", 1]]

[outputs]
done = "second.0"
late = ["second.0", 70]
"""


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Return a system in a file, of two programs beside it."""
    one = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, pre=0, post=0, weight=100, threshold=50)
    two = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=1,
        pre=[0, 1],
        post=[0, 0],
        weight=[100, -100],
        threshold=50,
        input_names=["go", "stop"],
    )
    one.save(tmp_path / "a.snnp")
    two.save(tmp_path / "b.snnp")
    (tmp_path / "SYSTEM.toml").write_text(SYSTEM, encoding="utf-8")
    return tmp_path / "SYSTEM.toml"


def test_it_writes_the_linked_program(command: Command, system: Path) -> None:
    file = system.parent / "p.snnp"
    code, out, err = command("link", system, "-o", file)
    assert (code, err) == (cli.EXACT, "")
    assert out == f"2 parts: 1 input, 2 outputs, 4 neurons, 2 of them relays or copies\nwrote {file}\n"
    program = sp.load(file)
    assert (program.input_names, program.output_names) == (("x",), ("done", "late"))
    raster = np.random.default_rng(0).random((300, 1)) < 0.4
    assert np.array_equal(sp.run(program, raster).spikes, sp.run(load_system(system).program, raster).spikes)
    again = file.read_bytes()
    command("link", system, "-o", file)
    assert file.read_bytes() == again
    assert system_files(system) == [system, system.parent / "a.snnp", system.parent / "b.snnp"]


def test_a_program_that_does_not_fit_is_written_all_the_same(command: Command, tmp_path: Path) -> None:
    """Four thousand inputs and more do not fit one core, whose only neuron reads them all."""
    wide = sp.Program.from_arrays(
        chip="loihi1", n_inputs=4097, n_neurons=1, pre=range(4097), post=0, weight=1, threshold=50
    )
    wide.save(tmp_path / "w.snnp")
    (tmp_path / "S.toml").write_text('[parts]\nw = "w.snnp"\n', encoding="utf-8")
    code, out, err = command("link", tmp_path / "S.toml", "-o", tmp_path / "p.snnp")
    assert code == cli.DOES_NOT_FIT
    assert "loihi1 does not hold the program" in out + err
    assert sp.load(tmp_path / "p.snnp").n_inputs == 4097
    answer = json.loads(command("link", tmp_path / "S.toml", "-o", tmp_path / "p.snnp", "--json")[1])
    assert (answer["cores"], answer["parts"]) == (None, ["w"])
    assert answer["misfit"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("wires", "wire", "SYSTEM.toml: unknown key 'wire'; did you mean 'wires'?"),
        ("[outputs]", "[other]", "unknown key 'other'; known keys: wires, parts, inputs, outputs"),
        ('first = "a.snnp"', "first = 3", "[parts] must name a program file for each part"),
        ("[parts]", "[part]", "[parts] must name a program file for each part"),
        ('"a.snnp"', '"c.snnp"', "c.snnp, named in "),
        ('"a.snnp"', '"first.snnp"', "SYSTEM.toml, does not exist"),
        ("[parts]", "[[patterns]]", "SYSTEM.toml is a SPEC.toml, not a SYSTEM.toml; 'snnprog compile "),
        (
            SYSTEM[: SYSTEM.index("first =")],
            "[parts]\nwires = []\n",
            "'wires' stands in [parts]; move it to the top of the",
        ),
        ("first.0", "frist.0", "SYSTEM.toml: 'frist.0' names an unknown part 'frist'; did you mean 'first'?"),
        (
            "second.go",
            "second.gone",
            "part 'second' has no input line 'gone': it has 2 input lines; did you mean 'go'?",
        ),
        ("2]]", "2]", "is not valid TOML"),
        ('[["first.0", "second.go", 2]]', "3", "wires must be a list of"),
        (", 2]]", ", 2.5]]", "the further delay of a wire must be an integer, got 2.5"),
        ("done", '"1 done"', "a name of outputs must begin with a letter"),
    ],
)
def test_refusals(command: Command, system: Path, old: str, new: str, message: str) -> None:
    system.write_text(SYSTEM.replace(old, new, 1), encoding="utf-8")
    code, out, err = command("link", system, "-o", system.parent / "p.snnp")
    assert (code, out) == (cli.BAD_USAGE, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (system.parent / "p.snnp").exists()
