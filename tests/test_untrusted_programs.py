"""Program files of version 3: they carry a chip that is not built in, and are read without its module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_chips import KINDS, chip_of, plain_run
from numpy.typing import NDArray

import snnprog as sp
from snnprog.archive import array_of, json_of, read_archive, write_archive
from snnprog.chips import CHIPS, Chip, Layers
from snnprog.chips.data import chip_to_data
from snnprog.program import ARRAYS
from snnprog.program_file import DOCUMENT
from snnprog.rules import Const, End, LayerConstant, Parameter, Ref, Rounding, Rule, Step, Watch
from snnprog.rules.expressions import NODES, Expression, FloorDiv, Hold, Leak, Max, Min, Scale, Select, Shr, nodes

GOLDEN = Path(__file__).parent / "golden" / "hardware.snnp"
SIX = KINDS[0]
CHIP = chip_of(SIX)


def small(chip: Chip = CHIP, **changes: Any) -> sp.Program:
    parts: dict[str, Any] = {
        "n_inputs": 2,
        "n_neurons": 2,
        "pre": [0, 1, 2],
        "post": [0, 0, 1],
        "weight": [20, 9, 31],
    } | changes
    return sp.Program.from_arrays(chip=chip, threshold=30, **parts)


def saved(folder: Path, program: sp.Program) -> Path:
    program.save(folder / "p.snnp")
    return folder / "p.snnp"


def parts_of(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    members = read_archive(path)
    names = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
    return dict(json_of(path, members, name=DOCUMENT)), {name: array_of(path, members, name=name) for name in names}


def written(path: Path, document: object, arrays: dict[str, NDArray[np.generic]]) -> Path:
    write_archive(path, arrays, texts={DOCUMENT: json.dumps(document)})
    return path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_program_comes_back_with_its_chip(kind: Any, tmp_path: Path) -> None:
    program = small(chip_of(kind), weight=[3, -2, 1])
    found = sp.load(saved(tmp_path, program))
    assert found.chip == program.chip
    assert all(np.array_equal(getattr(found, name), getattr(program, name)) for name in ARRAYS)
    first = (tmp_path / "p.snnp").read_bytes()
    assert saved(tmp_path, found).read_bytes() == first


def test_the_file_names_its_chip_and_rule_and_carries_both(tmp_path: Path) -> None:
    document, _ = parts_of(saved(tmp_path, small()))
    assert (document["format_version"], document["chip"]) == (3, "subtracting6")
    assert document["semantics"] == {"name": "subtracting6-rule"}
    assert document["hardware"] == chip_to_data(CHIP)


def test_chips_that_are_built_in_are_named_alone(tmp_path: Path) -> None:
    for name, chip in CHIPS.items():
        document, _ = parts_of(saved(tmp_path, small(chip, outputs=[1])))
        carries = name.startswith("fpga")  # younger than the files of version 1, whose readers do not know it
        assert (document["format_version"], document["chip"], "hardware" in document) == (
            3 if carries else 1,
            name,
            carries,
        )
    document, _ = parts_of(saved(tmp_path, small(CHIPS["loihi1"], core=[0, 1])))
    assert (document["format_version"], "hardware" in document) == (3, False)


def test_a_chip_with_a_name_that_is_built_in_is_what_its_file_says(tmp_path: Path) -> None:
    shorter = replace(CHIPS["loihi1"], delays=(1, 3))
    path = saved(tmp_path, small(shorter))
    assert sp.load(path).chip == shorter
    assert parts_of(path)[0]["format_version"] == 3


def test_a_process_that_has_never_heard_of_the_chip_runs_it(tmp_path: Path) -> None:
    program = small()
    path = saved(tmp_path, program)
    inputs = np.zeros((12, 2), dtype=bool)
    inputs[[1, 2, 5, 6, 7], [0, 0, 1, 0, 1]] = True
    np.save(tmp_path / "inputs.npy", inputs)
    code = f"""
