"""Convolutions in programs and their files: equal to their unrolled twins everywhere, and unrolled when needed only."""

from __future__ import annotations

import json
import re
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import random_raster
from made_up_chips import KINDS, chip_of
from numpy.typing import NDArray
from shared_programs import PlainSynapse, plain_synapses, random_program
from stand_in import write_backend

import snnprog as sp
from snnprog.archive import write_archive
from snnprog.chips import Chip
from snnprog.convolution import MOST_MEETINGS
from snnprog.program import ARRAYS, SYNAPSE_ARRAYS
from snnprog.program_file import ARRAYS_IN, DOCUMENT, OPEN_SINCE, SHARED_SINCE
from snnprog.synapses import MOST_CONVOLUTIONS, MOST_SHARED, SHARED_ARRAYS, SynapseTable
from snnprog.workload import activity

GEOMETRY = sp.Convolution(channels=(1, 2), image=(1, 4), kernel=(1, 2))
CHIPS_OF_ALL_SORTS: list[str | Chip] = ["loihi1", "loihi2", *(chip_of(kind) for kind in KINDS)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Random programs may leave the range in which all runtimes agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.PortabilityWarning)
        yield


def small(**changes: Any) -> sp.Program:
    """Return a program of one convolution and one listed synapse."""
    shared = sp.SharedSynapses.of(GEOMETRY, [1, 0, -3, 4], first_pre=0, first_post=0, delay=[1, 1, 2, 9])
    given: dict[str, Any] = {"pre": 5, "post": 6, "weight": 7, "shared": [shared], "outputs": [6]}
    given |= {"chip": "loihi1", "n_inputs": 4, "n_neurons": 7, "threshold": 1}
    return sp.Program.from_arrays(**(given | changes))


def is_unrolled(program: sp.Program) -> bool:
    return "whole" in vars(program.synapses)


def listed(program: sp.Program) -> list[PlainSynapse]:
    return [
        PlainSynapse(*map(int, row)) for row in zip(*(getattr(program, name) for name in SYNAPSE_ARRAYS), strict=True)
    ]


# ---------------------------------------------------------------- equal to the unrolled twin


@pytest.mark.parametrize("seed", range(60))
def test_convolutions_unroll_to_what_loops_say(seed: int) -> None:
    program = random_program(seed)
    n_listed = program.synapses.pre.size
    plain = [synapse for shared in program.shared for synapse in plain_synapses(shared)]
    assert program.n_synapses == n_listed + len(plain)
    assert sorted(listed(program)[n_listed:]) == sorted(plain)
    assert [listed(program)[i].pre for i in range(n_listed)] == program.synapses.pre.tolist()
    assert program.max_delay == max((each.delay for each in listed(program)), default=1)


@pytest.mark.parametrize("chip", CHIPS_OF_ALL_SORTS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_runs_equal_those_of_the_twin(seed: int, chip: str | Chip) -> None:
    program = random_program(seed, chip)
    twin = program.unrolled()
    assert not twin.shared
    inputs = [random_raster(seed + index, 12, program.n_inputs, 0.4) for index in range(2)]
    right = sp.run(twin, inputs, "reference", "state")
    for found in (sp.run(program, inputs, backend, "state") for backend in ("reference", "kernel")):
        for one, other in zip(found, right, strict=True):
            assert one.currents is not None
            assert one.potentials is not None
            np.testing.assert_array_equal(one.spikes, other.spikes)
            np.testing.assert_array_equal(one.currents, other.currents)
            np.testing.assert_array_equal(one.potentials, other.potentials)
            assert one.excursions == other.excursions
    assert activity(program, inputs).as_dict() == activity(twin, inputs).as_dict()


@pytest.mark.parametrize("seed", range(8))
def test_cores_equal_those_of_the_twin(seed: int) -> None:
    program = random_program(seed)
    assert sp.place(program).as_dict() == sp.place(program.unrolled()).as_dict()


def test_a_foreign_runtime_is_given_a_plain_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "plain")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    program, raster = random_program(3), random_raster(1, 12, random_program(3).n_inputs, 0.4)
    found, right = (sp.run(program, raster, backend, "state") for backend in ("plain", "reference"))
    np.testing.assert_array_equal(found.spikes, right.spikes)
    np.testing.assert_array_equal(found.potentials, right.potentials)


# ---------------------------------------------------------------- unrolled when needed


def test_nothing_is_unrolled_before_it_is_read(tmp_path: Path) -> None:
    program = small()
    assert program.n_synapses == 1 + 3 + 6
    program.save(tmp_path / "p.snnp")
    loaded = replace(sp.load(tmp_path / "p.snnp"), outputs=np.array([0, 1], np.int32), provenance={"a": 1})
    assert (loaded.n_synapses, loaded.shared[0].n_weights) == (10, 4)
    assert not is_unrolled(program)
    assert not is_unrolled(loaded)
    assert loaded.pre.size == 10
    assert is_unrolled(loaded)
    assert replace(loaded, threshold=loaded.threshold + 1).pre is loaded.pre


