"""The reference simulator against plain integers, and against a recording of a chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import as_int32, clipped, plain_run, single_neuron, toward_zero, wrapped
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from untyped import untyped

import snnprog as sp
from snnprog.chips import find_chip
from snnprog.program import MIXED, NEURON_ARRAYS, SYNAPSE_ARRAYS
from snnprog.rules import operations
from snnprog.rules.building import clip, fold, wrap
from snnprog.rules.expressions import End, Expression, Hold, Ref, Rounding, Scale, nodes
from snnprog.rules.interpreter import held, rounded
from snnprog.rules.source import ENDS
from snnprog.simulate import simulate

Loader = Callable[[str], dict[str, NDArray[np.generic]]]
Network = dict[str, NDArray[np.generic]]

RECORDING = "slayer_loihi_recorded.npz"
TOP = 2**23
VALUE = Ref("value")


def int64s(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


# ------------------------------------------------------------------------------------------------------- arithmetic


def kinds_for(*numbers: int) -> list[type[np.signedinteger]]:
    """Return the integers that compiled code uses for registers of this size."""
    return [np.int64] if max(map(abs, numbers), default=0) >= 2**31 else [np.int32, np.int64]


def scaled(values: list[int], factors: list[int]) -> list[int]:
    """Return ``values * factors / 2**12`` by the reference, and make sure that compiled code says the same."""
    expected: list[int] = rounded(int64s(values) * int64s(factors), 12, Rounding.TOWARD_ZERO).tolist()
    operation = untyped(operations.scale_toward_zero)
    for kind in kinds_for(*values, *expected):
        pairs = zip(values, factors, strict=True)
        assert [operation(kind(value), kind(factor), 12) for value, factor in pairs] == expected
    return expected


def kept(values: list[int], register: Expression) -> list[int]:
    """Return what a register keeps by the reference, and make sure that compiled code says the same."""
    assert isinstance(register, Hold)
    expected: list[int] = held(int64s(values), register).tolist()
    operation = getattr(operations, ENDS[register.end])
    for kind in kinds_for(*(abs(value) + register.span for value in values), register.high):
        assert [operation(kind(value), register.low, register.high) for value in values] == expected
    return expected


def test_scaling_is_toward_zero_at_every_factor() -> None:
    values = [*range(-40, 41), -TOP, TOP, -4097, 4097, -(TOP - 1), TOP - 1]
    for factor in range(0, 4097, 7):
        expected = [toward_zero(value, factor) for value in values]
        assert scaled(values, [factor] * len(values)) == expected
    assert scaled(values, [4096] * len(values)) == values


@given(st.lists(st.tuples(st.integers(-(2**33), 2**33), st.integers(0, 4096)), min_size=1))
@settings(deadline=None)
def test_scaling_is_toward_zero_for_any_value(pairs: list[tuple[int, int]]) -> None:
    values, factors = (list(column) for column in zip(*pairs, strict=True))
    assert scaled(values, factors) == [toward_zero(*pair) for pair in pairs]


@pytest.mark.parametrize("bits", range(1, 9))
def test_wrapping_exhaustively_at_small_widths(bits: int) -> None:
    half = 2**bits
    values = list(range(-3 * half + 1, 3 * half + 1))
    expected = [(value - half - 1) % (2 * half) - half + 1 for value in values]
    assert set(expected) == set(range(-half + 1, half + 1))
    assert kept(values, fold(VALUE, half)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(TOP, TOP), (TOP + 1, -TOP + 1), (-TOP, TOP), (-TOP + 1, -TOP + 1), (-TOP - 1, TOP - 1), (0, 0), (2 * TOP, 0)],
)
def test_wrapping_at_the_edges(value: int, expected: int) -> None:
    assert kept([value], fold(VALUE, TOP)) == [expected] == [wrapped(value)]


@pytest.mark.parametrize("bits", range(1, 9))
def test_clipping_exhaustively_at_small_widths(bits: int) -> None:
    top = 2**bits - 1
    values = list(range(-3 * top - 3, 3 * top + 4))
    expected = [value if abs(value) <= top else top if value > 0 else -top for value in values]
    assert kept(values, clip(VALUE, -top, top)) == expected
    edges = [TOP, -TOP, TOP - 1, -TOP + 1]
    assert kept(edges, clip(VALUE, 1 - TOP, TOP - 1)) == [clipped(value) for value in edges]


@given(st.lists(st.integers(-(2**40), 2**40) | st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32])))
@settings(deadline=None)
def test_arrivals_are_held_in_32_bits(values: list[int]) -> None:
    assert kept(values, wrap(VALUE, 32)) == [as_int32(value) for value in values]


@pytest.mark.parametrize("bits", range(2, 9))
def test_wrapping_as_often_as_it_takes_exhaustively_at_small_widths(bits: int) -> None:
    span = 2**bits
    values = list(range(-3 * span, 3 * span + 1))
    assert kept(values, wrap(VALUE, bits)) == [(value + span // 2) % span - span // 2 for value in values]


def test_these_are_the_registers_of_loihi() -> None:
    """What is checked above are the parts that the rule is made of."""
    rule = find_chip("loihi1").rule
    ends = {step.name: (node.low, node.high, node.end) for step in rule.steps for node in holds_in(step.expression)}
    assert ends == {
        "arrivals": (-(2**31), 2**31 - 1, End.WRAP),
        "current": (1 - TOP, TOP, End.FOLD),
        "potential": (1 - TOP, TOP - 1, End.CLIP),
    }
    roundings = {
        (node.bits, node.rounding) for step in rule.steps for node in nodes(step.expression) if isinstance(node, Scale)
    }
    assert roundings == {(12, Rounding.TOWARD_ZERO)}


def holds_in(expression: Expression) -> list[Hold]:
    return [node for node in nodes(expression) if isinstance(node, Hold)]


# ---------------------------------------------------------------------------------------------------- whole programs


@st.composite
def programs(draw: st.DrawFn, *, loud: bool) -> sp.Program:
    """Draw a recurrent program; a loud one has the largest weights and biases, so that registers overflow."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_inputs, n_neurons = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    count = draw(st.integers(0, 60 if loud else 25))
    modes = generator.integers(1, 4, count)
    magnitude = generator.integers(128 if loud else 0, 256 if loud else 60, count)
    either = np.where(generator.random(count) < 0.5, -1, 1) * (magnitude // 2 * 2)
    decays = np.array([0, 1, 163, 4095, 4094, 2048]) if not loud else np.array([0, 1, 5, 4095])
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=generator.permutation(n_neurons)[: draw(st.integers(1, n_neurons))],
        pre=generator.integers(0, n_inputs + n_neurons, count),
        post=generator.integers(0, n_neurons, count),
        delay=generator.choice([1, 2, 3, 7, 63], count) if not loud else generator.integers(1, 4, count),
        weight=np.select([modes == 2, modes == 3], [magnitude, -magnitude], either),
        exponent=generator.integers(5, 8, count) if loud else generator.integers(0, 4, count),
        sign_mode=modes,
        threshold=generator.integers(1, 131072 if loud else 400, n_neurons),
        current_decay=generator.choice(decays, n_neurons),
        potential_decay=generator.choice(decays, n_neurons),
        bias=generator.integers(-4095, 4096, n_neurons) << generator.integers(0, 8 if loud else 3, n_neurons),
    )


