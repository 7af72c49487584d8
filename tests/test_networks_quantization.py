"""Networks as programs: every number that is reported is the program's, weights are as fine as the chip has them."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import nir
import numpy as np
import pytest
from by_hand import synapses_of
from cases import random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_graphs import READOUT_KINDS, chain, cuba, deep, lif, random_graph, weights
from untyped import untyped

import snnprog as sp
from snnprog.chips import find_chip
from snnprog.errors import LimitError, SpecError
from snnprog.networks import QuantizedNetwork, TrainedNetwork, from_nir, quantize
from snnprog.networks.neuron import Grid, RealNeuron, grid_of
from snnprog.networks.scaling import scaled
from snnprog.networks.trials import MOST_TRIALS, Trials
from snnprog.simulate import simulate

LOIHI = find_chip("loihi1")


def network_of(graph: Any, **options: Any) -> TrainedNetwork:
    given: dict[str, Any] = {"dt_ms": 1.0, "reset": "zero"}
    return from_nir(graph, **(given | options))


def check_changes(network: TrainedNetwork, result: QuantizedNetwork) -> None:
    """Check every number of the report against the program itself."""
    program, changes = result.program, {change.quantity: change for change in result.changes}
    assert list(changes) == ["weight", "threshold", "bias", "current kept", "potential kept", "delay"]
    assert np.array_equal(changes["weight"].trained, network.parameters)
    assert np.allclose(changes["current kept"].quantized, (4095 - program.current_decay) / 4096, atol=1e-12)
    assert np.allclose(changes["potential kept"].quantized, (4096 - program.potential_decay) / 4096, atol=1e-12)
    scales = np.full(program.n_neurons, np.nan)
    scales[~network.is_readout] = program.threshold[~network.is_readout] / changes["threshold"].quantized
    weight = {(p, n, d): w for p, n, d, w in synapses_of(program)}
    own = network.synapses
    for pre, post, delay, parameter in zip(own.pre, own.post, own.delay, own.parameter, strict=True):
        if not network.is_readout[post]:
            got = weight.get((int(pre), int(post), int(delay)), 0) / scales[post]
            assert changes["weight"].quantized[parameter] == pytest.approx(got, rel=1e-12, abs=1e-15)
    for change in result.changes:
        assert np.array_equal(change.difference, change.quantized - change.trained)
        assert change.worst is not None
        assert change.share[change.worst] == change.share.max()
        assert change.vanished == int(((change.quantized == 0) & (change.trained != 0)).sum())
        assert change.as_dict()["changed"] == change.changed


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_every_number_is_as_near_as_told(seed: int) -> None:
    """Each neuron has the best scale of its own, where a core has thresholds enough."""
    loihi = find_chip("loihi1")
    network = network_of(deep(a=cuba(6, seed), w1=nir.Linear(weights(6, 4, seed))))
    result = quantize(network, chip=replace(loihi, core=replace(loihi.core, thresholds=None)))
    check_changes(network, result)
    weight, threshold, _, current, potential, delay = result.changes
    assert weight.share.max() <= 0.5 / 128  # at least half of the mantissas are in use
    assert threshold.share.max() < 0.02
    assert current.share.max() <= 0.5 / 4096
    assert potential.share.max() <= 0.5 / 4096
    assert delay.changed == 0


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9), layers=st.lists(st.sampled_from(["conv2d", "sum", "flatten", "scale"]), max_size=4))
def test_numbers_of_convolutions_are_told_too(seed: int, layers: list[str]) -> None:
    network = network_of(random_graph(seed, shape=(2, 5, 5), layers=["conv2d", *layers]))
    result = quantize(network)
    program, synapses = result.program, network.synapses
    got = (
        result.changes[0].quantized[synapses.parameter]
        if network.parameters.size == result.changes[0].quantized.size
        else None
    )
    scale = program.threshold / np.where(result.changes[1].trained.size, result.changes[1].quantized, 1.0)
    if got is None or network.is_readout.any():
        return
    asked: dict[tuple[int, int, int], float] = {}
    for pre, post, delay, each in zip(synapses.pre, synapses.post, synapses.delay, got, strict=True):
        key = int(pre), int(post), int(delay)
        asked[key] = asked.get(key, 0.0) + float(each) * float(scale[post])
    found: dict[tuple[int, int, int], int] = {}
    for p, n, d, w in synapses_of(program):
        found[p, n, d] = found.get((p, n, d), 0) + w
    for key, value in asked.items():
        assert found.get(key, 0) == pytest.approx(value, abs=1e-6 * max(1.0, abs(value)))


def test_wrong_bins_are_those_of_the_inputs() -> None:
    nodes = {
        "in": nir.Input(np.array([6])),
        "w": nir.Linear(weights(4, 6, 8)),
        "n": lif(4, 8, tau=np.full(4, 0.02)),
        "rec": nir.Linear(weights(4, 4, 9) / 3),
        "out": nir.Output(np.array([4])),
    }
    graph = nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "rec"), ("rec", "n"), ("n", "out")])
    network = network_of(graph)
    for seed in range(6):
        inputs = [random_raster(seed, 400, 6, 0.2), random_raster(seed, 30, 6, 0.4)]
        result = quantize(network, inputs=inputs, bits=5)
        reals, traces = sp.networks.run_network(network, inputs), simulate(result.program, inputs)
        wrong = sum(int((a.spikes != b.spikes).sum()) for a, b in zip(reals, traces, strict=True))
        assert result.wrong_bins == wrong == result.mismatch.output_bins
        assert result.mismatch.spikes == sum(int(real.spikes.sum()) for real in reals) > 50
        assert result.mismatch.bins == 430 * 4
        check_changes(network, result)
    told = quantize(network).as_dict()
    assert told["wrong_bins"] is None
    assert untyped(told["mismatch"])["inputs"] == "random"


# ---------------------------------------------------------------- scales


def neuron(seed: int, **changes: Any) -> RealNeuron:
    """Return a neuron whose weights spread over so many octaves."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    fields: dict[str, Any] = {
        "name": "neuron 0",
        "weights": rng.normal(0.0, 1.0, n) * 2.0 ** -rng.uniform(0, rng.integers(0, 9) + 1e-9, n),
        "copies": np.ones(n, np.int64),
        "threshold": float(rng.uniform(0.3, 20.0)),
        "bias": float(rng.choice([0.0, rng.uniform(-0.1, 0.1)])),
        "is_equal_a_spike": False,
        "rule": LOIHI.linear_rule(int(rng.integers(500, 4096)), int(rng.integers(100, 2000))),
    }
    return RealNeuron(**(fields | changes))


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**9))
def test_exponents_of_their_own_are_never_coarser(seed: int) -> None:
    """One exponent per synapse, against one per neuron: no greater squared error, no more weights that became 0.

    But for a millionth, where rounding decides at which scales no register comes to its end.
    """
    each = neuron(seed)
    own, common = grid_of(LOIHI), Grid(LOIHI.weight_limit, LOIHI.exponents, has_ladder=False)
    errors, zeros = [], []
    for grid in (own, common):
        found = scaled(each, LOIHI, grid=grid)
        got = found.mantissas * 2.0**found.exponents / found.scale
        errors.append(float(((got - each.weights) ** 2).sum() + (found.threshold / found.scale - each.threshold) ** 2))
        zeros.append(int((found.mantissas == 0).sum()))
        assert np.abs(got - each.weights).max() <= 0.51 * np.abs(each.weights).max() / 128
    assert errors[0] <= errors[1] + 1e-6 * float(np.abs(each.weights).max()) ** 2
    assert zeros[0] <= zeros[1]


