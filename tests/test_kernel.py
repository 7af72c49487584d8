"""The kernel against the reference: spikes, states and excursions, whatever the program does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cases import random_raster, single_neuron, states_of
from hypothesis import given, settings
from hypothesis import strategies as st

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.backends import BUILT_IN, KERNEL, REFERENCE, built_in, execution, run_backend
from snnprog.backends.execution import LITTLE_ADDITIONS, LITTLE_TICKS, NEURON_ADDITIONS, READY_SHARE
from snnprog.chips import CHIPS
from snnprog.conformance import random_trial
from snnprog.rules.expressions import End, Expression, Hold, Ref, Rounding, Scale, rebuilt
from snnprog.rules.ranges import Span, reach_of
from snnprog.rules.rule import Rule, Watch
from snnprog.rules.simplifying import simplified
from snnprog.simulate import kernel, reference
from snnprog.simulate.layout import DENSE_SHARE, arriving_span, can_be_laid_out, common_shift, is_narrow, lay_out
from snnprog.simulate.memory import LANES
from snnprog.simulate.parameters import parameters_of
from snnprog.trace import Excursion


def check_equal(program: sp.Program, rasters: list[Raster], threads: int = 1) -> tuple[sp.Trace, ...]:
    """Compare everything that kernel and reference say; return the reference's traces."""
    assert can_be_laid_out(program)
    expected = reference.simulate(program, rasters, state=True)
    found = kernel.run_layout(lay_out(program), rasters, state=True, threads=threads)
    for ours, theirs in zip(expected, found, strict=True):
        for name in ("spikes", "currents", "potentials"):
            one, other = getattr(ours, name), getattr(theirs, name)
            assert one.dtype == other.dtype
            assert np.array_equal(one, other), name
        assert ours.excursions == theirs.excursions
    for ours, theirs in zip(expected, kernel.simulate(program, rasters), strict=True):
        assert np.array_equal(ours.spikes, theirs.spikes)
        assert (theirs.currents, theirs.potentials, theirs.excursions) == (None, None, ours.excursions)
    return tuple(expected)


def random_program(seed: int, *, loudness: int, n_inputs: int, n_neurons: int, count: int, delays: int) -> sp.Program:
    """Draw a program; loudness 0 is quiet, 1 wraps and clips, 2 exceeds 32 bits where many synapses are in parallel."""
    generator = np.random.default_rng(seed)
    modes = generator.integers(1, 4, count)
    magnitude = generator.integers(0, (60, 256, 256)[loudness], count)
    either = np.where(generator.random(count) < 0.5, -1, 1) * (magnitude // 2 * 2)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=generator.permutation(n_neurons)[: generator.integers(1, n_neurons + 1)]
        if seed % 2
        else np.arange(n_neurons),
        pre=generator.integers(0, n_inputs + n_neurons, count),
        post=generator.integers(0, n_neurons if loudness < 2 else 1, count),
        delay=generator.integers(1, delays + 1, count),
        weight=np.select([modes == 2, modes == 3], [magnitude, -magnitude], either),
        exponent=generator.integers((0, 4, 7)[loudness], (3, 8, 8)[loudness], count),
        sign_mode=modes,
        threshold=generator.integers(1, (400, 131072, 131072)[loudness], n_neurons),
        current_decay=generator.choice([0, 1, 163, 2048, 4094, 4095], n_neurons),
        potential_decay=generator.choice([0, 1, 163, 2048, 4094, 4095], n_neurons),
        bias=generator.integers(-4095, 4096, n_neurons) << generator.integers(0, (3, 8, 8)[loudness], n_neurons),
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    loudness=st.integers(0, 1),
    n_inputs=st.integers(0, 12),
    n_neurons=st.integers(1, 2 * LANES + 3),
    per_neuron=st.integers(0, 12),
    delays=st.sampled_from([1, 2, 3, 8, 63]),
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=4),
    threads=st.integers(1, 3),
)
@settings(deadline=None, max_examples=150)
def test_the_kernel_is_the_reference(
    seed: int,
    loudness: int,
    n_inputs: int,
    n_neurons: int,
    per_neuron: int,
    delays: int,
    lengths: list[int],
    threads: int,
) -> None:
    program = random_program(
        seed, loudness=loudness, n_inputs=n_inputs, n_neurons=n_neurons, count=per_neuron * n_neurons, delays=delays
    )
    generator = np.random.default_rng(seed)
    rasters = [generator.random((ticks, n_inputs)) < generator.uniform(0, 0.7) for ticks in lengths]
    check_equal(program, rasters, threads)