def test_arrays_of_all_synapses_do_not_change() -> None:
    with pytest.raises(ValueError, match="read-only"):
        small().weight[0] = 1


def test_listed_synapses_come_first() -> None:
    program = small()
    assert (program.pre[0], program.post[0], program.weight[0]) == (5, 6, 7)
    assert program.post[1:].tolist() == [0, 1, 2, 3, 3, 4, 4, 5, 5]
    assert program.pre[1:].tolist() == [0, 1, 2, 0, 1, 1, 2, 2, 3]
    assert program.weight[1:].tolist() == [1, 1, 1, -3, 4, -3, 4, -3, 4]
    assert program.delay[1:].tolist() == [1, 1, 1, 2, 9, 2, 9, 2, 9]


def test_other_arrays_leave_nothing_shared() -> None:
    program = small()
    changed = program.with_synapses(delay=program.delay + 1)
    assert (changed.delay - program.delay).tolist() == [1] * 10
    assert np.array_equal(changed.weight, program.weight)
    assert not changed.shared
    untyped: Any = replace
    assert untyped(program, delay=program.delay + 1).delay.tolist() == changed.delay.tolist()
    assert program.with_synapses(weight=program.weight).synapses.shared == ()
    with pytest.raises(sp.SpecError, match=re.escape("delay must have 10 entries, one for each synapse of pre, got 1")):
        program.with_synapses(delay=[1])
    with pytest.raises(TypeError, match="colour"):
        program.with_synapses(colour=[1])
    with pytest.raises(TypeError, match="post"):
        SynapseTable.of({"pre": []})


def test_a_program_of_convolutions_alone() -> None:
    program = small(pre=(), post=(), weight=())
    assert (program.n_synapses, program.synapses.pre.size) == (9, 0)
    assert small(shared=[]).unrolled().n_synapses == 1


def test_weights_may_have_the_shape_of_the_kernel() -> None:
    shaped = sp.SharedSynapses.of(GEOMETRY, np.arange(4).reshape(2, 1, 1, 2), first_pre=0, first_post=0)
    flat = sp.SharedSynapses.of(GEOMETRY, [0, 1, 2, 3], first_pre=0, first_post=0)
    assert shaped.weight.tolist() == flat.weight.tolist()
    assert sp.SharedSynapses.of(GEOMETRY, 5, first_pre=0, first_post=0).weight.tolist() == [5] * 4


# ---------------------------------------------------------------- what is refused


def shared(weight: Any = 1, *, geometry: sp.Convolution = GEOMETRY, **changes: Any) -> sp.SharedSynapses:
    return sp.SharedSynapses.of(geometry, weight, **{"first_pre": 0, "first_post": 0, **changes})


LIMITED: dict[str, tuple[dict[str, Any], str]] = {
    "lines before": (
        {"first_pre": -1},
        "first_pre of convolution 0 must be 0 to 7, got -1; the convolution takes 4 places from",
    ),
    "lines after": (
        {"first_pre": 8},
        "first_pre of convolution 0 must be 0 to 7, got 8; the convolution takes 4 places from there",
    ),
    "neurons after": (
        {"first_post": 2},
        "first_post of convolution 0 must be 0 to 1, got 2; the convolution takes 6 places from",
    ),
    "delay": ({"delay": [1, 1, 64, 1]}, "delay of convolution 0[2] must be 1 to 63, got 64"),
    "exponent": ({"exponent": 8}, "exponent of convolution 0[0] must be 0 to 7, got 8"),
    "sign mode": ({"sign_mode": 4}, "sign_mode of convolution 0[0] must be 1 to 3, got 4"),
    "weight": ({"weight": [1, 2, 256, 3]}, "excitatory weight of convolution 0[2] must be 0 to 255, got 256"),
    "mixed weight": (
        {"weight": 3, "sign_mode": 1},
        "mixed weight of convolution 0 must be even, got 3; make it even or use a one-sided sign mode",
    ),
}


@pytest.mark.parametrize(("changes", "message"), LIMITED.values(), ids=LIMITED)
def test_numbers_outside_the_chip(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.LimitError, match=re.escape(message)):
        small(shared=[shared(**changes)])