def test_a_thousand_wide_weights_are_tried_at_few_scales() -> None:
    """Far thresholds on a chip of 15-bit weights: work and what is kept are bounded, and small scales are there."""
    chip = sp.chips.find_chip("fpga-subtract")
    rng = np.random.default_rng(1)
    changes: dict[str, Any] = {"rule": chip.linear_rule(4095, 1), "copies": np.ones(1000, np.int64)}
    each = neuron(1, weights=rng.normal(0.0, 1.0, 1000), threshold=4e5, bias=0.0, **changes)
    trials = Trials.at(each, chip, grid_of(chip), 0)
    assert 16 <= trials.size * 1000 <= MOST_TRIALS
    found = scaled(each, chip, grid=grid_of(chip))
    assert found.mantissas.base is found.exponents.base is None
    assert 1 <= np.abs(found.mantissas).max() < 2


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**9), bits=st.integers(1, 8))
def test_bits_are_kept(seed: int, bits: int) -> None:
    """Each weight is nearest on the grid of its own exponent; a single bit leaves no choice of exponents."""
    each = neuron(seed)
    found = scaled(each, LOIHI, grid=grid_of(LOIHI, bits))
    most = max(1, 2 ** (bits - 1) - 1)
    assert np.abs(found.mantissas).max(initial=0) <= most
    off = np.abs(found.mantissas * 2.0**found.exponents - each.weights * found.scale)
    assert (off <= 0.5 * 2.0**found.exponents * (1.0 + 1e-9)).all()
    assert bits > 1 or len(set(found.exponents.tolist())) <= 1


