"""Open bins and synapses: what is chosen anew or guessed, and refusals that are proofs, against plain means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import with_wishes

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.compiler.work import Work
from snnprog.design import Design
from snnprog.design.again import choices_of, design_again
from snnprog.design.guesses import guesses
from snnprog.design.neuron import UNDECIDED
from snnprog.design.task import Task
from snnprog.judgement import wrong_bins
from snnprog.spec import with_targets


def raster_of(text: str) -> Raster:
    """Return ticks that are separated by spaces, one character per line."""
    return np.array([[character == "1" for character in tick] for tick in text.split()], dtype=np.bool_)


def pattern_of(inputs: str, targets: str, care: str | None = None) -> sp.Pattern:
    return sp.Pattern(raster_of(inputs), raster_of(targets), None if care is None else raster_of(care))


def wanted_spec(**wishes: object) -> sp.Spec:
    """Return two inputs of which either makes the output spike in time, with a window."""
    patterns = [pattern_of("11 .. .1 .. ..", ". 1 . . 1"), pattern_of("1. .. .. .1 ..", ". . 1 . .")]
    return with_wishes(sp.Spec(patterns, [1, 2], window=(1, 1)), **wishes)


def spikes_of(program: sp.Program, spec: sp.Spec) -> list[Raster]:
    traces = sp.run(program, [pattern.inputs for pattern in spec.patterns])
    return [trace.spikes for trace in traces]


def test_nothing_is_asked_of_bins_that_do_not_count() -> None:
    spec = sp.Spec([pattern_of(".", "1", ".")], [1], window=(0, 1), recurrent=True)
    assert sp.verify(sp.compile(spec).program, spec).exact


def test_a_window_that_lies_before_all_input_is_refused_with_a_proof() -> None:
    spec = sp.Spec([pattern_of(". .", "1 .", "1 .")], [1], window=(2, 0))
    with pytest.raises(sp.InfeasibleError, match="wherever the 1 target spike falls in its window"):
        sp.compile(spec)


@pytest.mark.parametrize(
    "wishes", [{}, {"sparse": True}, {"fan_in": 2}, {"noise": 4.0}, {"recurrent": True}, {"sparse": True, "noise": 2.0}]
)
def test_windows_go_with_all_wishes(wishes: dict[str, object]) -> None:
    spec = wanted_spec(**wishes)
    result = sp.compile(spec)
    assert not wrong_bins(spec, spikes_of(result.program, spec))
    assert sp.verify(result.program, spec).exact
    assert spec.fan_in is None or result.program.n_synapses <= spec.fan_in
    assert all(neuron.noise is None or neuron.noise >= spec.noise for neuron in result.report.neurons)


def test_a_choice_that_is_refused_is_not_made_again() -> None:
    spec = wanted_spec()
    designed: Design | None = Work(spec).designed()
    refused: set[bytes] = set()
    rasters: set[bytes] = set()
    while designed is not None and len(rasters) < 4:
        (neuron,) = (outcome.neuron for outcome in designed.outcomes)
        assert neuron is not None
        assert neuron.raster.tobytes() not in rasters
        rasters.add(neuron.raster.tobytes())
        plain = replace(with_targets(spec, [0], neuron.raster[:, None]), window=(0, 0))
        assert sp.verify(sp.compile(plain).program, spec).exact
        refused |= choices_of(designed, [0])
        designed = design_again(spec, designed, [0], refused)
    assert len(rasters) == 4


def test_integers_that_live_off_truncation_are_found_in_windows_and_within_a_fan_in() -> None:
    """Exact decays forbid it; the truncating ones of Xylo let a weight of 2 and a threshold of 4 do it."""
    pattern = pattern_of("1 1 . 1 1 . 1 . 1 1 1", ". . . . 1 . 1 . . 1 1")
    spec = sp.Spec([pattern], [1], dynamics=sp.Dynamics(7, 3), chip="xylo", window=(0, 1), fan_in=1)
    work = Work(spec)
    undecided = replace(work.designed(), outcomes=(UNDECIDED,))
    built = [work.built(guess, is_brief=True) for guess in guesses(spec, undecided)]
    exact = [each.program for each in built if not each.flawed]
    assert exact
    for program in exact:
        assert not wrong_bins(spec, spikes_of(program, spec))
        assert program.n_synapses <= 1


@pytest.mark.parametrize("wishes", [{}, {"fan_in": 2}, {"sparse": True}])
def test_integers_are_fitted_anew_where_a_design_has_none(wishes: dict[str, object]) -> None:
    spec = wanted_spec(**wishes)
    work = Work(spec)
    fitted = work.fitted(work.designed(), [0])
    assert fitted is not None
    built = work.built(fitted, is_brief=True)
    assert not built.flawed
    assert built.neurons[0].rounding == "fitted"
    assert not wrong_bins(spec, spikes_of(built.program, spec))
    assert spec.fan_in is None or built.program.n_synapses <= spec.fan_in


def test_nothing_is_fitted_anew_where_there_is_nothing_to_find() -> None:
    spec = sp.Spec([pattern_of("1 . 1 .", ". 1 . .")], [1], window=(0, 1), weight_bits=2)
    work = Work(spec)
    assert work.fitted(Design(Task.of(spec), (UNDECIDED,)), [0]) is None