def check_against_plain_integers(program: sp.Program, seed: int, lengths: list[int]) -> int:
    """Compare everything on several patterns at once; return how many left the portable range."""
    generator = np.random.default_rng(seed)
    rasters = [generator.random((ticks, program.n_inputs)) < 0.6 for ticks in lengths]
    traces = simulate(program, rasters, state=True)
    excursions = 0
    for raster, trace in zip(rasters, traces, strict=True):
        plain = plain_run(program, raster)
        assert trace.currents is not None
        assert trace.potentials is not None
        assert trace.currents.tolist() == plain.currents
        assert trace.potentials.tolist() == plain.potentials
        assert trace.spikes.tolist() == np.array(plain.spikes)[:, program.outputs].tolist()
        found = trace.excursion
        where = None if found is None else (found.tick, found.quantity, found.neuron, found.value)
        assert where == plain.excursion
        excursions += found is not None
    return excursions


LENGTHS = st.lists(st.integers(1, 25), min_size=1, max_size=3)


@given(programs(loud=False), st.integers(0, 2**32 - 1), LENGTHS)
@settings(deadline=None, max_examples=120)
def test_programs_run_as_plain_integers_do(program: sp.Program, seed: int, lengths: list[int]) -> None:
    check_against_plain_integers(program, seed, lengths)


@given(programs(loud=True), st.integers(0, 2**32 - 1), LENGTHS)
@settings(deadline=None, max_examples=120)
def test_programs_that_overflow_run_as_plain_integers_do(program: sp.Program, seed: int, lengths: list[int]) -> None:
    check_against_plain_integers(program, seed, lengths)


