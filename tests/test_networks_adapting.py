"""Networks made fit for a chip: resets a tick later, constant drives that begin late, and what no chip can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_graphs import DT, FLAT, IMAGE, NEURON_KINDS, chain, cuba, lif, random_graph, weights
from plain_nir import PlainGraph

import snnprog as sp
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.networks.adapting import CLOCK, adapted_to
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.running import run_network
from snnprog.networks.weights import Kernel
from snnprog.simulate.reference import run_observed

LOIHI = find_chip("loihi1")
CHIPS: dict[tuple[str, str], Chip] = {
    ("zero", ">"): LOIHI,
    ("zero", ">="): find_chip("fpga-ge"),
    ("subtract", ">"): find_chip("fpga-subtract"),
    ("subtract", ">="): find_chip("fpga-subtract-ge"),
}
SHAPES = st.sampled_from([(4,), (1, 4, 4), (2, 5, 3)])
LAYERS = st.lists(st.sampled_from(sorted({*IMAGE, *FLAT})), min_size=1, max_size=6)


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10**9),
    shape=SHAPES,
    layers=LAYERS,
    reset=st.sampled_from(["zero", "subtract"]),
    delay=st.sampled_from([0, 1]),
    compare=st.sampled_from([">", ">="]),
    is_loihi=st.booleans(),
)
def test_whole_numbers_are_kept_exactly(
    seed: int, shape: tuple[int, ...], layers: list[str], reset: str, delay: int, compare: str, is_loihi: bool
) -> None:
    """Whole weights, thresholds and biases: the program spikes as the graph's equations, from the first tick on."""
    graph = random_graph(seed, shape=shape, layers=layers, is_whole=True)
    options: dict[str, Any] = {"reset": reset, "reset_delay": delay, "compare": compare}
    network = sp.from_nir(graph, dt_ms=1.0, **options)
    chip = LOIHI if is_loihi and reset == "zero" else CHIPS[reset, compare]
    inputs = random_raster(seed, 30, int(np.prod(shape)), 0.3)
    result = sp.quantize(network, chip=chip, inputs=[inputs])
    assert {change.quantity: change.changed for change in result.changes}["weight"] == 0
    plain = PlainGraph(graph, DT, **options)
    plain.run({"in": inputs})
    (last,) = [source for source, target in plain.edges if target == "out"]
    (trace,), _ = run_observed(result.program, [inputs])
    population = next(each for each in network.populations if each.name == last)
    found = trace[population.start :, network.neurons_of(last)]
    assert np.array_equal(found, plain.spikes(last)[: len(found)])
    assert result.wrong_bins == 0


def driven(kind: str, seed: int) -> nir.NIRGraph:
    """Return two layers of neurons with a leak of their own and a bias each."""
    rng = np.random.default_rng(seed)
    leak = rng.uniform(0.0, 0.8, 4)
    hidden: Any = cuba(4, seed, v_leak=leak) if kind == "CubaLIF" else lif(4, seed, v_leak=leak)
    nodes = {
        "in": nir.Input(np.array([3])),
        "w": nir.Affine(weights(4, 3, seed), rng.uniform(0.0, 0.05, 4)),
        "a": hidden,
        "v": nir.Affine(weights(2, 4, seed + 1), rng.uniform(0.0, 0.1, 2)),
        "b": lif(2, seed + 2),
        "out": nir.Output(np.array([2])),
    }
    return chain(**nodes)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["LIF", "CubaLIF"]))
def test_constant_drives_begin_with_their_populations(seed: int, kind: str) -> None:
    """The drive of a layer begins when spikes of the first step can reach it, also on the chip."""
    graph = driven(kind, seed)
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    adapted = adapted_to(network, LOIHI)
    assert adapted is not None
    assert adapted.network.populations[-1].name == CLOCK
    inputs = random_raster(seed, 60, 3, 0.2)
    (real,), (clocked,) = run_network(network, [inputs]), run_network(adapted.network, [inputs])
    assert np.array_equal(clocked.spikes[:, : network.n_neurons], real.spikes)
    assert clocked.spikes[:, -1].all()
    assert [each.bias.any() for each in adapted.network.populations] == [kind == "CubaLIF", False, True]


