"""Chips that share a rule: what is compiled for one runs wherever its semantics does."""

from __future__ import annotations

import numpy as np
import pytest

import snnprog as sp
from snnprog.chips import CHIPS


def spec_for(chip: str, seed: int, **options: object) -> sp.Spec:
    """Return a random spec whose spikes answer what one input of four did a tick before, and one of them three."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((40, 4)) < 0.25
    targets = np.zeros((40, 2), dtype=bool)
    targets[1:, 0], targets[3:, 1] = inputs[:-1, 0], inputs[:-3, 1]
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 5), chip=chip, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_loihi2_compiles_to_the_integers_of_loihi1(seed: int) -> None:
    first, second = (sp.compile(spec_for(chip, seed)).program for chip in ("loihi1", "loihi2"))
    for name in ("pre", "post", "delay", "weight", "exponent", "threshold", "bias"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert sp.verify(second, spec_for("loihi2", seed)).exact


def test_loihi2_refuses_what_it_does_not_have() -> None:
    with pytest.raises(sp.LimitError, match="delay is 64; allowed is 1 to 63 on loihi2"):
        sp.Spec(spec_for("loihi2", 0).patterns, delays=[64], chip="loihi2")


def test_loihi2_files_name_their_chip_and_the_shared_rule(tmp_path: object) -> None:
    program = sp.compile(spec_for("loihi2", 0)).program
    path = f"{tmp_path}/p.snnp"
    program.save(path)
    assert sp.load(path).chip == "loihi2"
    assert CHIPS["loihi2"].semantics == CHIPS["loihi1"].semantics


@pytest.mark.backend("lava")
def test_loihi2_runs_on_lava() -> None:
    spec = spec_for("loihi2", 1)
    assert sp.verify(sp.compile(spec).program, spec, backends=["reference", "lava"]).exact