@pytest.mark.parametrize("seed", range(4))
def test_silence_is_skipped_and_equals_the_reference(seed: int) -> None:
    """Bursts, and silence in which most potentials come to rest, some at a bias, and some neurons never rest."""
    generator = np.random.default_rng(seed)
    n_neurons = int(generator.integers(1, 2 * LANES))
    drawn = random_program(seed, loudness=0, n_inputs=3, n_neurons=n_neurons, count=4 * n_neurons, delays=9)
    program = replace(
        drawn,
        potential_decay=generator.choice([0, 1024, 4095] if seed % 3 else [1024, 4095], n_neurons),
        current_decay=generator.choice([1024, 4095], n_neurons),
        bias=drawn.bias * (generator.random(n_neurons) < seed % 4 / 8),
    )
    raster = np.zeros((700, 3), np.bool_)
    for start in (0, 37, 300, 301, 640):
        raster[start : start + 4] = generator.random((4, 3)) < 0.5
    check_equal(program, [raster, raster[300:], np.zeros((50, 3), np.bool_), raster[:36]])
    whole, parts = kernel.stepper_of(program, state=True), kernel.stepper_of(program, state=True)
    expected = whole.step(raster.view(np.uint8), 0)
    cuts = [0, 5, 30, 31, 36, 120, 299, 420, 640, 700]
    found = [parts.step(raster[one:other].view(np.uint8), one) for one, other in pairwise(cuts)]
    assert np.array_equal(np.concatenate([each.spikes for each in found]), expected.spikes)
    assert np.array_equal(np.concatenate([states_of(each) for each in found], axis=1), states_of(expected))
    assert sum((each.excursions for each in found), ()) == expected.excursions


@pytest.mark.parametrize("seed", range(40))
def test_the_kernel_is_the_reference_on_the_conformance_programs(seed: int) -> None:
    trial = random_trial(seed)
    check_equal(trial.program, list(trial.inputs))


@pytest.mark.parametrize("seed", range(6))
def test_registers_beyond_32_bits(seed: int) -> None:
    """Thousands of the greatest weights on one neuron: arrivals wrap at 32 bits before they wrap a current."""
    program = random_program(seed, loudness=2, n_inputs=40, n_neurons=3, count=9000, delays=2)
    raster = np.random.default_rng(seed).random((60, 40)) < 0.9
    (trace,) = check_equal(program, [raster])
    layout = lay_out(program)
    assert layout.cells.dtype == np.int64
    assert trace.excursion is not None


def test_arrivals_wrap_at_32_bits() -> None:
    synapses = 2**31 // (255 << 13) + 2
    program = one_neuron(pre=[0] * synapses, weight=[255] * synapses, exponent=[7] * synapses, threshold=[131071])
    (trace,) = check_equal(program, [np.ones((20, 1), dtype=bool)])
    assert trace.excursion is not None
    assert trace.excursion.value == (255 << 13) * synapses >= 2**31
    assert trace.currents is not None
    assert trace.currents.min() < 0


def one_neuron(**changes: Any) -> sp.Program:
    return single_neuron(**{"weight": 255, "threshold": 25, "potential_decay": 0} | changes)


def test_rows_and_lists_both_occur_and_agree() -> None:
    """Line 0 reaches all neurons at delay 2, three times over, and a few at delays 1 and 5; line 1 only a few."""
    neurons = 5 * DENSE_SHARE
    generator = np.random.default_rng(0)
    post = np.concatenate([np.tile(np.arange(neurons), 3), [3, 4, 7, 7], [39, 0, 1]])
    delay = np.concatenate([np.full(3 * neurons, 2), [1, 5, 1, 1], [3, 1, 5]])
    pre = np.concatenate([np.zeros(3 * neurons + 4, dtype=int), [1, 1, 1]])
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=neurons,
        pre=pre,
        post=post,
        delay=delay,
        weight=generator.integers(1, 128, pre.size),
        exponent=3,
        threshold=9000,
        potential_decay=200,
    )
    wires = lay_out(program).wires
    assert wires.row_delay.tolist() == [2]
    assert wires.weight.dtype == np.int8
    assert np.count_nonzero(wires.listed.astype(np.uint8)) == 7
    assert check_equal(program, [generator.random((50, 2)) < 0.5])[0].spikes.any()


