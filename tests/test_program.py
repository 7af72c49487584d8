"""Programs and their files: every range, every round trip, and nothing from a damaged file but FormatError.

``tests/golden/minimal.snnp`` pins the file format; ``SNNPROG_REWRITE_GOLDEN=1`` in the environment rewrites it.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import zipfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from untyped import untyped

from snnprog.archive import write_archive
from snnprog.arrays import dtype_name
from snnprog.chips import CHIPS
from snnprog.chips.semantics import SEMANTICS
from snnprog.errors import FormatError, LimitError, SpecError
from snnprog.program import (
    ARRAYS,
    EXCITATORY,
    INHIBITORY,
    MIXED,
    NEURON_ARRAYS,
    SYNAPSE_ARRAYS,
    Program,
    load,
)
from snnprog.program_file import ARRAYS_IN, DOCUMENT, HELD

GOLDEN = Path(__file__).parent / "golden" / "minimal.snnp"

# Two inputs, two neurons, three synapses, one of them from neuron 0 to neuron 1.
MINIMAL: dict[str, object] = {
    "chip": "loihi1",
    "n_inputs": 2,
    "n_neurons": 2,
    "outputs": [1, 0],
    "pre": [0, 1, 2],
    "post": [0, 0, 1],
    "delay": [1, 3, 63],
    "weight": [10, -4, 254],
    "exponent": [0, 2, 7],
    "sign_mode": [EXCITATORY, INHIBITORY, MIXED],
    "threshold": [25, 131071],
    "current_decay": [4095, 0],
    "potential_decay": [163, 4095],
    "bias": [0, -524160],
    "refractory": [1, 1],
    "provenance": {"seed": 0, "spec": "0" * 64, "neurons": [{"status": "exact", "margin": 1.5}]},
}


def program(**changes: object) -> Program:
    return Program.from_arrays(**untyped(MINIMAL | changes))


def same(one: Program, other: Program) -> bool:
    plain = ("chip", "n_inputs", "n_neurons", "provenance")
    return all(getattr(one, name) == getattr(other, name) for name in plain) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS
    )


# ---------------------------------------------------------------- from_arrays


def test_what_a_program_says() -> None:
    minimal = program()
    assert (minimal.n_outputs, minimal.n_synapses, minimal.max_delay) == (2, 3, 63)
    assert minimal.effective_weight().tolist() == [10, -16, 254 << 7]
    assert minimal.effective_weight().dtype == np.int64
    assert all(getattr(minimal, name).dtype == np.int32 for name in ARRAYS)


def test_what_is_not_given_has_defaults() -> None:
    short = Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=2, pre=[0, 1], post=[0, 1], weight=[10, -4], threshold=25
    )
    full = Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=2,
        outputs=[0, 1],
        pre=[0, 1],
        post=[0, 1],
        delay=[1, 1],
        weight=[10, -4],
        exponent=[0, 0],
        sign_mode=[EXCITATORY, INHIBITORY],
        threshold=[25, 25],
        current_decay=[4095, 4095],
        potential_decay=[205, 205],
        bias=[0, 0],
        refractory=[1, 1],
        provenance={},
    )
    assert same(short, full)


@pytest.mark.parametrize("chip", CHIPS)
def test_decays_that_are_not_given_are_the_usual_ones(chip: str) -> None:
    usual = Program.from_arrays(chip=chip, n_inputs=1, n_neurons=1, pre=[0], post=[0], weight=[1], threshold=[1])
    assert (usual.current_decay[0], usual.potential_decay[0]) == CHIPS[chip].usual_decays


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "outputs"])
def test_one_number_applies_to_all(name: str) -> None:
    small = {"weight": [2, 4, 6], "sign_mode": None}
    number = EXCITATORY if name == "sign_mode" else 1
    repeated = [number] * (3 if name in SYNAPSE_ARRAYS else 2)
    made = program(**small | {name: number})
    assert getattr(made, name).tolist() == repeated
    assert same(made, program(**small | {name: repeated}))


def test_single_numbers_alone_make_one_synapse() -> None:
    single = Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=3, pre=0, post=2, weight=5, threshold=9)
    assert [getattr(single, name).tolist() for name in ("pre", "post", "weight")] == [[0], [2], [5]]
    assert single.threshold.tolist() == [9, 9, 9]
    bare = Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, pre=[], post=[], weight=[], threshold=9)
    assert (bare.n_synapses, bare.delay.size) == (0, 0)


def test_without_sign_modes_weights_are_one_sided() -> None:
    assert program(weight=[0, -255, 255], sign_mode=None).sign_mode.tolist() == [EXCITATORY, INHIBITORY, EXCITATORY]


def test_a_program_without_synapses() -> None:
    bare = program(**dict.fromkeys(SYNAPSE_ARRAYS, ()))
    assert (bare.n_synapses, bare.max_delay) == (0, 1)


def test_counts_may_be_numpy_integers() -> None:
    assert same(program(n_inputs=np.int64(2), n_neurons=np.uint8(2)), program())


# item, changes that stand just inside, changes that stand just outside, the value found, the range allowed
MANTISSA = "a mantissa of -4095 to 4095 shifted left by 0 to 7"
RANGES: dict[str, tuple[str, dict[str, object], dict[str, object], int, str]] = {
    "outputs below": ("outputs[0]", {"outputs": [0]}, {"outputs": [-1]}, -1, "0 to 1"),
    "outputs above": ("outputs[1]", {"outputs": [0, 1]}, {"outputs": [0, 2]}, 2, "0 to 1"),
    "pre below": ("pre[0]", {"pre": [0, 0, 0]}, {"pre": [-1, 0, 0]}, -1, "0 to 3"),
    "pre above": ("pre[2]", {"pre": [3, 3, 3]}, {"pre": [3, 3, 4]}, 4, "0 to 3"),
    "post below": ("post[1]", {"post": [0, 0, 0]}, {"post": [0, -1, 0]}, -1, "0 to 1"),
    "post above": ("post[1]", {"post": [1, 1, 1]}, {"post": [1, 2, 1]}, 2, "0 to 1"),
    "delay below": ("delay[0]", {"delay": [1, 1, 1]}, {"delay": [0, 1, 1]}, 0, "1 to 63"),
    "delay above": ("delay[2]", {"delay": [63, 63, 63]}, {"delay": [63, 63, 64]}, 64, "1 to 63"),
    "exponent below": ("exponent[0]", {"exponent": [0, 0, 0]}, {"exponent": [-1, 0, 0]}, -1, "0 to 7"),
    "exponent above": ("exponent[0]", {"exponent": [7, 7, 7]}, {"exponent": [8, 7, 7]}, 8, "0 to 7"),
    "sign mode below": ("sign_mode[2]", {"sign_mode": [2, 3, 1]}, {"sign_mode": [2, 3, 0]}, 0, "1 to 3"),
    "sign mode above": ("sign_mode[2]", {"sign_mode": [2, 3, 2]}, {"sign_mode": [2, 3, 4]}, 4, "1 to 3"),
    "mixed below": ("mixed weight[0]", {"weight": [0, 0, -256]}, {"weight": [0, 0, -258]}, -258, "-256 to 254"),
    "mixed above": ("mixed weight[0]", {"weight": [0, 0, 254]}, {"weight": [0, 0, 256]}, 256, "-256 to 254"),
    "mixed odd": ("mixed weight", {"weight": [0, 0, 2]}, {"weight": [0, 0, 3]}, 3, "even"),
    "mixed odd, negative": ("mixed weight", {"weight": [0, 0, -2]}, {"weight": [0, 0, -1]}, -1, "even"),
    "excitatory below": ("excitatory weight[0]", {"weight": [0, 0, 0]}, {"weight": [-1, 0, 0]}, -1, "0 to 255"),
    "excitatory above": ("excitatory weight[0]", {"weight": [255, 0, 0]}, {"weight": [256, 0, 0]}, 256, "0 to 255"),
    "inhibitory below": ("inhibitory weight[0]", {"weight": [0, -255, 0]}, {"weight": [0, -256, 0]}, -256, "-255 to 0"),
    "inhibitory above": ("inhibitory weight[0]", {"weight": [0, 0, 0]}, {"weight": [0, 1, 0]}, 1, "-255 to 0"),
    "threshold below": ("threshold[1]", {"threshold": [1, 1]}, {"threshold": [1, 0]}, 0, "1 to 131071"),
    "threshold above": ("threshold[0]", {"threshold": [131071, 1]}, {"threshold": [131072, 1]}, 131072, "1 to 131071"),
    "current decay below": ("current_decay[0]", {"current_decay": [0, 0]}, {"current_decay": [-1, 0]}, -1, "0 to 4095"),
    "current decay above": (
        "current_decay[1]",
        {"current_decay": [0, 4095]},
        {"current_decay": [0, 4096]},
        4096,
        "0 to 4095",
    ),
    "potential decay below": (
        "potential_decay[0]",
        {"potential_decay": [0, 0]},
        {"potential_decay": [-1, 0]},
        -1,
        "0 to 4095",
    ),
    "potential decay above": (
        "potential_decay[1]",
        {"potential_decay": [0, 4095]},
        {"potential_decay": [0, 4096]},
        4096,
        "0 to 4095",
    ),
    "bias above": ("bias", {"bias": [0, 524160]}, {"bias": [0, 524161]}, 524161, MANTISSA),
    "bias below": ("bias", {"bias": [0, -524160]}, {"bias": [0, -524161]}, -524161, MANTISSA),
    "bias between": ("bias", {"bias": [0, 4096]}, {"bias": [0, 4097]}, 4097, MANTISSA),
}


@pytest.mark.parametrize(("item", "inside", "outside", "found", "allowed"), RANGES.values(), ids=RANGES)
def test_every_range_ends_where_it_says(
    item: str, inside: dict[str, object], outside: dict[str, object], found: int, allowed: str
) -> None:
    kept = program(**inside)
    assert all(getattr(kept, name).tolist() == values for name, values in inside.items())
    with pytest.raises(LimitError, match=re.escape(f"{item} must be {allowed}, got {found}")) as caught:
        program(**outside)
    assert (caught.value.item, caught.value.found) == (item, found)


MALFORMED: dict[str, tuple[dict[str, object], str]] = {
    **{
        f"{name} too short": ({name: [1, 1]}, f"{name} must have 3 entries, one for each synapse of pre, got 2")
        for name in SYNAPSE_ARRAYS
        if name != "pre"
    },
    **{
        f"{name} too long": ({name: [1, 1, 1]}, f"{name} must have 2 entries, one for each neuron, got 3")
        for name in NEURON_ARRAYS
    },
    "pre too short": ({"pre": [0]}, "post must have 1 entries, one for each synapse of pre, got 3"),
    **{
        f"{name} of floats": ({name: [1.0, 1.0]}, f"{name} must be a list of integers, got float64 of shape (2,)")
        for name in ARRAYS
    },
    **{
        f"{name} of flags": ({name: [True]}, f"{name} must be a list of integers, got bool of shape (1,)")
        for name in ARRAYS
    },
    "texts": ({"delay": ["1", "1", "1"]}, "delay must be a list of integers, got <U1 of shape (3,)"),
    "None": ({"bias": None}, "bias must be a list of integers, got object of shape ()"),
    "a number": ({"outputs": 1}, "outputs must be a list of integers, got a single number"),
    "two axes": ({"weight": [[10], [-4], [2]]}, "weight must be a list of integers, got int64 of shape (3, 1)"),
    "ragged": ({"post": [[0], [0, 1]]}, "post must be a list of integers, got a ragged one"),
    "beyond 32 bits": ({"bias": [0, 1 << 31]}, "bias must hold 32-bit integers, got 0 to 2147483648"),
    "below 32 bits": ({"bias": [0, -(1 << 31) - 1]}, "bias must hold 32-bit integers, got -2147483649 to 0"),
    "beyond 64 bits": ({"bias": [0, 1 << 70]}, "bias must be a list of integers, got object of shape (2,)"),
    "an output twice": ({"outputs": [1, 1]}, "outputs names a neuron twice; name each once"),
    "no outputs": ({"outputs": []}, "outputs is empty; name at least one neuron to read out"),
    "no neurons": ({"n_neurons": 0}, "n_neurons must be an integer from 1 to 16777216, got 0"),
    "inputs below": ({"n_inputs": -1}, "n_inputs must be an integer from 0 to 16777216, got -1"),
    "inputs above": ({"n_inputs": (1 << 24) + 1}, "n_inputs must be an integer from 0 to 16777216, got 16777217"),
    "inputs as float": ({"n_inputs": 2.0}, "n_inputs must be an integer, got 2.0"),
    "inputs as flag": ({"n_inputs": True}, "n_inputs must be an integer, got True"),
    "neurons as text": ({"n_neurons": "2"}, "n_neurons must be an integer, got '2'"),
    "neurons as None": ({"n_neurons": None}, "n_neurons must be an integer, got None"),
    "unknown chip": ({"chip": "loihi9"}, "unknown chip 'loihi9'; known chips are fpga, fpga-ge, fpga-subtract,"),
    "provenance of NaN": (
        {"provenance": {"margin": np.nan}},
        "provenance must be a JSON object: Out of range float values are not JSON compliant",
    ),
    "provenance of a set": (
        {"provenance": {"a": {1}}},
        "provenance must be a JSON object: Object of type set is not JSON serializable",
    ),
    "provenance of an array": (
        {"provenance": {"a": np.ones(1)}},
        "provenance must be a JSON object: Object of type ndarray is not JSON serializable",
    ),
    "provenance as number": ({"provenance": 5}, "provenance must be a JSON object: 'int' object is not iterable"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=MALFORMED)
def test_arrays_that_make_no_program(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        program(**changes)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_program_does_not_change(name: str) -> None:
    given_array = np.array(MINIMAL[name], dtype=np.int32)
    kept = program(**{name: given_array})
    given_array[:] = 99
    assert getattr(kept, name).tolist() == MINIMAL[name]
    with pytest.raises(ValueError, match="read-only"):
        getattr(kept, name)[0] = 1
    with pytest.raises(FrozenInstanceError):
        setattr(kept, name, given_array)


def test_provenance_is_a_copy() -> None:
    notes: dict[str, list[int]] = {"list": [1]}
    kept = program(provenance=notes)
    notes["list"].append(2)
    assert kept.provenance == {"list": [1]}


# ---------------------------------------------------------------- the file

LIMIT = CHIPS["loihi1"]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def weights(draw: st.DrawFn, mode: int) -> int:
    if mode == MIXED:
        return 2 * draw(st.integers(-128, 127))
    return draw(st.integers(0, 255) if mode == EXCITATORY else st.integers(-255, 0))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    n_inputs, n_neurons, n_synapses = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 4))

    def integers(least: int, most: int, size: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=size, max_size=size))

    modes = integers(MIXED, INHIBITORY, n_synapses)
    bias = [m << e for m, e in zip(integers(-4095, 4095, n_neurons), integers(0, 7, n_neurons), strict=True)]
    return Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=draw(st.lists(st.integers(0, n_neurons - 1), min_size=1, unique=True)),
        pre=integers(0, n_inputs + n_neurons - 1, n_synapses),
        post=integers(0, n_neurons - 1, n_synapses),
        delay=integers(*LIMIT.delays, n_synapses),
        weight=[draw(weights(mode)) for mode in modes],
        exponent=integers(*LIMIT.exponents, n_synapses),
        sign_mode=modes,
        threshold=integers(*LIMIT.thresholds, n_neurons),
        current_decay=integers(*LIMIT.current_decays, n_neurons),
        potential_decay=integers(*LIMIT.potential_decays, n_neurons),
        bias=bias,
        provenance=draw(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3)),
    )


@settings(deadline=None)
@given(programs())
def test_programs_come_back(tmp_path_factory: pytest.TempPathFactory, made: Program) -> None:
    one, two = (tmp_path_factory.getbasetemp() / name for name in ("one.snnp", "two.snnp"))
    made.save(one)
    again = load(str(one))
    assert same(again, made)
    again.save(two)
    assert one.read_bytes() == two.read_bytes()


def test_the_same_bytes_whatever_the_order_and_type(tmp_path: Path) -> None:
    program().save(tmp_path / "one.snnp")
    turned = dict(reversed(list(program().provenance.items())))
    wide = {name: np.array(MINIMAL[name], dtype=">i8") for name in ARRAYS}
    program(**wide, provenance=turned).save(str(tmp_path / "two.snnp"))
    assert (tmp_path / "one.snnp").read_bytes() == (tmp_path / "two.snnp").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.snnp", "two.snnp"]


def test_a_program_that_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be written: folder"):
        program().save(tmp_path / "missing" / "p.snnp")


# ---------------------------------------------------------------- the golden file


def rewrite_golden() -> None:
    if os.environ.get("SNNPROG_REWRITE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        program().save(GOLDEN)


def golden_members() -> dict[str, bytes]:
    rewrite_golden()
    with zipfile.ZipFile(GOLDEN) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_golden_file_is_what_is_written(tmp_path: Path) -> None:
    golden = golden_members()
    program().save(tmp_path / "p.snnp")
    with zipfile.ZipFile(tmp_path / "p.snnp") as file:
        assert {name: file.read(name) for name in file.namelist()} == golden


def test_the_golden_file_is_written_to_the_byte(tmp_path: Path) -> None:
    rewrite_golden()
    program().save(tmp_path / "p.snnp")
    assert (tmp_path / "p.snnp").read_bytes() == GOLDEN.read_bytes()


def test_the_golden_file_is_read() -> None:
    rewrite_golden()
    assert same(load(GOLDEN), program())


PLACED: dict[str, tuple[dict[str, object], int, set[str]]] = {
    "no periods, no cores": ({}, 1, set()),
    "periods": ({"refractory": [1, 5]}, 2, {"refractory"}),
    "cores": ({"core": [1, 0]}, 3, {"refractory", "core"}),
    "periods and cores": ({"refractory": [1, 5], "core": [0, 1]}, 3, {"refractory", "core"}),
}


@pytest.mark.parametrize(("changes", "version", "further"), PLACED.values(), ids=PLACED)
def test_a_file_has_the_least_version_that_holds_it(
    tmp_path: Path, changes: dict[str, object], version: int, further: set[str]
) -> None:
    """And it holds no arrays that its program does without; reading and writing it changes no byte."""
    program(**changes).save(tmp_path / "p.snnp")
    with zipfile.ZipFile(tmp_path / "p.snnp") as file:
        names = {name[:-4] for name in file.namelist() if name.endswith(".npy")}
        assert json.loads(file.read(DOCUMENT))["format_version"] == version
    assert names == {*ARRAYS_IN[1], *further}
    again = load(tmp_path / "p.snnp")
    again.save(tmp_path / "q.snnp")
    assert (tmp_path / "p.snnp").read_bytes() == (tmp_path / "q.snnp").read_bytes()
    assert (None if again.core is None else again.core.tolist()) == changes.get("core")


def test_cores_are_a_copy_that_cannot_be_written() -> None:
    given = np.array([1, 0])
    placed = program(core=given)
    given[0] = 0
    assert placed.core is not None
    assert placed.core.tolist() == [1, 0]
    assert placed.core.dtype == np.int32
    assert not placed.core.flags.writeable
    assert program().core is None


@pytest.mark.parametrize(
    ("core", "error", "message"),
    [
        ([0], SpecError, "core must have 2 entries, one for each neuron, got 1"),
        ([0, 2], SpecError, "core must number its cores from 0 without gaps, got 2 and no 1"),
        ([1, 1], SpecError, "core must number its cores from 0 without gaps, got 1 and no 0"),
        ([0, -1], LimitError, "core[1] must be 0 to 127, got -1"),
        ([128, 0], LimitError, "core[0] must be 0 to 127, got 128"),
        ([0.0, 1.0], SpecError, "core must be a list of integers, got float64 of shape (2,)"),
    ],
)
def test_cores_that_are_refused(tmp_path: Path, core: list[int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        program(core=core)
    program(core=[0, 1]).save(tmp_path / "p.snnp")
    with zipfile.ZipFile(tmp_path / "p.snnp") as file:
        arrays = {name[:-4]: np.load(io.BytesIO(file.read(name))) for name in file.namelist() if name != DOCUMENT}
        document = json.loads(file.read(DOCUMENT))
    dtype = "<f8" if isinstance(core[0], float) else "<i4"
    with pytest.raises(FormatError, match=re.escape("array 'core' in" if dtype == "<f8" else message)):
        load(rebuilt(tmp_path / "p.snnp", document, arrays | {"core": np.array(core, dtype)}))


def test_the_golden_file_needs_no_snnprog() -> None:
    members = golden_members()
    document = json.loads(members.pop("program.json"))
    arrays = {name: np.load(io.BytesIO(content), allow_pickle=False) for name, content in members.items()}
    assert arrays.keys() == {f"{name}.npy" for name in ARRAYS_IN[1]}
    for name in ARRAYS_IN[1]:
        assert arrays[f"{name}.npy"].dtype.str == "<i4"
        assert arrays[f"{name}.npy"].tolist() == MINIMAL[name]
    assert document == {
        "format": "snnp",
        "format_version": 1,
        "chip": "loihi1",
        "n_inputs": 2,
        "n_neurons": 2,
        "n_synapses": 3,
        "sign_modes": {"1": "mixed", "2": "excitatory", "3": "inhibitory"},
        "provenance": MINIMAL["provenance"],
        "semantics": {
            "name": "loihi1-lif-lava-0.10.0",
            "rounding": "toward zero",
            "decay_bits": 12,
            "current_decay_offset": 1,
            "input_shift": 6,
            "current_bits": 23,
            "current_overflow": "wrap",
            "potential_bits": 23,
            "potential_overflow": "clip",
            "compare": ">",
            "reset": "zero",
            "delay_origin": "a spike at tick t acts at tick t + delay",
        },
    }


# ---------------------------------------------------------------- damaged files


def parts() -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    members = golden_members()
    document = json.loads(members.pop(DOCUMENT))
    return document, {name[:-4]: np.load(io.BytesIO(content)) for name, content in members.items()}


def rebuilt(path: Path, document: object, arrays: dict[str, NDArray[np.generic]]) -> Path:
    write_archive(path, arrays, texts={DOCUMENT: document if isinstance(document, str) else json.dumps(document)})
    return path


RULE: dict[str, object] = dict(SEMANTICS[CHIPS["loihi1"].rule.name])
BAD_DOCUMENTS: dict[str, tuple[dict[str, object], str]] = {
    "format": ({"format": "zip"}, "must be of format 'snnp', got 'zip'"),
    "no format": ({"format": None}, "must be of format 'snnp', got None"),
    "later version": ({"format_version": 6}, "has format version 6; this snnprog reads 1 to 5; a newer one"),
    "version as text": ({"format_version": "1"}, "has format version '1'; this snnprog reads 1 to 5"),
    "refractory periods in version 1": ({"refractory": HELD}, "says 'after a spike at tick t the potential is 0"),
    "version 2 that does not say what it means": (
        {"format_version": 2},
        "says None about refractory periods; in format version 2 that is 'after a spike at",
    ),
    "chip": ({"chip": "loihi9"}, "is for chip 'loihi9'; known chips are loihi1"),
    "chip as list": ({"chip": ["loihi1"]}, "is for chip ['loihi1']; known chips are loihi1"),
    "another rule": (
        {"semantics": RULE | {"compare": ">="}},
        "uses another integer rule than this snnprog's 'loihi1-lif",
    ),
    "half a rule": (
        {"semantics": {"name": RULE["name"]}},
        "uses another integer rule than this snnprog's 'loihi1-lif-lava-0.10.0'",
    ),
    "no rule": ({"semantics": None}, "uses another integer rule than this snnprog's 'loihi1-lif-lava-0.10.0'"),
    "sign modes": ({"sign_modes": {"1": "excitatory"}}, "defines its sign modes differently: {'1': 'excitatory'}"),
    "inputs as text": ({"n_inputs": "2"}, "must be an integer, got '2'"),
    "inputs as float": ({"n_inputs": 2.0}, "must be an integer, got 2.0"),
    "inputs as flag": ({"n_inputs": True}, "must be an integer, got True"),
    "fewer inputs": ({"n_inputs": 0}, "holds no valid program: pre[2] must be 0 to 1, got 2"),
    "very many inputs": (
        {"n_inputs": 1 << 40},
        "holds no valid program: n_inputs must be an integer from 0 to 16777216, got 1099511627776",
    ),
    "no neurons": ({"n_neurons": 0}, "holds no valid program: n_neurons must be an integer from 1 to 16777216, got 0"),
    "more neurons": (
        {"n_neurons": 3},
        "holds no valid program: threshold must have 3 entries, one for each neuron, got 2",
    ),
    "other synapses": ({"n_synapses": 4}, "declares 4 synapses and holds 3"),
    "no synapse count": ({"n_synapses": None}, "must be an integer, got None"),
    "provenance as list": ({"provenance": []}, "must be an object, got []"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_documents_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    document, arrays = parts()
    with pytest.raises(FormatError, match=re.escape(message)):
        load(rebuilt(tmp_path / "p.snnp", document | changes, arrays))


@pytest.mark.parametrize(
    "key",
    [
        "format",
        "format_version",
        "chip",
        "semantics",
        "sign_modes",
        "n_inputs",
        "n_neurons",
        "n_synapses",
        "provenance",
    ],
)
def test_every_key_is_needed(tmp_path: Path, key: str) -> None:
    document, arrays = parts()
    del document[key]
    with pytest.raises(FormatError, match=r"p\.snnp"):
        load(rebuilt(tmp_path / "p.snnp", document, arrays))


@pytest.mark.parametrize("name", ARRAYS_IN[1])
def test_every_array_is_needed(tmp_path: Path, name: str) -> None:
    document, arrays = parts()
    del arrays[name]
    with pytest.raises(FormatError, match=f"has no array '{name}'; it has"):
        load(rebuilt(tmp_path / "p.snnp", document, arrays))


@pytest.mark.parametrize("name", ARRAYS_IN[1])
@pytest.mark.parametrize("dtype", ["<i8", ">i4", "<u4", "<f4", "|b1", "<U2"])
def test_arrays_of_other_types(tmp_path: Path, name: str, dtype: str) -> None:
    document, arrays = parts()
    arrays[name] = arrays[name].astype(dtype)
    with pytest.raises(FormatError, match=re.escape(f"array '{name}' in ")) as caught:
        load(rebuilt(tmp_path / "p.snnp", document, arrays))
    assert f" got {dtype_name(dtype)} of shape " in str(caught.value)


@pytest.mark.parametrize("name", ARRAYS_IN[1])
@pytest.mark.parametrize("shape", ["()", "(1, -1)", "(-1, 1)"])
def test_arrays_of_other_shapes(tmp_path: Path, name: str, shape: str) -> None:
    document, arrays = parts()
    axes = {"()": arrays[name][0], "(1, -1)": arrays[name][None], "(-1, 1)": arrays[name][:, None]}[shape]
    with pytest.raises(FormatError, match=rf"array '{name}' in .* must be int32 with one axis, got int32 of shape .*"):
        load(rebuilt(tmp_path / "p.snnp", document, arrays | {name: np.asarray(axes)}))


@pytest.mark.parametrize("name", [name for name in ARRAYS_IN[1] if name != "outputs"])
def test_arrays_that_are_too_short(tmp_path: Path, name: str) -> None:
    document, arrays = parts()
    owner = "neuron" if name in NEURON_ARRAYS else "synapse of pre"
    wrong, length = ("post", 2) if name == "pre" else (name, len(arrays[name]))
    found = 3 if name == "pre" else length - 1
    message = f"holds no valid program: {wrong} must have {length} entries, one for each {owner}, got {found}"
    with pytest.raises(FormatError, match=message):
        load(rebuilt(tmp_path / "p.snnp", document, arrays | {name: arrays[name][:-1]}))


@pytest.mark.parametrize("provenance", ['{"a": 1e999}', '{"a": NaN}', "[" * 5000, '{"a":' * 5000])
def test_provenance_that_is_no_json(tmp_path: Path, provenance: str) -> None:
    document, arrays = parts()
    text = json.dumps(document | {"provenance": "HERE"}).replace('"HERE"', provenance)
    with pytest.raises(FormatError, match=r"program\.json in .*p\.snnp is not valid JSON"):
        load(rebuilt(tmp_path / "p.snnp", text, arrays))


def test_a_specification_is_no_program() -> None:
    with pytest.raises(
        FormatError, match=r"SPEC.toml is not a \.snnp program, but a specification; sp\.load_spec reads it"
    ):
        load("SPEC.toml")


@pytest.mark.parametrize(("name", "message"), [("missing.snnp", "No such file"), ("", "Is a directory")])
def test_files_that_cannot_be_opened(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(FormatError, match=f"cannot be read: {message}"):
        load(tmp_path / name)


def test_no_program_among_the_members(tmp_path: Path) -> None:
    write_archive(tmp_path / "p.snnp", {}, texts={"other.json": "{}"})
    with pytest.raises(FormatError, match=r"p\.snnp has no program\.json; it has other\.json"):
        load(tmp_path / "p.snnp")


# ---------------------------------------------------------------- hostile files


def check_refused_or_valid(path: Path) -> bool:
    """Load a file that may be anything; what is believed must be a program that can be made and saved again."""
    try:
        believed = load(path)
    except FormatError:
        return False
    copy = path.with_suffix(".copy.snnp")
    believed.save(copy)
    assert same(load(copy), believed)
    return True


def scrambled(chance: random.Random, content: bytes) -> bytes:
    """Return bytes that were flipped, cut, doubled or overwritten in one to three places."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(changed) + 1)
        stop = min(start + chance.choice([1, 1, 2, 4, 16, 64]), len(changed))
        middle = chance.choice(
            [
                chance.randbytes(stop - start),
                b"",
                bytes(changed[start:stop]) * 2,
                b"\xff" * (stop - start),
                bytes(stop - start),
            ]
        )
        changed[start:stop] = middle
    return bytes(changed)