def test_a_population_that_is_called_clock() -> None:
    """The neuron by which constant drives come gets another name, and the network's own is fitted as any other."""
    graph = driven("LIF", 4)
    nodes = {"clock" if name == "a" else name: node for name, node in graph.nodes.items()}
    network, plain = (
        sp.from_nir(each, dt_ms=1.0, reset="zero") for each in (chain(**nodes), chain(**dict(graph.nodes.items())))
    )
    adapted = adapted_to(network, LOIHI)
    assert adapted is not None
    assert [(each.name, each.is_clock) for each in adapted.network.populations][-1] == ("clock'", True)
    inputs = [random_raster(seed, 40, 3, 0.2) for seed in range(8)]
    found, other = (sp.quantize(each, inputs=inputs) for each in (network, plain))
    assert found.fit is not None
    assert found.fit.stages == ("clock", "b")
    assert np.array_equal(found.program.weight, other.program.weight)
    assert found.wrong_bins == other.wrong_bins


def test_a_drive_that_needs_no_clock() -> None:
    """Where spikes come by a Delay, a population starts at once, and its drive is a bias."""
    graph = chain(
        **{
            "in": nir.Input(np.array([2])),
            "d": nir.Delay(np.full(2, 0.001)),
            "w": nir.Affine(weights(2, 2), np.full(2, 0.1)),
            "n": lif(2),
            "out": nir.Output(np.array([2])),
        }
    )
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    assert network.latency.tolist() == [0, 0]
    result = sp.quantize(network)
    assert result.program.n_neurons == 2
    assert result.program.bias.all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_a_synapse_takes_off_what_is_subtracted_too_early(seed: int) -> None:
    """The network made fit, reset at once, spikes as the one that is reset a tick later, with currents and without."""
    graph = random_graph(seed, shape=(4,), layers=["linear", "recurrent"])
    network = sp.from_nir(graph, dt_ms=1.0, reset="subtract", reset_delay=1)
    adapted = adapted_to(network, CHIPS["subtract", ">"])
    assert adapted is not None
    assert not any(population.reset_delay for population in adapted.network.populations)
    inputs = random_raster(seed, 40, 4, 0.3)
    (late,), (early,) = (run_network(each, [inputs]) for each in (network, adapted.network))
    assert np.array_equal(early.spikes[:, : network.n_neurons], late.spikes)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), shape=SHAPES, layers=LAYERS)
def test_second_neurons_hold_the_first_back(seed: int, shape: tuple[int, ...], layers: list[str]) -> None:
    """Neurons that spike again only above twice the threshold get second ones, and spike in the same ticks."""
    graph = random_graph(seed, shape=shape, layers=layers)
    network = sp.from_nir(graph, dt_ms=1.0, exporter="snntorch", reset_delay=0)
    adapted = adapted_to(network, CHIPS["subtract", ">"])
    assert adapted is not None
    assert not adapted.network.convention.holds_back
    inputs = random_raster(seed, 40, int(np.prod(shape)), 0.4)
    (real,), (twice,) = (run_network(each, [inputs]) for each in (network, adapted.network))
    assert np.array_equal(twice.spikes[:, : network.n_neurons], real.spikes)


def held_back(kept: float, *, seed: int = 3) -> TrainedNetwork:
    """Return neurons that often stay above their thresholds: whole weights, so that nothing is rounded but decays."""
    rng = np.random.default_rng(seed)
    fields = {"r": np.ones(4), "v_leak": np.zeros(4), "v_threshold": np.full(4, 4.0)}
    tau = 0.001 / (1.0 - kept)
    graph = chain(
        **{
            "in": nir.Input(np.array([6])),
            "w": nir.Linear(rng.integers(-3, 9, (4, 6)) * tau * 1000.0),
            "n": nir.LIF(tau=np.full(4, tau), **fields),
            "out": nir.Output(np.array([4])),
        }
    )
    return sp.from_nir(graph, dt_ms=1.0, exporter="snntorch", reset_delay=0)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_held_back_neurons_on_a_chip(kept: float) -> None:
    """Exact where nothing is rounded; one neuron for each is wrong in a twentieth of the bins."""
    network, inputs = held_back(kept), random_raster(5, 400, 6, 0.4)
    (real,) = run_network(network, [inputs])
    again = replace(network, convention=replace(network.convention, holds_back=False))
    assert (run_network(again, [inputs])[0].spikes != real.spikes).mean() > 0.05
    result = sp.quantize(network, chip="fpga-subtract", inputs=[inputs])
    assert result.wrong_bins == 0
    assert result.program.n_neurons == 8
    assert any(
        "4 neurons, left above the threshold by a reset" in note and "4 second neurons" in note for note in result.notes
    )