@pytest.mark.parametrize("bits", [None, 8])
def test_an_outlier_does_not_erase_the_others(bits: int | None) -> None:
    """The case of a review: with one exponent per neuron, a weight 400 times the others erased 73 of 100."""
    rng = np.random.default_rng(0)
    row = rng.normal(0.0, 0.3, 100)
    row[0] = 120.0
    graph = chain(
        **{
            "in": nir.Input(np.array([100])),
            "w": nir.Linear(row[None]),
            "n": lif(1, r=np.full(1, 20.0), tau=np.full(1, 0.01)),
            "out": nir.Output(np.array([1])),
        }
    )
    change = quantize(network_of(graph), bits=bits).changes[0]
    assert change.vanished == change.as_dict()["vanished"]
    assert change.vanished <= 3
    each, common = neuron(1, weights=row, copies=np.ones(100, np.int64)), Grid(127, LOIHI.exponents, has_ladder=False)
    assert (scaled(each, LOIHI, grid=common).mantissas == 0).sum() > 50


@pytest.mark.parametrize("potential_decay", [0, 1, 2])
def test_widths_do_not_make_weights_coarse(potential_decay: int) -> None:
    """A neuron that keeps all has no bound: it is rounded as finely as others, and the program says so."""
    graph = chain(
        **{
            "in": nir.Input(np.array([20])),
            "w": nir.Linear(weights(5, 20, 3)),
            "n": nir.IF(r=np.full(5, 1000.0), v_threshold=np.full(5, 3.0))
            if not potential_decay
            else lif(5, tau=np.full(5, 4.096 / potential_decay), r=np.full(5, 4000.0)),
            "out": nir.Output(np.array([5])),
        }
    )
    result = quantize(network_of(graph))
    assert result.changes[0].share.max() <= 0.5 / 128
    assert result.changes[1].share.max() < 0.03
    has_note = any(
        "some inputs may take its state out of the range in which all runtimes agree" in note for note in result.notes
    )
    assert has_note


# ---------------------------------------------------------------- notes and refusals


def test_what_never_spikes_is_told() -> None:
    graph = deep(b=lif(3, v_threshold=np.array([0.5, 1e5, 200.0])))
    notes = quantize(network_of(graph)).notes
    assert "2 neurons can never spike for any input" in notes
    graph = deep(a=cuba(6, v_threshold=np.full(6, 300.0)), b=lif(3, v_threshold=np.full(3, 90.0), tau=np.full(3, 1.0)))
    notes = quantize(network_of(graph)).notes
    assert any(
        note.startswith("no neuron of 'a' and 'b' spikes on random inputs; check dt_ms and the exporter")
        for note in notes
    )


def test_far_thresholds_are_told() -> None:
    node = lif(3, v_threshold=np.full(3, 150.0), tau=np.full(3, 1.0), r=np.full(3, 1000.0))
    graph = chain(
        **{
            "in": nir.Input(np.array([3])),
            "w": nir.Linear(np.full((3, 3), 1.0)),
            "n": node,
            "out": nir.Output(np.array([3])),
        }
    )
    assert (
        "the thresholds of 3 neurons are up to 150 times the largest weight; check dt_ms and the exporter"
        in quantize(network_of(graph)).notes
    )


def test_delays_that_are_rounded_are_told() -> None:
    network = network_of(deep(far=nir.Delay(np.full(4, 0.0034))))
    assert network.notes == ("b: delays are not whole numbers of ticks, and were rounded",)
    assert quantize(network).changes[-1].changed == 1


