"""sp.Simulator: in pieces of any sizes, a run is the whole run, on every simulator and every kind of rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import random_raster, single_neuron
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_chips import KINDS, chip_of
from shared_programs import random_program as random_convolutions
from test_kernel import random_program as random_loihi

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS, find_chip
from snnprog.conformance import random_trial
from snnprog.program import BY_POTENTIAL
from snnprog.rules.building import leak, saturate
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.rule import Step, Watch
from snnprog.simulate.event_kernel import EventStepper
from snnprog.simulate.kernel import LayoutStepper, stepper_of
from snnprog.simulate.layout import can_be_laid_out

BUILT_IN = ("kernel", "reference")


def loud_and_late(seed: int) -> sp.Program:
    """Return a program that leaves the portable range, with delays to 63."""
    return random_loihi(seed, loudness=1 + seed % 2, n_inputs=5, n_neurons=9, count=80, delays=63)


def integrator(seed: int, exponent: int = 0) -> sp.Program:
    """Return a program with an output that is read by its potential, and one that spikes."""
    return sp.Program.from_arrays(
        exponent=exponent,
        chip="loihi1",
        n_inputs=2,
        n_neurons=3,
        outputs=[1, 2],
        pre=[0, 1, 2, 2],
        post=[0, 1, 1, 2],
        delay=[1, 1, 2, 1 + seed % 63],
        weight=[30, -7, 11, 50],
        threshold=[25, CHIPS["loihi1"].thresholds[1], 25],
        potential_decay=[205, 0, 205],
        readout=[0, BY_POTENTIAL, 0],
    )


def made_up(index: int) -> Callable[[int], sp.Program]:
    return lambda seed: random_trial(seed, chip_of(KINDS[index])).program


MADE_UP = ("subtracting6", "wrapping16", "ordered32", "resting24")
"""A reset by subtraction, registers that wrap, events that are held one by one, refractory periods."""

PROGRAMS: dict[str, Callable[[int], sp.Program]] = {
    "loihi1": lambda seed: random_trial(seed).program,
    "loud and late": loud_and_late,
    "xylo": lambda seed: random_trial(seed, "xylo").program,
    "convolutions": random_convolutions,
    "readouts": integrator,
    **{kind.name: made_up(index) for index, kind in enumerate(KINDS) if kind.name in MADE_UP},
}


def joined(traces: Sequence[sp.Trace]) -> sp.Trace:
    """Return the trace that pieces make, one after another."""

    def together(name: str) -> Any:
        parts = [getattr(trace, name) for trace in traces]
        return None if parts[0] is None else np.concatenate(parts)

    states = {name: together(name) for name in ("spikes", "currents", "potentials", "readout")}
    return sp.Trace(**states, excursions=sum((trace.excursions for trace in traces), ()))


def check_equal(found: sp.Trace, expected: sp.Trace) -> None:
    for name in ("spikes", "currents", "potentials", "readout"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        assert np.array_equal(one, other), name
    assert found.excursions == expected.excursions


@pytest.fixture(autouse=True)
def _excursions_are_no_news() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.PortabilityWarning)
        yield


def check_pieces(program: sp.Program, raster: Raster, cuts: Sequence[int], backend: str) -> None:
    """Compare a run in pieces with the whole, also after a reset in the middle."""
    pieces = np.split(raster, cuts)
    for record in ("spikes", "state"):
        whole = sp.run(program, raster, backend, record)
        with sp.Simulator(program, backend, record=record) as simulator:
            for piece in pieces[: len(pieces) // 2]:
                simulator.step(piece)
            simulator.reset()
            check_equal(joined([simulator.step(piece) for piece in pieces]), whole)
            assert simulator.tick == len(raster)


@pytest.mark.parametrize("backend", BUILT_IN)
@pytest.mark.parametrize("kind", PROGRAMS)
@given(
    seed=st.just(7),
    ticks=st.integers(1, 150),
    cuts=st.sets(st.integers(1, 149), max_size=12),
    rate=st.sampled_from([0.0, 0.1, 0.7]),
)
@settings(deadline=None, max_examples=6)
def test_pieces_are_the_whole(kind: str, backend: str, seed: int, ticks: int, cuts: set[int], rate: float) -> None:
    """One program each, with refractory periods where there are any: the kernel compiles code for every one."""
    program = PROGRAMS[kind](seed)
    raster = random_raster(seed, ticks, program.n_inputs, rate)
    check_pieces(program, raster, sorted(cut for cut in cuts if cut < ticks), backend)


@pytest.mark.parametrize("kind", ["loihi1", "loud and late", "xylo", "readouts"])
def test_tick_by_tick(kind: str) -> None:
    """Longer than the queue of the kernel, with every cut there is, and both kernels against the reference."""
    program = PROGRAMS[kind](7)
    raster = random_raster(7, 200, program.n_inputs, 0.3)
    whole = sp.run(program, raster, "reference", "state")
    simulator = sp.Simulator(program, record="state")
    check_equal(joined([simulator.step(tick) for tick in raster]), whole)


@pytest.mark.parametrize("backend", BUILT_IN)
@pytest.mark.parametrize("kind", ["loihi1", "xylo", "readouts"])
def test_trials_are_runs(kind: str, backend: str) -> None:
    program = PROGRAMS[kind](7)
    rasters = [random_raster(seed, 40 + seed, program.n_inputs, 0.3) for seed in range(3)]
    with sp.Simulator(program, backend, record="state") as simulator:
        simulator.step(rasters[2])
        for found, raster in zip(simulator.trials(rasters), rasters, strict=True):
            check_equal(found, sp.run(program, raster, "reference", "state"))
        assert simulator.tick == 0
    with pytest.raises(sp.SpecError, match="the simulator is closed"):
        simulator.trials(rasters)


def test_both_kernels_go_on() -> None:
    assert isinstance(stepper_of(random_trial(0).program, state=False), LayoutStepper)
    assert isinstance(stepper_of(random_trial(0, "xylo").program, state=False), EventStepper)


def test_two_simulators_do_not_meet() -> None:
    program = random_trial(3).program
    raster = random_raster(3, 60, program.n_inputs, 0.5)
    one, other = sp.Simulator(program), sp.Simulator(program)
    for tick in raster:
        other.step(~tick)
        one.step(tick)
    one.reset()
    check_equal(joined([one.step(raster[:20]), one.step(raster[20:])]), sp.run(program, raster, "reference"))


def test_traces_stay_as_they_were() -> None:
    """What a step returns is not written to by the next one."""
    program = random_trial(3).program
    raster = random_raster(3, 60, program.n_inputs, 0.5)
    simulator = sp.Simulator(program, record="state")
    first = simulator.step(raster[:30])
    arrays = [array for array in (first.spikes, first.currents, first.potentials) if array is not None]
    kept = [array.copy() for array in arrays]
    simulator.step(raster[30:])
    for array, copy in zip(arrays, kept, strict=True):
        assert np.array_equal(array, copy)


# ------------------------------------------------------------------------------------------------ what a step takes


def chip_that_counts() -> sp.Program:
    """Return a program of a chip like Xylo that adds events up in any order, with thresholds too high to spike twice.

    The kernel for spikes, not counts, would run it.
    """
    xylo = find_chip("xylo")
    gather = Step("gather", "current", Ref("current") + Ref("weight") * Ref("count"))
    rule = replace(xylo.rule, name="adds-up", gather=gather, watched=(Watch("potential", 2**15),))
    rule = rule.with_step("current", leak(saturate(Ref("current"), 16), Ref("current_decay"), rounding=Rounding.MOVING))
    program = sp.Program.from_arrays(
        chip=replace(xylo, name="adds_up", rule=rule),
        n_inputs=2,
        n_neurons=2,
        outputs=[1],
        pre=[0, 1, 2],
        post=[0, 1, 1],
        delay=[1, 1, 1],
        weight=[4, 3, 2],
        exponent=7,
        threshold=[20000, 20000],
        current_decay=[1, 2],
        potential_decay=[3, 4],
    )
    assert can_be_laid_out(program)
    return program


@pytest.mark.parametrize("program", [chip_that_counts(), random_trial(4, "xylo").program], ids=["sum", "xylo"])
@pytest.mark.parametrize("seed", range(5))
def test_spike_counts(program: sp.Program, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 32, (50, program.n_inputs))
    expected = sp.Simulator(program, "reference", record="state").step(counts)
    simulator = sp.Simulator(program, record="state")
    check_equal(joined([simulator.step(tick) for tick in counts]), expected)
    lists = [np.repeat(np.arange(program.n_inputs), tick).tolist() for tick in counts]
    check_equal(joined(list(sp.Simulator(program, record="state").stream(lists))), expected)
    ones = sp.Simulator(program, record="state").step(counts > 0)
    assert ones.currents is not None
    assert expected.currents is not None
    assert not np.array_equal(ones.currents, expected.currents)


def test_a_count_is_so_many_spikes() -> None:
    """Each spike of line 0 adds 4 << 7 to the current of neuron 0, which then loses half of itself."""
    trace = sp.Simulator(chip_that_counts(), record="state").step(np.array([[5, 0], [0, 0]]))
    assert trace.currents is not None
    assert trace.currents[:, 0].tolist() == [0, 5 * (4 << 7) // 2]


def test_what_one_tick_may_be() -> None:
    program = random_trial(0).program
    tick = np.zeros(program.n_inputs, dtype=bool)
    tick[0] = True
    forms: list[Any] = [tick, tick[None], tick.astype(int), [0], (0,), [np.int64(0)], np.asfortranarray(tick[None])]
    raster = np.zeros((30, program.n_inputs), dtype=bool)
    raster[0] = tick
    expected = sp.run(program, raster, "reference", "state")
    for form in forms:
        simulator = sp.Simulator(program, record="state")
        check_equal(joined([simulator.step(form), simulator.step(raster[1:])]), expected)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros(3, dtype=bool), r"inputs has shape \(3,\); give \(1,\) for one tick, or \(ticks, 1\)"),
        (np.zeros((0, 1), dtype=bool), r"inputs has shape \(0, 1\)"),
        (np.zeros((1, 1, 1), dtype=bool), r"inputs has shape \(1, 1, 1\)"),
        (np.zeros(1), r"inputs must hold bools or integers, got type float64; write array\.astype\(bool\)"),
        (np.array([2]), "inputs holds 2; a line of this program carries 0 to 1 spikes in a tick"),
        (np.array([-1]), "inputs holds -1;"),
        ([1], "inputs lists line 1; the program has lines 0 to 0"),
        ([-1], "inputs lists line -1"),
        ([0, 0], "inputs lists line 0 more than 1 times; .* at most 1 spikes in a tick"),
        ([True], "inputs lists True; a list holds the numbers of lines: give bools as an array"),
        ([[0]], r"inputs lists \[0\]"),
        ("0", r"inputs is a str; give a bool array \(ticks, 1\) or \(1,\), or a list of the lines that spike"),
        (None, "inputs is None"),
        ({0}, "inputs is a set"),
    ],
)
def test_inputs_that_are_refused(inputs: Any, message: str) -> None:
    """Nothing has run then."""
    simulator = sp.Simulator(single_neuron())
    with pytest.raises(sp.SpecError, match=message):
        simulator.step(inputs)
    assert simulator.tick == 0


def test_arguments_that_are_refused() -> None:
    program = single_neuron()
    wrong: Any = "everything"
    with pytest.raises(sp.SpecError, match="record must be 'spikes' or 'state', got 'everything'"):
        sp.Simulator(program, record=wrong)
    with pytest.raises(sp.BackendError, match="unknown backend 'nothing'"):
        sp.Simulator(program, "nothing")
    wrong = "p.snnp"
    with pytest.raises(sp.SpecError, match="program"):
        sp.Simulator(wrong)


def test_a_closed_simulator_is_closed() -> None:
    with sp.Simulator(single_neuron()) as simulator:
        simulator.step([0])
    simulator.close()
    with pytest.raises(sp.SpecError, match="the simulator is closed; create another one"):
        simulator.step([0])


def test_one_warning_since_rest() -> None:
    program = single_neuron(weight=254, exponent=7, threshold=131071, current_decay=0, potential_decay=0)
    simulator = sp.Simulator(program)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        traces = list(simulator.stream([[0]] * 60))
        simulator.reset()
        again = list(simulator.stream([[0]] * 60))
    excursion = joined(traces).excursions[0]
    assert 1 < excursion.tick < 60
    assert [str(each.message) for each in told] == [str(excursion)] * 2
    assert joined(again).excursions == (excursion,)


def test_a_potential_that_reaches_the_threshold_is_an_error() -> None:
    for backend in BUILT_IN:
        simulator = sp.Simulator(integrator(0, exponent=7), backend)
        with pytest.raises(
            sp.LimitError,
            match=r"the potential of output 0 \(neuron 1\) must be below its threshold, because the output is",
        ) as error:
            list(simulator.stream([[0]] * 2000))
        assert f" at tick {simulator.tick - 1};" in str(error.value)


# ------------------------------------------------------------------------------------------------------------ streams


def test_a_stream_is_lazy() -> None:
    """A closed loop: each tick's input is made of the output before it."""
    program = single_neuron()
    heard: list[int] = []

    def plant() -> Iterator[list[int]]:
        for tick in range(20):
            yield [] if heard and heard[-1] == tick - 1 else [0]

    simulator = sp.Simulator(program)
    for trace in simulator.stream(plant()):
        assert trace.spikes.shape == (1, 1)
        if trace.spikes[0, 0]:
            heard.append(simulator.tick - 1)
    raster = np.array([[not (tick and tick - 1 in heard)] for tick in range(20)])
    assert heard == np.flatnonzero(sp.run(program, raster, "reference").spikes).tolist() != []