def test_an_image_larger_than_all_lines() -> None:
    large = sp.Convolution(channels=(1, 1), image=(4, 4), kernel=(4, 4))
    with pytest.raises(
        sp.LimitError,
        match="first_pre of convolution 0 must be that of 11 or fewer places, got 0; the convolution takes",
    ):
        small(shared=[shared(geometry=large)])


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "too few weights": ({"weight": [1, 2]}, "weight of a convolution must have 4 entries, one for each weight of its"),
    "too many delays": ({"delay": [1] * 5}, "delay of a convolution must have 4 entries, one for each weight of its"),
    "floats": ({"weight": [1.0] * 4}, "weight must be a list of integers, got float64 of shape (4,)"),
    "another shape": ({"weight": [[1, 2], [3, 4]]}, "weight must be a list of integers, got int64 of shape (2, 2)"),
    "a line of text": ({"first_pre": "0"}, "first_pre must be an integer, got '0'"),
    "no geometry": ({"geometry": (3, 3)}, "convolution must be a Convolution, got a tuple"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=MALFORMED)
def test_arrays_that_are_no_convolution(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.SpecError, match=re.escape(message)):
        shared(**changes)


def test_what_is_shared_must_be_convolutions() -> None:
    wrong: Any = [GEOMETRY]
    with pytest.raises(sp.SpecError, match="an entry of shared must be a SharedSynapses, got a Convolution"):
        small(shared=wrong)
    with pytest.raises(sp.SpecError, match=f"at most {MOST_CONVOLUTIONS} convolutions, got {MOST_CONVOLUTIONS + 1}"):
        small(shared=[shared()] * (MOST_CONVOLUTIONS + 1))


HUGE = sp.Convolution(channels=(1, 1), image=(64, 64), kernel=(64, 64), before=(63, 63))


def test_too_many_synapses_are_refused_before_they_are_made() -> None:
    each = shared(geometry=HUGE)
    assert 4 * each.n_synapses > MOST_SHARED
    tracemalloc.start()
    try:
        with pytest.raises(
            sp.LimitError, match=rf"must be at most {MOST_SHARED} \(weights of 0 count\), got \d+; split the"
        ):
            sp.Program.from_arrays(chip="loihi1", n_inputs=4096, n_neurons=4096, threshold=1, shared=[each] * 4)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


GEOMETRIES: dict[str, tuple[dict[str, Any], str]] = {
    "meetings": (
        {"image": (60000, 1), "kernel": (100, 1), "before": (100, 0)},
        f"along an axis of a convolution must be at most {MOST_MEETINGS}, got 6000100; use a smaller image or kernel",
    ),
    "floats": ({"kernel": (1.0, 1.0)}, "kernel of a convolution must be two integers, got (1.0, 1.0)"),
    "a flag": ({"groups": True}, "groups of a convolution must be an integer, got True"),
    "one number": ({"stride": 1}, "stride of a convolution must be two integers, got 1"),
    "no step": ({"stride": (0, 1)}, "stride of a convolution must be from 1 to 65536, got [0, 1]"),
    "groups": ({"groups": 2}, "channels of a convolution must be multiples of its 2 groups: (1, 2)"),
    "kernel": ({"kernel": (2, 2)}, "the kernel of a convolution, (2, 2), must be no larger than its image, (1, 4)"),
}


@pytest.mark.parametrize(("changes", "message"), GEOMETRIES.values(), ids=GEOMETRIES)
def test_geometries_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.SpecError, match=re.escape(message)):
        replace(GEOMETRY, **changes)


# ---------------------------------------------------------------- the file


