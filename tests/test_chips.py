"""Chips that share a rule: what is compiled for one runs wherever that rule does."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog.chips import CHIPS, Chip, Core, Energy, Layers, SynapticMemory, WeightRanges


def spec_for(chip: str | Chip, seed: int, **options: Any) -> sp.Spec:
    """Return a random spec whose spikes answer what one input of four did a tick before, and one of them three."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((40, 4)) < 0.25
    targets = np.zeros((40, 2), dtype=bool)
    targets[1:, 0], targets[3:, 1] = inputs[:-1, 0], inputs[:-3, 1]
    return sp.Spec([sp.Pattern(inputs, targets)], **{"delays": range(1, 5), "chip": chip} | options)


@pytest.mark.parametrize("seed", range(3))
def test_loihi2_compiles_to_the_integers_of_loihi1(seed: int) -> None:
    first, second = (sp.compile(spec_for(chip, seed)).program for chip in ("loihi1", "loihi2"))
    for name in ("pre", "post", "delay", "weight", "exponent", "threshold", "bias"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert sp.verify(second, spec_for("loihi2", seed)).exact


def test_loihi2_refuses_what_it_does_not_have() -> None:
    with pytest.raises(sp.LimitError, match="delay must be 1 to 63 on loihi2, got 64"):
        sp.Spec(spec_for("loihi2", 0).patterns, delays=[64], chip="loihi2")


def test_loihi2_files_name_their_chip_and_the_shared_rule(tmp_path: Path) -> None:
    program = sp.compile(spec_for("loihi2", 0)).program
    path = tmp_path / "p.snnp"
    program.save(path)
    assert sp.load(path).chip is CHIPS["loihi2"]
    assert CHIPS["loihi2"].rule is CHIPS["loihi1"].rule


@pytest.mark.snnprog_backend("lava")
def test_loihi2_runs_on_lava() -> None:
    spec = spec_for("loihi2", 1)
    assert sp.verify(sp.compile(spec).program, spec, backends=["reference", "lava"]).exact


def test_a_spec_file_has_its_chips_usual_decays(tmp_path: Path) -> None:
    spec = spec_for("xylo", 0, delays=[1])
    np.savez(tmp_path / "rasters.npz", inputs=spec.patterns[0].inputs, targets=spec.patterns[0].targets)
    patterns = '[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"\n'
    for table, expected in (("", (1, 4)), ("[dynamics]\npotential_decay = 2\n", (1, 2))):
        (tmp_path / "spec.toml").write_text(f'chip = "xylo"\n{table}{patterns}')
        dynamics = sp.load_spec(tmp_path / "spec.toml").dynamics
        assert (dynamics.current_decay, dynamics.potential_decay) == expected
    assert sp.Spec(spec.patterns, delays=[1]).dynamics == sp.Dynamics()


def test_a_name_and_its_chip_give_the_same_spec_and_the_same_program_file(tmp_path: Path) -> None:
    files = [tmp_path / "named.snnp", tmp_path / "given.snnp"]
    chips: tuple[str | Chip, ...] = ("loihi2", CHIPS["loihi2"])
    for chip, file in zip(chips, files, strict=True):
        spec = spec_for(chip, 0)
        assert spec.chip is CHIPS["loihi2"]
        assert spec.digest() == spec_for("loihi2", 0).digest()
        sp.compile(spec).program.save(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_chip_that_is_not_registered_compiles_within_its_own_limits() -> None:
    small = replace(CHIPS["loihi1"], name="small", delays=(1, 3))
    with pytest.raises(sp.LimitError, match="delay must be 1 to 3 on small, got 4"):
        spec_for(small, 0)
    spec = spec_for(small, 0, delays=[1, 2, 3])
    with ProcessPoolExecutor(1) as executor:
        program = sp.compile(spec, executor=executor).program
    assert program.chip is small
    assert sp.verify(program, spec).exact
    with pytest.raises(sp.LimitError, match="delay"):
        program.with_synapses(delay=program.delay + 1)


def test_chips_are_equal_by_value_whatever_process_made_them() -> None:
    for chip in CHIPS.values():
        copied = pickle.loads(pickle.dumps(chip))
        assert (copied, hash(copied)) == (chip, hash(chip))


def test_a_rule_from_another_process_has_the_hash_of_its_equals() -> None:
    """Texts hash otherwise in each process, so a hash that was calculated here must not travel."""
    rule = CHIPS["loihi1"].rule
    assert {rule: "found"}[rule] == "found"
    code = "import pickle, sys; from snnprog.chips import CHIPS; rule = CHIPS['loihi1'].rule"
    code += "; print({rule: 'found'}[pickle.load(sys.stdin.buffer)])"
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    found = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(rule), env=environment, capture_output=True, check=True
    )
    assert found.stdout == b"found\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"delays": 7}, "delays of chip fpga must be 2 integers in a tuple, got 7"),
        ({"delays": (1, 2, 3)}, "delays of chip fpga must be 2 integers in a tuple"),
        ({"delays": (1.5, 3)}, r"delays\[0\] of chip fpga must be an integer, got 1.5"),
        ({"name": 3}, "name of chip 3 must be a string, got 3"),
        ({"rule": "fpga-lif"}, "rule of chip fpga must be a Rule, got 'fpga-lif'"),
        ({"weight_ranges": (-8, 7)}, "weight_ranges of chip fpga must be a WeightRanges"),
        ({"weight_bits": None}, "weight_bits of chip fpga must be an integer, got None"),
        ({"design_exponents": 3}, "design_exponents of chip fpga must be a tuple of integers, got 3"),
        ({"is_exponent_shared": 1}, "is_exponent_shared of chip fpga must be True or False, got 1"),
        ({"cores": "a"}, "cores of chip fpga must be an integer, got 'a'"),
        ({"core": 4}, "core of chip fpga must be a Core, got 4"),
        ({"energy": 4}, "energy of chip fpga must be an Energy, got 4"),
    ],
)
def test_a_field_of_another_type_is_named(changed: dict[str, object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        replace(CHIPS["fpga"], **untyped(changed))


def test_ranges_and_bits_of_weights_that_do_not_match_are_named() -> None:
    chip = CHIPS["fpga"]
    with pytest.raises(
        sp.SpecError, match="weight_bits of chip fpga must be 1 to 15, as wide as weight_ranges, got -6"
    ):
        replace(chip, weight_bits=-6)
    for ranges in ({"excitatory": (-5, 31)}, {"inhibitory": (-31, 5)}):
        with pytest.raises(sp.SpecError, match="weight_ranges of chip fpga must be of one sign but for mixed"):
            replace(chip, weight_ranges=replace(chip.weight_ranges, **untyped(ranges)))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            lambda: WeightRanges(mixed=untyped((-31.5, 31)), excitatory=(0, 31), inhibitory=(-31, 0)),
            r"mixed\[0\] of weight ranges must be an integer, got -31.5",
        ),
        (lambda: Core(neurons=untyped("many")), "neurons of a core must be an integer, got 'many'"),
        (lambda: Core(memory=untyped(4)), "memory of a core must be a SynapticMemory, got 4"),
        (
            lambda: SynapticMemory(1, 1, 0, 1, weight_bits=untyped(8), index_bits=(1,)),
            "weight_bits of a core's memory must be a tuple of integers, got 8",
        ),
        (
            lambda: Energy(1.0, untyped(None), (1.0, 2.0), "a paper"),
            "message of a chip's energy must be a number, got None",
        ),
        (lambda: Layers(1, 1, 1, untyped("x")), "most_fan_out of the layers must be an integer, got 'x'"),
    ],
)
def test_a_field_of_a_part_of_another_type_is_named(part: Callable[[], object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        part()


def test_lists_are_converted_to_tuples() -> None:
    assert replace(CHIPS["fpga"], delays=untyped([1, 3])) == replace(CHIPS["fpga"], delays=(1, 3))