def test_samples_teach_second_neurons_too() -> None:
    """Weights into first and second neurons are fitted together."""
    inputs = [random_raster(seed, 30, 6, 0.4) for seed in range(16)]
    result = sp.quantize(held_back(0.7), chip="fpga-subtract", inputs=inputs, bits=8)
    assert result.fit is not None
    assert result.fit.stages == ("n, second neurons of n",)
    (stage,) = result.fit.calibrated.stages
    assert stage.neurons == 8
    assert stage.bins.fitting == 8 * 30 * 8
    assert stage.wrong.fitting == 0


def test_second_neurons_of_a_convolution_share_its_weights() -> None:
    fields = {"tau": np.full((2, 3, 3), 0.004), "r": np.full((2, 3, 3), 5.0), "v_leak": np.zeros((2, 3, 3))}
    graph = chain(
        **{
            "in": nir.Input(np.array([1, 4, 4])),
            "c": nir.Conv2d((4, 4), weights(2, 4).reshape(2, 1, 2, 2), 1, 0, 1, 1, np.zeros(2)),
            "n": nir.LIF(v_threshold=np.full((2, 3, 3), 0.8), **fields),
            "out": nir.Output(np.array([2, 3, 3])),
        }
    )
    network = sp.from_nir(graph, dt_ms=1.0, exporter="snntorch", reset_delay=0)
    adapted = adapted_to(network, CHIPS["subtract", ">"])
    assert adapted is not None
    assert {type(each.weights) for each in adapted.network.connections} == {Kernel}
    program = sp.quantize(network, chip="fpga-subtract").program
    assert program.n_neurons == 36
    assert len(program.shared) == len(adapted.network.connections)


@pytest.mark.parametrize("chip", ["xylo", CHIPS["subtract", ">="].name])
def test_chips_that_cannot_hold_back_say_so(chip: str) -> None:
    """Neurons of Xylo spike several times in a tick; for these and others, the difference is noted."""
    network = held_back(0.5)
    result = sp.quantize(network, chip=chip, inputs=[random_raster(5, 40, 6, 0.2)])
    assert any("twice the threshold in the next step, as in snnTorch" in note for note in result.notes)
    assert (result.program.n_neurons == 4) == (chip == "xylo")


def test_a_late_reset_to_zero_is_a_pause() -> None:
    graph = random_graph(1, shape=(4,), layers=["linear", "recurrent", "affine", "linear"])
    result = sp.quantize(sp.from_nir(graph, dt_ms=1.0, reset="zero", reset_delay=1))
    for population in result.network.populations:
        period = 1 if isinstance(graph.nodes[population.name], nir.Threshold) else 2
        assert set(result.program.refractory[result.network.neurons_of(population.name)].tolist()) == {period}


def neuron_graph(node: Any) -> nir.NIRGraph:
    return chain(
        **{
            "in": nir.Input(np.array([3])),
            "w": nir.Linear(np.abs(weights(3, 3)) * 20),
            "n": node,
            "out": nir.Output(np.array([3])),
        }
    )