import numpy as np, snnprog as sp
program = sp.load({str(path)!r})
for backend in ("kernel", "reference"):
    print(np.nonzero(sp.run(program, np.load({str(tmp_path / "inputs.npy")!r}), backend).spikes)[0].tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = np.nonzero(np.array(plain_run(SIX, program, inputs).spikes))[0].tolist()
    assert expected
    assert done.stdout.splitlines() == [str(expected)] * 2


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "unknown key": (
        {"line_names": ["a", "b"]},
        "has 'line_names', which is unknown to this snnprog; a newer version may have written it",
    ),
    "no hardware": ({"hardware": None}, "hardware in .* is not valid: chip must be an object with name, rule"),
    "another chip": ({"chip": "loihi1"}, "is for chip 'loihi1' and rule .* its hardware is 'subtracting6'"),
    "another rule": ({"semantics": {"name": "x"}}, "but its hardware is 'subtracting6' with 'subtracting6-rule'"),
    "more of a rule": (
        {"semantics": {"name": "subtracting6-rule", "reset": "zero"}},
        r"is for chip 'subtracting6' and rule \{'name': 'subtracting6-rule',",
    ),
    "version 2": ({"format_version": 2}, "is for chip 'subtracting6'; known chips are loihi1"),
    "version 1": ({"format_version": 1}, "is for chip 'subtracting6'; known chips are loihi1"),
    "built-in rule of other steps": (
        {"hardware": json.loads(json.dumps(chip_to_data(CHIP)).replace("subtracting6-rule", CHIPS["xylo"].rule.name))},
        "is not valid: chip is not valid: rule of chip subtracting6 must be a rule with another",
    ),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_reader_cannot_vouch_for_is_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    document, arrays = parts_of(saved(tmp_path, small()))
    with pytest.raises(sp.FormatError, match=message):
        sp.load(written(tmp_path / "q.snnp", document | changes, arrays))


def test_unknown_arrays_and_values_beyond_the_chip_are_refused(tmp_path: Path) -> None:
    document, arrays = parts_of(saved(tmp_path, small()))
    with pytest.raises(
        sp.FormatError,
        match=r"has 'shared\.npy', which is unknown to this snnprog; a newer version may have written it",
    ):
        sp.load(written(tmp_path / "q.snnp", document, arrays | {"shared": arrays["pre"]}))
    with pytest.raises(sp.FormatError, match=r"holds no valid program: excitatory weight\[0\] must be 0 to 31, got 32"):
        sp.load(written(tmp_path / "q.snnp", document, arrays | {"weight": np.array([32, 9, 31], "<i4")}))


def test_a_file_without_its_hardware_is_for_no_chip_that_is_known(tmp_path: Path) -> None:
    document, arrays = parts_of(saved(tmp_path, small()))
    del document["hardware"]
    with pytest.raises(sp.FormatError, match="is for chip 'subtracting6'; known chips are loihi1, loihi2, xylo"):
        sp.load(written(tmp_path / "q.snnp", document, arrays))


# ---------------------------------------------------------------------------------------------------------- golden


def everything() -> Chip:
    """Return a chip with every node, rounding and end, and with every part that a chip can have."""
    v, u, most, decay = Ref("potential"), Ref("current"), Ref("most"), Ref("current_decay")
    leaky: Expression = u
    for rounding in Rounding:
        leaky = Leak(Shr(leaky, decay, rounding), decay, rounding)
    mixed = Select(v > 0, Scale(v, 16 - Ref("potential_decay"), 4, Rounding.HALF_EVEN), -v)
    held = Hold(Hold(mixed + 2 * u - Ref("bias"), -99, 99, End.FOLD), -90, 89, End.WRAP)
    rule = Rule(
        name="everything",
        registers=("current", "potential", "held"),
        parameters=(
            Parameter("threshold", 1, 63),
            Parameter("current_decay", 0, 3),
            Parameter("potential_decay", 0, 16),
            Parameter("bias", -12, 12),
            Parameter("refractory", 1, 4),
        ),
        constants=(LayerConstant("most", 3, 1),),
        gather=Step("gather", "current", Hold(u + Ref("weight") * Ref("count"), -128, 127, End.CLIP)),
        steps=(
            Step("current", "current", leaky),
            Step("potential", "potential", held),
            Step("fire", "spikes", Min(FloorDiv(Max(v, Const(0)), Ref("threshold") << 1), most)),
            Step("rest", "held", Select(Ref("held") >= 1, Ref("held") - 1, Ref("refractory"))),
        ),
        watched=(Watch("gather", 128),),
    )
    return replace(
        CHIPS["loihi1"],
        name="everything",
        rule=rule,
        usual_decays=(1, 2),
        bias_mantissas=(-3, 3),
        bias_exponents=(0, 2),
        free_bias_exponents=(1, 2),
        layers=replace(CHIPS["xylo"].layers or Layers(1, 1, 1, 1), most_inputs=4),
    )


def golden_program() -> sp.Program:
    return small(everything(), outputs=[1], weight=[100, 9, -31], bias=[12, 0], refractory=[1, 4])


def test_the_golden_chip_has_every_node() -> None:
    rule = everything().rule
    assert {type(node) for step in rule.all_steps for node in nodes(step.expression)} == set(NODES)


def test_the_golden_file_is_written_and_read_to_the_byte(tmp_path: Path) -> None:
    if os.environ.get("SNNPROG_REWRITE_GOLDEN") == "1":
        golden_program().save(GOLDEN)
    assert saved(tmp_path, golden_program()).read_bytes() == GOLDEN.read_bytes()
    assert sp.load(GOLDEN).chip == everything()