def some_json(chance: random.Random, depth: int = 2) -> object:
    leaves = [
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        1 << 31,
        1 << 70,
        1.0,
        -0.5,
        1e300,
        "",
        "1",
        "snnp",
        "loihi1",
        "\ud800",
    ]
    if depth == 0 or chance.random() < 0.7:
        return chance.choice(leaves)
    inner = [some_json(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return inner if chance.random() < 0.5 else {str(index): value for index, value in enumerate(inner)}


def some_array(chance: random.Random) -> NDArray[np.generic]:
    shape = chance.choice([(), (0,), (1,), (2,), (3,), (4,), (1, 3), (3, 1), (0, 3), (2, 2, 2)])
    dtype = chance.choice(["<i4"] * 6 + [">i4", "<i8", "<u4", "|i1", "|b1", "<f8", "<U3", "<c8", "|S2", "<M8[s]"])
    pool = chance.choice([[0, 1], [0, 1, 2, 3], [-1, 64, 255, 256], [-(2**31), 2**31 - 1]])
    values = [chance.choice(pool) for _ in range(int(np.prod(shape)))]
    return np.array(values, dtype="<i8").astype("<i4").astype(dtype).reshape(shape)


def test_mutations_of_the_file(tmp_path: Path) -> None:
    rewrite_golden()
    chance = random.Random(1)
    whole, path = GOLDEN.read_bytes(), tmp_path / "p.snnp"
    for _ in range(1000):
        path.write_bytes(scrambled(chance, whole))
        check_refused_or_valid(path)


def test_mutations_of_one_member(tmp_path: Path) -> None:
    """The zip is whole, so its checksums do not help: the members are judged by what they say."""
    chance = random.Random(2)
    members, path = golden_members(), tmp_path / "p.snnp"
    believed = 0
    for _ in range(750):
        name = chance.choice(list(members))
        with zipfile.ZipFile(path, "w") as file:
            for other, content in members.items():
                file.writestr(other, scrambled(chance, content) if other == name else content)
        believed += check_refused_or_valid(path)
    assert believed > 0


def test_mutations_of_one_field_or_array(tmp_path: Path) -> None:
    chance = random.Random(3)
    document, arrays = parts()
    believed = 0
    for _ in range(750):
        changed, others = json.loads(json.dumps(document)), dict(arrays)
        if chance.random() < 0.5:
            table = (
                changed if chance.random() < 0.7 else changed[chance.choice(["semantics", "sign_modes", "provenance"])]
            )
            table[chance.choice([*table, "further"])] = some_json(chance)
        else:
            others[chance.choice(ARRAYS_IN[1])] = some_array(chance)
        believed += check_refused_or_valid(rebuilt(tmp_path / "p.snnp", changed, others))
    assert believed > 0


def test_provenance_that_could_not_be_read_back_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep: object = 0
    for _ in range(40):
        deep = [deep]
    with pytest.raises(SpecError, match="provenance must be a JSON object: it is nested more than 32 deep"):
        program(provenance={"deep": deep})
    monkeypatch.setattr("snnprog.program_file.JSON_LIMIT_BYTES", 100)
    with pytest.raises(FormatError, match=r"provenance and names must have at most 100 bytes as JSON, got \d+"):
        program().save(tmp_path / "p.snnp")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.npz", "out", "out.toml"])
def test_a_program_is_saved_under_its_own_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"(ends in '.*'|has no suffix); programs are written to \.snnp$"):
        program().save(tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".h5"])
def test_a_file_of_spikes_is_not_a_program(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(FormatError, match=rf"x\{suffix} is not a .snnp program, but a file of spikes; sp.read_rasters"):
        load(tmp_path / f"x{suffix}")


def test_a_missing_program_may_be_another(tmp_path: Path) -> None:
    program().save(tmp_path / "detector.snnp")
    with pytest.raises(FormatError, match=r"No such file or directory; did you mean 'detector\.snnp'\?$"):
        load(tmp_path / "detektor.snnp")