REFUSED: dict[str, tuple[Any, dict[str, Any], str | Chip, str]] = {
    "subtraction on Loihi": (lif(3), {"reset": "subtract"}, "loihi1", "by subtraction of the threshold, and those of"),
    "late subtraction on Loihi": (
        lif(3),
        {"reset": "subtract", "reset_delay": 1},
        "loihi1",
        "by subtraction of the threshold, a tick after the spike, and those of loihi1 to 0",
    ),
    "to zero on a chip that subtracts": (
        lif(3),
        {"reset": "zero"},
        "fpga-subtract",
        "reset to 0, and those of fpga-",
    ),
    "to zero on Xylo": (lif(3), {"reset": "zero"}, "xylo", "reset to 0, and those of xylo by subtraction"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_resets_are_refused_with_a_number(case: str) -> None:
    node, options, chip, message = REFUSED[case]
    network = sp.from_nir(neuron_graph(node), dt_ms=1.0, **options)
    with pytest.raises(SpecError, match=message) as random:
        sp.quantize(network, chip=chip)
    assert "on 8 random inputs, " in str(random.value)
    inputs = random_raster(1, 50, 3, 0.5)
    with pytest.raises(SpecError, match=r"on the given inputs, \d+ bins? would differ \([1-9]\d* spikes?\)"):
        sp.quantize(network, chip=chip, inputs=[inputs])


def test_outputs_that_subtract_late_need_synapses_that_xylo_does_not_have() -> None:
    network = sp.from_nir(neuron_graph(lif(3)), dt_ms=1.0, reset="subtract", reset_delay=1, compare=">=")
    with pytest.raises(SpecError, match=r"outputs of xylo feed no neurons, .*; give reset_delay=0 \(--reset-delay 0\)"):
        sp.quantize(network, chip="xylo")
    at_once = sp.from_nir(neuron_graph(lif(3)), dt_ms=1.0, reset="subtract", compare=">=")
    assert sp.quantize(at_once, chip="xylo").program.n_neurons == 3


def test_inputs_on_which_no_neuron_spikes_show_no_difference() -> None:
    network = sp.from_nir(neuron_graph(lif(3)), dt_ms=1.0, reset="subtract")
    with pytest.raises(SpecError, match=r"loihi1 to 0: on the given inputs, no neuron spikes\. If it was trained"):
        sp.quantize(network, chip="loihi1", inputs=[np.zeros((50, 3), np.bool_)])


@pytest.mark.parametrize("kind", NEURON_KINDS)
def test_neurons_that_keep_nothing_have_no_reset(kind: str) -> None:
    """A Threshold, and neurons whose time constant is a tick, go to any chip whose neurons forget."""
    tick = np.full(3, 0.001)
    fields = {"r": np.full(3, 1.0), "v_leak": np.zeros(3), "v_threshold": np.ones(3)}
    nodes: dict[str, Any] = {
        "LIF": nir.LIF(tau=tick, **fields),
        "CubaLIF": nir.CubaLIF(tau_syn=tick, tau_mem=tick, w_in=np.ones(3), **fields),
        "IF": nir.IF(r=np.full(3, 1000.0), v_threshold=np.ones(3)),
        "Threshold": nir.Threshold(np.ones(3)),
    }
    network = sp.from_nir(neuron_graph(nodes[kind]), dt_ms=1.0, reset="subtract")
    adapted = adapted_to(network, LOIHI)
    assert (adapted is None) == (kind == "IF")


def test_several_spikes_are_noted() -> None:
    graph = neuron_graph(nir.IF(r=np.ones(3), v_threshold=np.ones(3)))
    network = sp.from_nir(graph, exporter="sinabs")
    result = sp.quantize(network, chip="fpga-subtract")
    assert result.mismatch.several > 0
    assert (
        f"neurons spike more than once in {result.mismatch.several} bins of the network; those of fpga-subtract"
        " spike once per tick"
    ) in result.notes


def test_where_comparisons_differ_is_noted() -> None:
    graph = neuron_graph(nir.IF(r=np.full(3, 1000.0), v_threshold=np.ones(3)))
    network = sp.from_nir(graph, dt_ms=1.0, reset="subtract", compare=">=")
    assert (
        "neurons of fpga-subtract spike where their potential is > the threshold, and those of the network where it"
        " is >=: they differ if the two are equal"
    ) in sp.quantize(network, chip="fpga-subtract").notes