def test_both_signs_of_overflow_occur_and_agree() -> None:
    """One neuron's current wraps upward, one's downward; two potentials are clipped, each at its end."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=4,
        pre=[0, 0],
        post=[0, 1],
        weight=[255, -255],
        exponent=7,
        threshold=131071,
        current_decay=0,
        potential_decay=0,
        bias=[0, 0, 4095 << 7, -(4095 << 7)],
    )
    raster = np.ones((30, 1), dtype=bool)
    (trace,) = simulate(program, [raster], state=True)
    plain = plain_run(program, raster)
    assert trace.currents is not None
    assert trace.potentials is not None
    assert trace.currents.tolist() == plain.currents
    assert trace.potentials.tolist() == plain.potentials
    assert trace.currents[:, 0].min() < 0 < trace.currents[:, 1].max()
    assert trace.potentials[:, 3].min() == -(TOP - 1)
    assert trace.spikes[:, 2].any()


def one_neuron(**changes: Any) -> sp.Program:
    return single_neuron(**{"weight": 255, "threshold": 131071, "potential_decay": 0} | changes)


def test_a_program_without_inputs_or_synapses() -> None:
    program = one_neuron(n_inputs=0, pre=[], weight=[], bias=640, threshold=25)
    (trace,) = simulate(program, [np.zeros((7, 0), dtype=bool)], state=True)
    assert trace.spikes.ravel().tolist() == [False, False, True] * 2 + [False]
    assert trace.potentials is not None
    assert trace.potentials.ravel().tolist() == [640, 1280, 0, 640, 1280, 0, 640]


def test_delay_and_comparison() -> None:
    """A spike at t acts at t + delay; the threshold must be exceeded, not met."""
    raster = np.eye(1, 12, dtype=bool).T
    for delay in (1, 4, 11):
        for weight, fires in ((50, False), (51, True)):
            program = one_neuron(delay=[delay], weight=[weight], threshold=[50], potential_decay=[4095])
            (trace,) = simulate(program, [raster])
            assert np.flatnonzero(trace.spikes).tolist() == ([delay] if fires else [])


def test_state_is_recorded_only_when_asked_for() -> None:
    (trace,) = simulate(one_neuron(), [np.ones((3, 1), dtype=bool)])
    assert trace.currents is None
    assert trace.potentials is None
    assert simulate(one_neuron(), []) == []


# ---------------------------------------------------------------------------------------------- the portable range

EXCURSIONS = {
    "arrivals": (
        one_neuron(n_inputs=2, pre=[0, 1], post=[0, 0], delay=[1, 3], weight=[255, 255], exponent=[7, 7]),
        (3, 0, "arrivals", 2 * 255 << 13, 2**21),
    ),
    "a current that wraps": (
        one_neuron(weight=[128], exponent=[7], current_decay=[0], threshold=[1]),
        (9, 0, "current", None, 2**23),
    ),
    "a potential upward": (one_neuron(weight=[250], exponent=[7]), (5, 0, "potential", 5 * 250 << 13, 2**23)),
    "a potential that is reset in time": (one_neuron(weight=[250], exponent=[7], threshold=[100000]), None),
    "a potential downward": (
        one_neuron(weight=[-255], exponent=[6]),
        (9, 0, "potential", -9 * (255 << 12), 2**23),
    ),
}


@pytest.mark.parametrize("name", EXCURSIONS)
def test_the_first_excursion_is_told(name: str) -> None:
    program, expected = EXCURSIONS[name]
    raster = np.ones((14, program.n_inputs), dtype=bool)
    found = simulate(program, [raster])[0].excursion
    plain = plain_run(program, raster).excursion
    if expected is None:
        assert (found, plain) == (None, None)
        return
    tick, neuron, quantity, value, limit = expected
    assert found is not None
    assert (found.tick, found.neuron, found.quantity, found.limit) == (tick, neuron, quantity, limit)
    assert (found.tick, found.quantity, found.neuron, found.value) == plain
    assert value in (None, found.value)
    assert abs(found.value) >= limit
    assert str(found).startswith(f"{quantity} of neuron 0 reached {found.value:,} at tick {tick}; from {limit:,} on")


def test_an_excursion_belongs_to_its_pattern_and_not_to_the_padding_after_it() -> None:
    program = one_neuron(weight=[-255], exponent=[6])
    quiet, loud, short = np.zeros((14, 1), dtype=bool), np.ones((14, 1), dtype=bool), np.ones((9, 1), dtype=bool)
    told = [trace.excursion is not None for trace in simulate(program, [quiet, loud, short])]
    assert told == [False, True, False]
    negative = one_neuron(pre=[], post=[], delay=[], weight=[], exponent=[], bias=[-(4095 << 7)])
    traces = simulate(negative, [np.zeros((ticks, 1), dtype=bool) for ticks in (40, 16, 17)])
    assert [trace.excursion is not None for trace in traces] == [True, False, True]


# ------------------------------------------------------------------------------------------- a recording of a chip


@pytest.fixture
def network(recording: Loader) -> Network:
    return recording(RECORDING)


def recorded_layer(weights: NDArray[np.generic]) -> sp.Program:
    """Return one layer of the recorded network, from its weights (post, pre)."""
    n_neurons, n_inputs = weights.shape
    post, pre = np.nonzero(weights)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=pre,
        post=post,
        weight=weights[post, pre].astype(int),
        sign_mode=MIXED,
        threshold=80,
        current_decay=1023,
        potential_decay=128,
    )


def recorded_raster(events: NDArray[np.generic], neurons: int, ticks: int) -> NDArray[np.bool_]:
    """Return recorded (id, tick) events as a raster."""
    neuron, tick = events.astype(int).T
    raster = np.zeros((ticks, neurons), dtype=bool)
    raster[tick, neuron] = True
    return raster


TICKS = 500


@pytest.fixture
def hidden_trace(network: Network) -> sp.Trace:
    """Return our run of the hidden layer, one tick longer than the recording.

    What the recording has at tick t happens at our tick t + 1, because it counts an input's tick as that of its
    effect. The added input tick is silent, and could not act before our tick 501.
    """
    stimulus = recorded_raster(network["input_spikes_id_t"], 250, TICKS + 1)
    return simulate(recorded_layer(network["W1_mant"]), [stimulus], state=True)[0]


def test_the_recorded_hidden_layer_is_reproduced_in_every_bin(network: Network, hidden_trace: sp.Trace) -> None:
    recorded = recorded_raster(network["hidden_spikes_id_t"], 25, TICKS)
    assert recorded.sum() == 639
    assert not hidden_trace.spikes[0].any()
    assert np.array_equal(hidden_trace.spikes[1:], recorded)
    assert hidden_trace.excursion is None


@pytest.mark.parametrize("neuron", [0, 23, 24])
def test_recorded_hidden_potentials_are_reproduced(neuron: int, network: Network, hidden_trace: sp.Trace) -> None:
    """The record's row i is its tick i + 1, our tick i + 2; where a neuron fires the chip reads 128 and we read 0."""
    assert hidden_trace.potentials is not None
    recorded = network[f"hidden_v{neuron}"].astype(int)
    fired = hidden_trace.spikes[2:, neuron]
    ours = hidden_trace.potentials[2:, neuron]
    assert recorded.shape == ours.shape == (TICKS - 1,)
    assert fired.any()
    assert np.array_equal(recorded, np.where(fired, 128, ours))