def parts(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    with np.load(path) as archive, zipfile.ZipFile(path) as members:
        arrays = {name: archive[name] for name in archive.files if name != DOCUMENT}
        return json.loads(members.read(DOCUMENT)), arrays


@pytest.mark.parametrize("seed", range(20))
def test_programs_come_back(tmp_path: Path, seed: int) -> None:
    made = random_program(seed, CHIPS_OF_ALL_SORTS[seed % len(CHIPS_OF_ALL_SORTS)])
    made.save(tmp_path / "one.snnp")
    again = sp.load(tmp_path / "one.snnp")
    again.save(tmp_path / "two.snnp")
    assert (tmp_path / "one.snnp").read_bytes() == (tmp_path / "two.snnp").read_bytes()
    assert [each.convolution for each in again.shared] == [each.convolution for each in made.shared]
    assert all(np.array_equal(getattr(again, name), getattr(made, name)) for name in ARRAYS)


def test_the_file_holds_kernels_and_not_synapses(tmp_path: Path) -> None:
    small().save(tmp_path / "p.snnp")
    small().unrolled().save(tmp_path / "unrolled.snnp")
    document, arrays = parts(tmp_path / "p.snnp")
    assert (document["format_version"], document["n_synapses"], arrays["pre"].size) == (SHARED_SINCE, 10, 1)
    assert document["shared"][0]["channels"] == [1, 2]
    assert set(arrays) == {*ARRAYS_IN[SHARED_SINCE], *(f"shared_{name}" for name in SHARED_ARRAYS)}
    assert arrays["shared_weight"].tolist() == [1, 0, -3, 4]
    assert parts(tmp_path / "unrolled.snnp")[0]["format_version"] == 1


GEOMETRY_DATA: dict[str, Any] = {
    "first_pre": 0,
    "first_post": 0,
    **{name: [0, 0] for name in ("before", "after", "pool_before", "pool_after")},
    **{name: [1, 1] for name in ("stride", "dilation", "pool", "pool_stride")},
    "channels": [1, 2],
    "image": [1, 4],
    "kernel": [1, 2],
    "groups": 1,
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another version": (
        {"format_version": OPEN_SINCE},
        "has 'shared', which is unknown to this snnprog; a newer version may have written it",
    ),
    "an object": ({"shared": {}}, "must be a list of 1 to 256 convolutions"),
    "none": ({"shared": []}, "must be a list of 1 to 256 convolutions"),
    "very many": ({"shared": [GEOMETRY_DATA] * 257}, "must be a list of 1 to 256 convolutions"),
    "more convolutions than weights": ({"shared": [GEOMETRY_DATA] * 2}, "convolution 1 in .* entries, one for each"),
    "a number": ({"shared": [1]}, "convolution 0 in .* is not valid: it must be an object with the keys first_pre"),
    "an unknown key": ({"shared": [GEOMETRY_DATA | {"more": 1}]}, "it must be an object with the keys first_pre"),
    "a flag": ({"shared": [GEOMETRY_DATA | {"groups": True}]}, "groups must be an integer, got True"),
    "a fraction": ({"shared": [GEOMETRY_DATA | {"kernel": [1, 2.0]}]}, r"kernel must be two integers, got \[1, 2.0\]"),
    "three": ({"shared": [GEOMETRY_DATA | {"image": [1, 2, 3]}]}, "image must be two integers, got"),
    "a large kernel": ({"shared": [GEOMETRY_DATA | {"kernel": [9, 9]}]}, "must be no larger than its image"),
    "a huge number": ({"shared": [GEOMETRY_DATA | {"image": [1, 10**40]}]}, "image of a convolution must be two int"),
    "fewer weights": (
        {"shared": [GEOMETRY_DATA | {"channels": [1, 1]}]},
        r"must have 2 weights each, got \[4, 4, 4, 4\]",
    ),
    "another line": (
        {"shared": [GEOMETRY_DATA | {"first_pre": 10**30}]},
        "holds no valid program: first_pre of convolution 0 must be 0 to 7, got",
    ),
    "synapses": ({"n_synapses": 11}, "declares 11 synapses and holds 10"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_documents_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    small().save(tmp_path / "p.snnp")
    document, arrays = parts(tmp_path / "p.snnp")
    assert document["shared"] == [GEOMETRY_DATA]
    write_archive(tmp_path / "p.snnp", arrays, texts={DOCUMENT: json.dumps(document | changes)})
    with pytest.raises(sp.FormatError, match=message):
        sp.load(tmp_path / "p.snnp")


def test_arrays_are_needed_where_they_belong(tmp_path: Path) -> None:
    small().save(tmp_path / "p.snnp")
    document, arrays = parts(tmp_path / "p.snnp")
    weight = arrays.pop("shared_weight")
    write_archive(tmp_path / "p.snnp", arrays, texts={DOCUMENT: json.dumps(document)})
    with pytest.raises(sp.FormatError, match="has no array 'shared_weight'"):
        sp.load(tmp_path / "p.snnp")
    del document["shared"]
    write_archive(tmp_path / "p.snnp", arrays | {"shared_weight": weight}, texts={DOCUMENT: json.dumps(document)})
    with pytest.raises(
        sp.FormatError,
        match=r"has 'shared_delay\.npy', which is unknown to this snnprog; a newer version may have written",
    ):
        sp.load(tmp_path / "p.snnp")


def test_a_small_file_cannot_unroll_without_end(tmp_path: Path) -> None:
    """Two hundred times the same kernel, of which each is bearable."""
    geometry = sp.Convolution(channels=(1, 1), image=(512, 1), kernel=(512, 1), before=(511, 0))
    small(n_inputs=512, n_neurons=512, pre=0, post=0, shared=[shared(geometry=geometry)]).save(tmp_path / "p.snnp")
    document, arrays = parts(tmp_path / "p.snnp")
    document["shared"] *= 200
    arrays |= {name: np.tile(array, 200) for name, array in arrays.items() if name.startswith("shared_")}
    write_archive(tmp_path / "p.snnp", arrays, texts={DOCUMENT: json.dumps(document)})
    with pytest.raises(
        sp.FormatError, match=rf"all convolutions must be at most {MOST_SHARED} \(weights of 0 count\), got 26265600"
    ):
        sp.load(tmp_path / "p.snnp")