def feed_forward(lines: int, weight: int, **changes: Any) -> sp.Program:
    return one_neuron(n_inputs=lines, pre=list(range(lines)), weight=weight, **changes)


@pytest.mark.parametrize("lines", [0, 1, 3, 4, 5, 7, 8, 9, 63, 64, 65])
def test_every_count_of_lines_that_fire(lines: int) -> None:
    """Rows are added in fours, bytes scanned in eights: all that is left over counts, too."""
    program = feed_forward(lines, 7, potential_decay=[4095], threshold=[7 * 63])
    raster = np.tril(np.ones((lines + 1, lines), dtype=bool), -1)
    (trace,) = check_equal(program, [np.concatenate([raster, np.zeros((1, lines), dtype=bool)])])
    assert trace.currents is not None
    assert trace.currents[1:, 0].tolist() == [7 * 64 * count for count in range(lines + 1)]


def test_patterns_are_told_apart() -> None:
    """An excursion belongs to its pattern; nothing of one pattern reaches the next."""
    program = one_neuron(weight=[255], exponent=[7], threshold=[131071])
    loud, quiet = np.ones((14, 1), dtype=bool), np.zeros((14, 1), dtype=bool)
    traces = check_equal(program, [quiet, loud, quiet, loud[:3], loud], threads=2)
    assert [trace.excursion is not None for trace in traces] == [False, True, False, False, True]
    assert kernel.simulate(program, []) == []


def test_the_number_of_threads_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "THREAD_WORK", 1)
    program = random_program(3, loudness=1, n_inputs=9, n_neurons=50, count=900, delays=7)
    generator = np.random.default_rng(3)
    rasters = [generator.random((int(ticks), 9)) < 0.4 for ticks in generator.integers(0, 60, 11)]
    for threads in (1, 2, 3, 8, 20):
        assert any(trace.excursions for trace in check_equal(program, rasters, threads))


def test_patterns_beyond_the_log_run_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "LOG_ENTRIES", 3)
    program = one_neuron(weight=[255], exponent=[7], threshold=[131071])
    traces = check_equal(program, [np.ones((9, 1), dtype=bool)] * 10)
    assert all(trace.excursion is not None for trace in traces)


# ------------------------------------------------------------------------------------------------------- what it proves


@pytest.mark.parametrize(
    ("weights", "shift"),
    [([], 0), ([0, 0], 0), ([3, 8], 0), ([6, -8], 1), ([-256], 8), ([12 << 7, -(2 << 7)], 8)],
)
def test_the_power_of_two_that_all_weights_share(weights: list[int], shift: int) -> None:
    assert common_shift(np.array(weights, dtype=np.int64)) == shift


def test_mixed_weights_fit_eight_bits() -> None:
    program = feed_forward(2, -256, sign_mode=[1, 1])
    assert lay_out(program).wires.rows.dtype == np.int8
    assert lay_out(feed_forward(2, 255)).wires.rows.dtype == np.int16


def test_the_reach_counts_both_signs_apart() -> None:
    program = one_neuron(pre=[0, 0, 0], weight=[200, -50, -40], exponent=[0] * 3)
    reach = arriving_span(program)
    assert (reach.low.tolist(), reach.high.tolist()) == ([-90], [200])


def is_proved_narrow(decay: int, units: int) -> bool:
    """Return whether 32 bits are proved to hold a neuron at which up to so many units of the current can arrive."""
    rule, program = CHIPS["loihi1"].rule, one_neuron(current_decay=[decay])
    spans = {name: Span.of(values) for name, values in parameters_of(program).items()}
    arriving = Span(np.array([-(units >> 6)]), np.array([units >> 6]))
    lean = simplified(rule, reach_of(rule, spans, arriving=arriving))
    return is_narrow(lean, reach_of(lean, spans, arriving=arriving))