def test_the_recorded_output_is_reproduced(network: Network) -> None:
    """Fed the recorded hidden spikes, the output layer answers as recorded, its potential included."""
    hidden = recorded_raster(network["hidden_spikes_id_t"], 25, TICKS)
    recorded = recorded_raster(network["output_spikes_id_t"], 1, TICKS)
    (trace,) = simulate(recorded_layer(network["W2_mant"]), [hidden], state=True)
    assert np.flatnonzero(recorded).tolist() == [57, 60]
    assert np.array_equal(trace.spikes, recorded)
    assert trace.potentials is not None
    ours = np.where(trace.spikes[1:, 0], 128, trace.potentials[1:, 0])
    assert np.array_equal(network["output_v"].astype(int), ours)


def test_the_recorded_network_is_reproduced_as_one_program(network: Network) -> None:
    first, second = (recorded_layer(network[name]) for name in ("W1_mant", "W2_mant"))
    arrays = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in (*SYNAPSE_ARRAYS[2:], *NEURON_ARRAYS)
    }
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=250,
        n_neurons=26,
        pre=np.concatenate([first.pre, second.pre + 250]),
        post=np.concatenate([first.post, second.post + 25]),
        **arrays,
    )
    trace = sp.run(program, recorded_raster(network["input_spikes_id_t"], 250, TICKS + 1))
    recorded = [
        recorded_raster(network[f"{layer}_spikes_id_t"], size, TICKS) for layer, size in (("hidden", 25), ("output", 1))
    ]
    assert np.array_equal(trace.spikes[1:], np.concatenate(recorded, axis=1))