def test_paths_of_delays_that_round_to_one_tick_are_one_synapse() -> None:
    nodes = {
        "in": nir.Input(np.array([1])),
        "d": nir.Delay(np.array([0.0021])),
        "e": nir.Delay(np.array([0.0019])),
        "n": lif(1),
        "out": nir.Output(np.array([1])),
    }
    edges = [("in", "d"), ("in", "e"), ("d", "n"), ("e", "n"), ("n", "out")]
    network = network_of(nir.NIRGraph(nodes, edges))
    gain = 0.001 / nodes["n"].tau * nodes["n"].r
    assert [connection.delay for connection in network.connections] == [2]
    assert network.parameters == pytest.approx(2 * gain)
    assert quantize(network).changes[-1].share == pytest.approx([0.1])


def test_what_no_chip_holds() -> None:
    with pytest.raises(
        LimitError,
        match=r"threshold of neuron 6, in units of its largest weight, must be at most \d+ on loihi1, got .*; scale the"
        r" weights up",
    ):
        quantize(network_of(deep(b=lif(3, v_threshold=np.full(3, 1e9)))))
    with pytest.raises(LimitError, match="delay must be 1 to 63 on loihi1, got 102; take a longer tick"):
        quantize(network_of(deep(far=nir.Delay(np.full(4, 0.1)))))
    with pytest.raises(LimitError, match="bits must be 1 to 8 on loihi1, got 10; the sign is one of the bits"):
        quantize(network_of(deep()), bits=10)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.zeros((3, 5), dtype=bool)], r"inputs\[0\] must have 4 lines, got 5"),
        ([[1]], r"inputs\[0\] must have two axes \(ticks, neurons\), got shape \(1,\)"),
        ([], "inputs must hold at least one raster"),
    ],
)
def test_inputs_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        quantize(network_of(deep()), inputs=inputs)


@pytest.mark.parametrize("option", [{"dt_ms": 1.0}, {"reset": "zero"}, {"reset_delay": 0}, {"compare": ">"}])
def test_options_of_reading_come_too_late(option: dict[str, Any]) -> None:
    with pytest.raises(
        SpecError, match=f"{next(iter(option))} must be given to from_nir or from_net, which read the network"
    ):
        quantize(network_of(deep()), **option)


def test_a_path_and_a_graph_are_read(tmp_path: Any) -> None:
    nir.write(tmp_path / "deep.nir", deep())
    options: dict[str, Any] = {"dt_ms": 1.0, "reset": "zero"}
    found = [quantize(source, **options) for source in (tmp_path / "deep.nir", str(tmp_path / "deep.nir"), deep())]
    assert [each.program.weight.tolist() for each in found] == [found[0].program.weight.tolist()] * 3


@pytest.mark.parametrize("kind", READOUT_KINDS)
def test_readouts_divided_by_their_scales_are_the_network_s(kind: str) -> None:
    network = network_of(random_graph(2, shape=(6,), layers=["linear"], readout=kind))
    inputs = random_raster(2, 60, 6, 0.3)
    result = quantize(network, inputs=[inputs])
    (real,) = sp.networks.run_network(network, [inputs], potentials=True)
    (trace,) = simulate(result.program, [inputs], state=True)
    assert result.wrong_bins == 0
    assert real.potentials is not None
    assert trace.potentials is not None
    expected, found = real.potentials[:, network.outputs], trace.potentials[:, network.outputs] / result.readout_scales
    assert np.abs(found - expected).max() < 0.005 * np.abs(expected).max()  # at one scale for both
    assert result.as_dict()["readout_scales"] == result.scales[network.outputs].tolist()
    assert not trace.spikes.any()


# ---------------------------------------------------------------- Xylo


def fitting(rng: np.random.Generator, n: int, shift: tuple[int, int] = (2, 4)) -> nir.CubaLIF:
    """Return neurons of Rockpool whose decays are Xylo's: 1 - 1/2**shift is kept."""
    tau_syn, tau_mem = (np.full(n, -0.001 / math.log(1 - 0.5**each)) for each in shift)
    r = tau_mem * np.exp(-0.001 / tau_mem) / 0.001
    return nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau_mem, r=r, v_leak=np.zeros(n), v_threshold=rng.uniform(0.8, 1.2, n))