@pytest.mark.parametrize(
    ("events", "ticks"),
    [
        ([], []),
        ([(0, 3)], [[3]]),
        ([(2, None)], [[], [], []]),
        ([(0, None), (0 + 1, 5), (1, 5), (1, None)], [[], [5, 5]]),
        ([(1, 3), (1, 0), (4, 2)], [[], [3, 0], [], [], [2]]),
    ],
)
def test_ticks_of_events(events: list[tuple[int, int | None]], ticks: list[list[int]]) -> None:
    assert list(sp.ticks_of_events(events)) == ticks


def test_a_tick_is_there_once_it_has_ended() -> None:
    pulled: list[int] = []

    def events() -> Iterator[tuple[int, int | None]]:
        for number, event in enumerate([(0, 1), (2, 0), (2, None), (3, 1)]):
            pulled.append(number)
            yield event

    ticks = sp.ticks_of_events(events())
    seen = [(next(ticks), len(pulled)) for _ in range(4)]
    assert seen == [([1], 2), ([], 2), ([0], 3), ([1], 4)]


@pytest.mark.parametrize("events", [[(3, 0), (2, 0)], [(3, None), (3, 0)], [(3, None), (3, None)], [(-1, 0)]])
def test_ticks_never_go_back(events: list[tuple[int, int | None]]) -> None:
    number, tick = len(events) - 1, events[-1][0]
    with pytest.raises(sp.SpecError, match=f"event {number}: tick {tick} has ended; the next events are of tick"):
        list(sp.ticks_of_events(events))


@given(seed=st.integers(0, 1000), ticks=st.integers(1, 60), rate=st.sampled_from([0.02, 0.3]))
@settings(deadline=None, max_examples=30)
def test_events_of_a_raster_make_the_raster(seed: int, ticks: int, rate: float) -> None:
    raster = random_raster(seed, ticks, 4, rate)
    events = [*zip(*(column.tolist() for column in np.nonzero(raster)), strict=True), (ticks, None)]
    lines = list(sp.ticks_of_events(events))
    assert lines == [*(np.flatnonzero(tick).tolist() for tick in raster), []]