@pytest.mark.parametrize(
    ("decay", "units", "narrow"), [(4095, 2**30, True), (4095, 2**31, False), (0, 2**24, True), (0, 2**26, False)]
)
def test_widths_are_proved_by_reach_and_decay(decay: int, units: int, narrow: bool) -> None:
    """Without a current a single tick counts; with a slow one, all that 4096 ticks pile up beyond one fold each."""
    assert is_proved_narrow(decay, units) is narrow


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2048, 4095]), st.sampled_from([2**24, 2**25, 2**27, 2**30]))
@settings(deadline=None, max_examples=60)
def test_no_register_exceeds_what_was_proved(seed: int, decay: int, units: int) -> None:
    """Drive a neuron by the worst arrivals of that reach, in plain integers."""
    if not is_proved_narrow(decay, units):
        return
    generator, current, half = np.random.default_rng(seed), 0, 2**23
    for _ in range(300):
        pushes = units if generator.random() < 0.9 else -units
        current = (abs(current) * (4095 - decay) >> 12) * (1 if current >= 0 else -1) + pushes
        assert abs(current) < 2**31 - 2**24
        current = current - 2 * half if current > half else current + 2 * half if current <= -half else current


# ------------------------------------------------------------------------------------------------------------- choosing


def test_the_kernel_runs_by_default() -> None:
    program, raster = one_neuron(), np.ones((5, 1), dtype=bool)
    assert built_in(program) == KERNEL
    assert "numba" in run_backend(program, [raster]).versions
    assert "numba" not in run_backend(program, [raster], REFERENCE).versions
    assert list(BUILT_IN) == [KERNEL, REFERENCE]
    assert np.array_equal(sp.run(program, raster).spikes, sp.run(program, raster, REFERENCE).spikes)
    with pytest.warns(sp.PortabilityWarning, match="potential of neuron 0 reached"):
        sp.run(one_neuron(exponent=[7], threshold=[131071]), np.ones((9, 1), dtype=bool))