def xylo_network(seed: int) -> TrainedNetwork:
    rng = np.random.default_rng(seed)
    return from_nir(
        chain(
            **{
                "in": nir.Input(np.array([8])),
                "w": nir.Linear(rng.normal(0.02, 0.1, (12, 8))),
                "a": fitting(rng, 12),
                "v": nir.Linear(rng.normal(0.02, 0.1, (4, 12))),
                "b": fitting(rng, 4),
                "out": nir.Output(np.array([4])),
            }
        ),
        exporter="rockpool",
    )


@pytest.mark.parametrize("seed", range(4))
def test_networks_of_rockpool_go_to_xylo(seed: int) -> None:
    """Decays fit, and most spikes are the network's; kernel and reference agree on all."""
    network = xylo_network(seed)
    inputs = [random_raster(each, 100, 8, 0.3) for each in range(4)]
    result = quantize(network, chip="xylo", inputs=inputs)
    assert [change.share.max() < 1e-6 for change in result.changes[3:5]] == [True, True]
    program = result.program
    layers = [program.exponent[np.isin(program.post, program.outputs) == is_read] for is_read in (False, True)]
    assert [len(set(each.tolist())) for each in layers] == [1, 1]
    assert result.mismatch.spikes > 100
    assert result.mismatch.wrong_bins < 0.5 * result.mismatch.spikes
    with pytest.warns(sp.PortabilityWarning) if result.mismatch.excursion else nullcontext():
        reference = sp.run(program, inputs, backend="reference")
        kernel = sp.run(program, inputs, backend="kernel")
    assert all(np.array_equal(a.spikes, b.spikes) for a, b in zip(reference, kernel, strict=True))


def test_what_does_not_fit_xylo() -> None:
    rng = np.random.default_rng(0)
    nodes = {"in": nir.Input(np.array([17])), "w": nir.Linear(weights(3, 17)), "a": fitting(rng, 3)}
    graph = chain(**nodes, out=nir.Output(np.array([3])))
    with pytest.raises(LimitError, match="17"):
        quantize(from_nir(graph, exporter="rockpool"), chip="xylo")


def test_the_subtracting_core_takes_what_subtracts() -> None:
    rng = np.random.default_rng(1)
    tau = np.full(6, 0.01)
    node = nir.LIF(tau=tau, r=tau / 0.001, v_leak=np.zeros(6), v_threshold=np.ones(6))
    nodes = {"in": nir.Input(np.array([9])), "w": nir.Linear(rng.normal(0.1, 0.3, (6, 9))), "a": node}
    network = network_of(chain(**nodes, out=nir.Output(np.array([6]))), reset="subtract")
    inputs = [random_raster(each, 100, 9, 0.3) for each in range(4)]
    result = quantize(network, chip="fpga-subtract", inputs=inputs)
    assert result.mismatch.wrong_bins < 0.02 * result.mismatch.spikes


def test_the_first_excursion_is_where_a_run_finds_it() -> None:
    network = xylo_network(0)
    inputs = [random_raster(each, 100, 8, 0.3) for each in range(3)]
    result = quantize(network, chip="xylo", inputs=inputs)
    traces = simulate(result.program, inputs)
    assert result.mismatch.excursion == next((each.excursion for each in traces if each.excursion), None) is not None


@pytest.mark.parametrize(("chip", "options"), [("loihi1", {"reset": "zero"}), ("xylo", {"reset": "subtract"})])
def test_weights_that_are_all_zero(chip: str, options: dict[str, Any]) -> None:
    graph = chain(
        **{
            "in": nir.Input(np.array([3])),
            "w": nir.Linear(np.zeros((4, 3))),
            "n": lif(4),
            "out": nir.Output(np.array([4])),
        }
    )
    network = sp.from_nir(graph, dt_ms=1.0, **options)
    for inputs in (None, [random_raster(seed, 20, 3, 0.3) for seed in range(8)]):
        result = quantize(network, chip=chip, inputs=inputs)
        assert result.program.n_synapses == 0
        assert "no neuron of 'n' spikes" in " ".join(result.notes)


def test_weights_that_are_too_large_for_a_threshold() -> None:
    each = neuron(1, weights=np.array([2.0**100, 1.0]), copies=np.ones(2, np.int64), threshold=1.0, bias=0.0)
    with pytest.raises(LimitError, match=r"largest weight, must be at least 3\.06e-05 on loihi1, got 7\.88\d+e-31"):
        scaled(each, LOIHI, grid=grid_of(LOIHI))
