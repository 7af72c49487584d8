"""The kernel against the reference where its loops branch: around whole words of lines, rows, and calm ticks."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernel import check_equal

import snnprog as sp
from snnprog.program import MIXED
from snnprog.simulate import kernel, reference
from snnprog.simulate.layout import lay_out
from snnprog.simulate.memory import LANES, SCANNED, SHORT_ROW


def dense(n_inputs: int, n_neurons: int, *, delays: int, seed: int) -> sp.Program:
    """Return a program in which every input reaches every neuron, and neurons reach few."""
    generator = np.random.default_rng(seed)
    pre, post = (index.ravel() for index in np.indices((n_inputs, n_neurons)))
    few = generator.integers(0, n_neurons, (2, 2 * n_neurons))
    pre, post = np.concatenate([pre, n_inputs + few[0]]), np.concatenate([post, few[1]])
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=np.arange(n_neurons - seed % 2),
        pre=pre,
        post=post,
        delay=generator.integers(1, delays + 1, pre.size),
        weight=2 * generator.integers(-60, 61, pre.size),
        sign_mode=MIXED,
        threshold=generator.integers(20, 300, n_neurons),
        potential_decay=generator.integers(0, 4096, n_neurons),
    )


@pytest.mark.parametrize("n_inputs", [1, SCANNED - 1, SCANNED, SCANNED + 1, 2 * SCANNED, 2 * SCANNED + 3])
@pytest.mark.parametrize("n_neurons", [LANES - 1, LANES, LANES + 1, 2 * LANES + 1, 3 * LANES + 2])
def test_numbers_of_lines_around_whole_words(n_inputs: int, n_neurons: int) -> None:
    """The last ticks of a raster, and patterns beside one another, which several threads write."""
    program = dense(n_inputs, n_neurons, delays=1, seed=n_inputs + n_neurons)
    generator = np.random.default_rng(n_inputs)
    rasters = [generator.random((ticks, n_inputs)) < 0.1 for ticks in (1, 2, 7, 0, 30)]
    traces = check_equal(program, rasters, threads=3)
    assert traces[-1].spikes.any()


@pytest.mark.parametrize("n_neurons", [SHORT_ROW, SHORT_ROW + 1])
@pytest.mark.parametrize("delays", [1, 3])
def test_short_and_long_rows_of_every_number(n_neurons: int, delays: int) -> None:
    program = dense(11, n_neurons, delays=delays, seed=4)
    raster = np.tri(11, dtype=np.bool_)[:, ::-1]
    check_equal(program, [raster, raster[::-1]])


@pytest.mark.parametrize("steps", [1, 7, 100])
@pytest.mark.parametrize("busy", [(), (40,), (40, 41, 43, 45, 47, 70), (0, 95)])
def test_calm_ticks_and_others_agree(steps: int, busy: tuple[int, ...]) -> None:
    """No more lines fire than are calm, or one more, or all, so that potentials clip or leave the portable range."""
    generator = np.random.default_rng(len(busy))
    pre, post = (index.ravel() for index in np.indices((60, LANES + 3)))
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=60,
        n_neurons=LANES + 3,
        pre=pre,
        post=post,
        weight=2 * generator.integers(-40, 128, pre.size),
        exponent=3,
        sign_mode=MIXED,
        threshold=generator.integers(1000, 131072, LANES + 3),
        potential_decay=300,
    )
    ticks = lay_out(program).ticks
    assert 1 < ticks.calm_lines < 60
    assert ticks.code.watched
    assert not ticks.calm.watched
    raster = np.zeros((100, 60), np.bool_)
    for tick in range(100):
        raster[tick, generator.permutation(60)[: int(generator.integers(0, ticks.calm_lines + 1))]] = True
    for tick in busy:
        raster[tick, : 60 if tick % 2 else ticks.calm_lines + 1] = True
    check_equal(program, [raster, raster[:30], raster], threads=2)
    (whole,) = reference.simulate(program, [raster], state=True)
    stepper, stimulus = kernel.stepper_of(program, state=False), raster.view(np.uint8)
    parts = [stepper.step(stimulus[start : start + steps], start) for start in range(0, 100, steps)]
    assert np.array_equal(np.concatenate([part.spikes for part in parts]), whole.spikes)
    assert bool(whole.excursions) == (len(busy) > 1)
    assert tuple(each for part in parts for each in part.excursions) == whole.excursions


def test_states_are_recorded_after_runs_that_do_not_record_them() -> None:
    program = dense(5, 40, delays=2, seed=6)
    raster = np.random.default_rng(3).random((60, 5)) < 0.2
    with sp.Simulator(program, "kernel") as quiet, sp.Simulator(program, "kernel", record="state") as told:
        for part in (raster[:1], raster[1:40], raster[40:]):
            assert np.array_equal(quiet.step(part).spikes, told.step(part).spikes)
    check_equal(program, [raster])
