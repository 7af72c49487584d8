"""Chips that share a rule: what is compiled for one runs wherever that rule does."""

from __future__ import annotations

import dataclasses
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.chips import CHIPS, Chip


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
    small = dataclasses.replace(CHIPS["loihi1"], name="small", delays=(1, 3))
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