def test_little_work_is_the_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """By ticks of the longest pattern, and by what is computed in all of them: here one synapse and one neuron."""
    monkeypatch.setattr(kernel, "is_ready", lambda program: False)
    program = one_neuron()
    assert (program.n_synapses, program.n_neurons) == (1, 1)
    longest, shorter = (np.ones((ticks, 1), dtype=bool) for ticks in (LITTLE_TICKS, LITTLE_TICKS // 2))
    assert built_in(program, []) == built_in(program, [longest, shorter]) == REFERENCE
    assert built_in(program, [np.ones((LITTLE_TICKS + 1, 1), dtype=bool)]) == KERNEL
    most = LITTLE_ADDITIONS // (1 + NEURON_ADDITIONS) // LITTLE_TICKS
    assert built_in(program, [longest] * most) == REFERENCE
    assert built_in(program, [longest] * (most + 1)) == KERNEL
    shortest = np.ones((1, 1), dtype=bool)
    assert built_in(program, [longest] + [shortest] * most) == REFERENCE
    assert built_in(program, [longest] + [shortest] * 2 * most) == KERNEL, "the reference pads patterns to the longest"


def test_the_kernel_takes_less_work_where_its_machine_code_is_stored() -> None:
    program = one_neuron()
    medium, little = (np.ones((ticks, 1), dtype=bool) for ticks in (LITTLE_TICKS, LITTLE_TICKS // READY_SHARE))
    sp.run(program, little, KERNEL)
    assert kernel.is_ready(program)
    assert built_in(program, [medium]) == KERNEL
    assert built_in(program, [little]) == REFERENCE


def test_the_final_check_of_a_compilation_runs_where_it_takes_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, runs, on_kernel = sp.specs.delay_line(3), [], kernel.simulate

    def counted(program: sp.Program, inputs: Sequence[Raster], *, state: bool) -> list[sp.Trace]:
        runs.append(program)
        return on_kernel(program, inputs, state=state)

    monkeypatch.setattr(kernel, "simulate", counted)
    small = sp.compile(spec)
    assert not runs
    monkeypatch.setattr(execution, "LITTLE_TICKS", 0)
    large = sp.compile(spec)
    assert len(runs) == 1
    assert np.array_equal(np.concatenate(large.chosen), np.concatenate(small.chosen))


LOIHI = CHIPS["loihi1"].rule
U, V, LIMIT = Ref("current"), Ref("potential"), Ref("threshold") << 6
CURRENT, POTENTIAL = LOIHI.step("current").expression, LOIHI.step("potential").expression


def changed(expression: Expression, **changes: Any) -> Expression:
    """Return an expression with some fields of its scalings and registers changed."""

    def change(node: Expression) -> Expression:
        own = {name: value for name, value in changes.items() if hasattr(node, name)}
        return replace(node, **own) if isinstance(node, (Scale, Hold)) and own else node

    return rebuilt(expression, change)


OTHER_RULES: dict[str, Rule] = {
    "decays rounded down": LOIHI.with_step("current", changed(CURRENT, rounding=Rounding.FLOOR)).with_step(
        "potential", changed(POTENTIAL, rounding=Rounding.FLOOR)
    ),
    "decays of 13 bits": LOIHI.with_step("current", changed(CURRENT, bits=13)).with_step(
        "potential", changed(POTENTIAL, bits=13)
    ),
    "a current that is clipped": LOIHI.with_step("current", changed(CURRENT, end=End.CLIP)),
    "a potential that wraps": LOIHI.with_step("potential", changed(POTENTIAL, end=End.WRAP)),
    "equality is a spike": LOIHI.with_step("fire", V >= LIMIT),
    "a reset that subtracts": LOIHI.with_step("reset", V - Ref("spikes") * LIMIT),
    "currents of 31 bits": LOIHI.with_step("current", changed(CURRENT, low=1 - 2**31, high=2**31)),
    "potentials of 31 bits": LOIHI.with_step("potential", changed(POTENTIAL, low=1 - 2**31, high=2**31 - 1)),
}


@pytest.mark.parametrize("name", OTHER_RULES)
def test_the_kernel_runs_other_rules(name: str) -> None:
    """Whatever a rule does otherwise, the kernel does it as the reference does, and it is chosen by default."""
    rule = replace(OTHER_RULES[name], name="another")
    assert rule.steps != LOIHI.steps
    chip = replace(CHIPS["loihi1"], name="other", rule=rule)
    program, raster = replace(one_neuron(), chip=chip), np.ones((5, 1), dtype=bool)
    assert built_in(program) == KERNEL
    assert "numba" in run_backend(program, [raster]).versions
    drawn = [
        random_program(seed, loudness=seed % 2, n_inputs=6, n_neurons=40, count=400, delays=3) for seed in range(4)
    ]
    is_otherwise, is_out = False, False
    for usual in [*drawn, one_neuron(weight=25)]:
        rasters = [random_raster(1, ticks, usual.n_inputs, 0.4) for ticks in (60, 7)]
        traces = check_equal(replace(usual, chip=chip), rasters, threads=2)
        is_out |= any(trace.excursions for trace in traces)
        theirs = reference.simulate(usual, rasters, state=True)
        is_otherwise |= any(
            not np.array_equal(one, other)
            for ours, plain in zip(traces, theirs, strict=True)
            for one, other in zip(states_of(ours), states_of(plain), strict=True)
        )
    assert is_out
    assert is_otherwise


def test_sums_that_are_watched_are_watched_after_each_event() -> None:
    """Their order tells: 200 leaves the range before -150 comes, and is back in it when the tick ends."""
    rule = replace(LOIHI, name="another", watched=(Watch("gather", 200), *LOIHI.watched))
    chip = replace(CHIPS["loihi1"], name="other", rule=rule)
    usual = one_neuron(n_inputs=2, pre=[0, 1], post=[0, 0], delay=[1, 1], weight=[200, -150], exponent=[0, 0])
    raster = np.ones((3, 2), dtype=bool)
    for weights, found in (([200, -150], 200), ([-150, 200], None), ([150, 80], 230)):
        program = replace(usual, chip=chip).with_synapses(weight=weights, sign_mode=[1, 1])
        told = () if found is None else (Excursion(1, 0, "arriving", found, 200),)
        for simulate in (reference.simulate, kernel.simulate):
            (trace,) = simulate(program, [raster])
            assert trace.excursions == told
