"""Networks fitted to sample inputs: through `quantize`, as users do it, and on the command line."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from command_line import Command
from nir_graphs import chain, lif, weights

import snnprog as sp
from snnprog.coding import highest_potential
from snnprog.errors import LimitError, SpecError
from snnprog.networks import TrainedNetwork, from_nir, quantize, run_network, wrong_output_bins
from snnprog.simulate import simulate

SAMPLES = [random_raster(seed, 40, 8, 0.25) for seed in range(40)]
LABELS = np.arange(40) % 3


def graph(**changes: Any) -> nir.NIRGraph:
    """Return two layers of LIF neurons."""
    nodes = {
        "in": nir.Input(np.array([8])),
        "w1": nir.Linear(weights(12, 8, 1)),
        "hidden": lif(12, 1),
        "w2": nir.Linear(weights(3, 12, 2)),
        "last": lif(3, 2),
        "out": nir.Output(np.array([3])),
    }
    return chain(**(nodes | changes))


def network(reset: str = "zero", **changes: Any) -> TrainedNetwork:
    return from_nir(graph(**changes), dt_ms=1.0, reset=reset)


def wrong_on(program: sp.Program, trained: TrainedNetwork, inputs: list[Any]) -> int:
    """Count wrong bins of the neurons that are read out, by a run of its own."""
    real = run_network(trained, inputs)
    found = simulate(program, inputs)
    return sum(int((a.spikes != b.spikes[:, trained.outputs]).sum()) for a, b in zip(found, real, strict=True))


def test_fitted_weights_are_better_than_rounded_ones() -> None:
    fitted, rounded = (quantize(network(), inputs=SAMPLES, bits=4, fit=fit) for fit in (True, False))
    assert fitted.fit is not None
    assert rounded.fit is None
    assert fitted.mismatch.wrong_bins < 0.8 * rounded.mismatch.wrong_bins
    assert fitted.mismatch.output_bins == wrong_on(fitted.program, network(), SAMPLES)
    stages = fitted.fit.calibrated.stages
    assert sum(stage.wrong.choosing for stage in stages) <= sum(stage.wrong_rounded.choosing for stage in stages)
    assert np.abs(fitted.program.weight).max() <= 7
    weight = fitted.changes[0]
    assert weight.share.max() > rounded.changes[0].share.max() > 0


def test_reports_add_up() -> None:
    result = quantize(network(), inputs=SAMPLES, labels=LABELS, bits={"hidden": 3, "last": 6})
    told = json.loads(json.dumps(result.as_dict()))["fit"]
    assert [stage["bits"] for stage in told["stages"]] == [3, 6]
    assert [stage["populations"] for stage in told["stages"]] == ["hidden", "last"]
    assert sum(told["samples"]) == 40
    wrong = sum(sum(stage["wrong"]) for stage in told["stages"])
    assert wrong == result.mismatch.wrong_bins
    assert set(told["accuracy"]) == {"network", "program", "if_rounded"}


def test_the_fewest_bits() -> None:
    result = quantize(network(), inputs=SAMPLES, bits="least", tolerance=0.2)
    assert result.fit is not None
    assert result.fit.fewest is not None
    assert all(bits is not None and bits < 8 for bits in result.fit.bits)
    assert result.fit.fewest.trials[0].bits == (8, 8)


@pytest.mark.parametrize("seed", range(3))
def test_a_pause_after_each_spike_is_fitted(seed: int) -> None:
    trained = from_nir(graph(), dt_ms=1.0, reset="zero", reset_delay=1)
    fitted, rounded = (quantize(trained, inputs=SAMPLES, seed=seed, fit=fit) for fit in (True, False))
    assert (fitted.program.refractory == 2).all()
    assert fitted.fit is not None
    stages = fitted.fit.calibrated.stages
    assert sum(stage.wrong.held_out for stage in stages) <= sum(stage.wrong_rounded.held_out for stage in stages)
    assert fitted.wrong_bins == sum(sum(stage.wrong.as_tuple) for stage in stages)
    assert fitted.mismatch.wrong_bins <= rounded.mismatch.wrong_bins
    assert fitted.mismatch.output_bins == wrong_on(fitted.program, trained, SAMPLES)


def test_pruning_keeps_a_share() -> None:
    full, pruned = (quantize(network(), inputs=SAMPLES, keep=keep).program.n_synapses for keep in (1.0, 0.5))
    assert pruned <= 0.5 * (8 * 12 + 12 * 3) + 1 < full


def test_a_network_that_subtracts_is_fitted_to_a_chip_that_does_not() -> None:
    trained = network("subtract")
    with pytest.raises(SpecError, match=r"would differ .* give inputs= "):
        quantize(trained)
    with pytest.raises(SpecError, match="on the given inputs"):
        quantize(trained, inputs=SAMPLES, fit=False)
    result = quantize(trained, inputs=SAMPLES)
    assert result.mismatch.output_bins == wrong_on(result.program, trained, SAMPLES) > 0
    exact = quantize(trained, inputs=SAMPLES, chip="fpga-subtract")
    assert exact.mismatch.wrong_bins < result.mismatch.wrong_bins / 10


def test_readouts_and_constant_drives_beside_fitted_layers() -> None:
    trained = network(
        w1=nir.Affine(weights(12, 8, 1), np.linspace(-0.1, 0.1, 12)),
        last=nir.LI(np.full(3, 0.02), np.full(3, 5.0), np.zeros(3)),
    )
    result = quantize(trained, inputs=SAMPLES)
    assert result.fit is not None
    assert result.fit.stages == ("hidden",)
    (real,) = run_network(trained, SAMPLES[:1], potentials=True)
    (trace,) = sp.run(result.program, SAMPLES[:1])
    assert real.potentials is not None
    assert trace.readout is not None
    expected = real.potentials[:, trained.outputs]
    assert np.abs(trace.readout / result.readout_scales - expected).max() < 0.05 * np.abs(expected).max()


def test_the_same_twice() -> None:
    first, second = (quantize(network(), inputs=SAMPLES, bits=3, seed=5).program for _ in range(2))
    for name in ("weight", "exponent", "threshold", "bias"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_what_is_too_little_is_rounded_and_said() -> None:
    result = quantize(network(), inputs=SAMPLES[:3])
    assert result.fit is None
    assert result.notes[-1] == ("weights are rounded: 4 inputs or more are required to fit them (some are held out)")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bits": "most"}, SpecError, "bits must be an integer, 'least', or a dictionary from"),
        ({"bits": 9}, LimitError, "bits must be 1 to 8 on loihi1, got 9"),
        (
            {"bits": {"nowhere": 3}},
            SpecError,
            "bits must name populations of the network, 'hidden' and 'last', got 'nowhere'",
        ),
        (
            {"bits": "least", "inputs": None},
            SpecError,
            "bits='least' needs weights that are fitted to inputs \\(inputs=, --inputs\\); no inputs were given",
        ),
        ({"keep": 0.5, "fit": False}, SpecError, "keep=0.5 needs weights that are fitted to inputs"),
        ({"keep": 0.0}, SpecError, "keep must be above 0 and at most 1, got 0"),
        ({"keep": 50, "inputs": None}, SpecError, "keep must be above 0 and at most 1, got 50; it is a share of the"),
        ({"labels": [1, 2]}, SpecError, "labels must be 40 integers, one for each input"),
        ({"inputs": []}, SpecError, "inputs must hold at least one raster"),
        ({"inputs": 3}, SpecError, r"inputs must be a list of rasters \(ticks, lines\), got 3"),
        ({"inputs": np.zeros((5, 2), dtype=bool)}, SpecError, r"got one array of shape \(5, 2\); write \[inputs\]"),
        ({"bits": {"hidden": "x"}}, SpecError, "bits of 'hidden' must be an integer, got 'x'"),
        ({"bits": {"hidden": 2.5}}, SpecError, "bits of 'hidden' must be an integer, got 2.5"),
        ({"bits": {"hidden": 9}}, LimitError, "bits of 'hidden' must be 1 to 8 on loihi1, got 9"),
        ({"keep": "half"}, SpecError, "keep must be a number, got 'half'"),
        ({"bits": "least", "tolerance": "x"}, SpecError, "tolerance must be a number, got 'x'"),
        ({"seed": -1}, SpecError, "seed must be a non-negative integer, got -1"),
        ({"labels": np.full(40, 3)}, SpecError, "labels must be numbers of outputs, 0 to 2, got 3 for input 0"),
        ({"labels": [1], "inputs": None}, SpecError, "labels are the classes of inputs; give inputs="),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        quantize(network(), **({"inputs": SAMPLES} | options))


# ---------------------------------------------------------------- on the command line


def test_the_command_fits(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", graph())
    sp.write_rasters(tmp_path / "x.npz", SAMPLES)
    (tmp_path / "y.csv").write_text("\n".join(map(str, LABELS)))
    words = ("quantize", tmp_path / "n.nir", "-o", tmp_path / "p.snnp", "--dt-ms", 1, "--reset", "zero")
    given = (*words, "--inputs", tmp_path / "x.npz", "--labels", tmp_path / "y.csv")
    code, out, _ = command(*given, "--bits", "hidden=3,last=5", "--report", tmp_path / "r.html")
    assert code == 1
    assert "Wrong bins of rounded and fitted weights" in out
    assert "accuracy" in out
    assert "exact on the fitting inputs: " in " ".join(out.split())
    assert "(no exact weights of 3 bits were found)" in " ".join(out.split())
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Wrong bins of rounded and fitted weights" in page
    assert "(no exact weights of 3 bits were found)" in page
    run = ("run", tmp_path / "p.snnp", tmp_path / "x.npz", "--classes")
    code, out, err = command(*run, "--labels", tmp_path / "y.csv")
    assert code == 0
    assert out.splitlines()[0] == "pattern,class"
    assert len(out.splitlines()) == 41
    spikes = [trace.spikes for trace in simulate(sp.load(tmp_path / "p.snnp"), SAMPLES)]
    classes = [int(raster.sum(axis=0).argmax()) if raster.any() else -1 for raster in spikes]
    assert [int(line.split(",")[1]) for line in out.splitlines()[1:]] == classes
    assert f"the class of {(np.array(classes) == LABELS).sum()} of 40 patterns is right" in err
    code, _, err = command(*run[:3], "--labels", tmp_path / "y.csv")
    assert code == 2
    assert "add --classes" in err
    for wrong, message in (
        ((*given, "--bits", "x"), "'x' must be a number, least, or NAME=N,... by population"),
        ((*words, "--report", tmp_path / "r.html"), "--report needs --inputs"),
    ):
        code, _, err = command(*wrong)
        assert code == 2
        assert message in err
    (tmp_path / "y.csv").write_text("one")
    code, _, err = command(*given)
    assert code == 2
    assert (
        "y.csv must hold one integer for each input: 'one' is not an integer; write one in each line, without a heading"
        in err
    )


def test_labels_of_a_file_are_no_objects(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", graph())
    sp.write_rasters(tmp_path / "x.npz", SAMPLES)
    np.save(tmp_path / "y.npy", np.array([{}], dtype=object), allow_pickle=True)
    words = ("quantize", tmp_path / "n.nir", "-o", tmp_path / "p.snnp", "--dt-ms", 1, "--reset", "zero")
    code, _, err = command(*words, "--inputs", tmp_path / "x.npz", "--labels", tmp_path / "y.npy")
    assert (code, "y.npy must hold one integer" in err) == (2, True)
    np.savez(tmp_path / "y.npz", odd=np.arange(3), classes=LABELS)
    whole, part = (f"{tmp_path / 'y.npz'}{name}" for name in ("", ":classes"))
    assert (
        "y.npz holds 2 arrays (classes, odd); name one, as in y.npz:NAME"
        in command(*words, "--inputs", tmp_path / "x.npz", "--labels", whole)[2]
    )
    code, out, _ = command(*words, "--inputs", tmp_path / "x.npz", "--labels", part)
    assert (code, "accuracy on 10 inputs held out" in out) == (1, True)
    np.save(tmp_path / "y.npy", np.full(40, 0.9))  # not the class 0
    code, _, err = command(*words, "--inputs", tmp_path / "x.npz", "--labels", tmp_path / "y.npy")
    assert (code, "y.npy must hold one integer for each input: it is an array of float64" in err) == (2, True)


def with_readouts(seed: int, *, is_mixed: bool = False) -> TrainedNetwork:
    """Return a hidden layer with three LI neurons that are read by their potentials, and maybe a spiking output."""
    rng = np.random.default_rng(seed)
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([8])),
        "w": nir.Linear(weights(12, 8, seed)),
        "hidden": lif(12, seed),
        "v": nir.Linear(rng.normal(0.0, 1.0, (3, 12))),
        "li": nir.LI(tau=np.full(3, 0.02), r=np.full(3, 10.0), v_leak=np.zeros(3)),
        "out": nir.Output(np.array([3])),
    }
    edges = list(itertools.pairwise(nodes))
    if is_mixed:
        nodes["spikes"] = nir.Output(np.array([12]))
        edges.append(("hidden", "spikes"))
    return sp.from_nir(nir.NIRGraph(nodes, edges, type_check=False), dt_ms=1.0, reset="zero")


def test_classes_of_readouts_are_judged() -> None:
    """A class is the output with the highest last potential: of the network, of the program, and of the rounded one."""
    network = with_readouts(3)
    inputs = [random_raster(seed, 30, 8, 0.3) for seed in range(40)]
    potentials = [each.potentials for each in run_network(network, inputs, potentials=True)]
    last = [int(np.argmax(each[-1, network.outputs])) for each in potentials if each is not None]
    labels = np.array(last)
    labels[::5] = (labels[::5] + 1) % 3
    result = sp.quantize(network, inputs=inputs, labels=labels, bits=4)
    assert result.fit is not None
    found, split = result.fit.calibrated.accuracy, result.fit.calibrated.split
    assert found is not None
    traces = sp.run(result.program, inputs)
    named = np.array([highest_potential(each.readout) for each in traces if each.readout is not None])
    parts = (split.fitting, split.choosing, split.held_out)
    assert found.result == tuple(float((named == labels)[part].mean()) for part in parts)
    assert found.trained == tuple(float((np.array(last) == labels)[part].mean()) for part in parts)
    assert found.trained != (1.0, 1.0, 1.0)
    assert result.fit.calibrated.output_spikes.fitting > 0


def test_the_fewest_bits_before_a_readout() -> None:
    """Without classes, what counts are the spikes that reach the readout."""
    inputs = [random_raster(seed, 30, 8, 0.3) for seed in range(16)]
    result = sp.quantize(with_readouts(3), inputs=inputs, bits="least", tolerance=0.0)
    assert result.fit is not None
    assert result.fit.bits[0] is not None
    assert result.fit.bits[0] > 2


def test_labels_of_outputs_of_both_kinds_are_refused() -> None:
    inputs = [random_raster(seed, 30, 8, 0.3) for seed in range(8)]
    with pytest.raises(SpecError, match="labels need outputs that all spike, or that are all readouts"):
        sp.quantize(with_readouts(3, is_mixed=True), inputs=inputs, labels=np.zeros(8, np.int64))


def test_the_command_compares_with_the_spikes_of_the_training_tool(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", graph())
    sp.write_rasters(tmp_path / "x.npz", SAMPLES)
    words = ("quantize", tmp_path / "n.nir", "-o", tmp_path / "p.snnp", "--dt-ms", 1, "--no-fit")
    given = (*words, "--inputs", tmp_path / "x.npz", "--expected", tmp_path / "e.npz")
    subtracting = sp.from_nir(tmp_path / "n.nir", dt_ms=1.0, reset="subtract")
    lag = int(subtracting.latency.max())
    longer = [np.concatenate([raster, np.zeros((lag, raster.shape[1]), bool)]) for raster in SAMPLES]
    spikes = [trace.spikes[lag:, subtracting.outputs] for trace in run_network(subtracting, longer)]
    assert wrong_output_bins(subtracting, SAMPLES, spikes) == 0
    sp.write_rasters(tmp_path / "e.npz", spikes)
    network = sp.from_nir(tmp_path / "n.nir", dt_ms=1.0, reset="zero")
    assert (wrong := wrong_output_bins(network, SAMPLES, spikes)) > 0
    code, _, err = command(*given, "--reset", "zero")
    assert code == 2
    assert f"differs from --expected in {wrong:,} of" in err
    assert "with --reset subtract --reset-delay 0 --compare '>', it differs in 0" in err
    for other, message in ((spikes[:3], "expected must have 40 rasters"), ([each[:, :1] for each in spikes], "shape")):
        with pytest.raises(sp.SpecError, match=message):
            wrong_output_bins(network, SAMPLES, other)
    code, _, err = command(*words, "--reset", "zero", "--expected", tmp_path / "e.npz")
    assert code == 2
    assert "--expected needs --inputs" in err


# ---------------------------------------------------------------- right classes


def classes_by(program: sp.Program, inputs: list[Any]) -> Any:
    """Return the classes of a program: by spikes, or where outputs do not spike by the last potentials."""
    traces = sp.run(program, inputs)
    if traces[0].readout is not None:
        return np.array([highest_potential(each.readout) for each in traces if each.readout is not None])
    return np.array([int(each.spikes.sum(axis=0).argmax()) for each in traces])


def test_right_classes_are_reported_everywhere() -> None:
    """All classes of the network are right, and clearly more of the fitted weights than of the rounded ones."""
    inputs = [random_raster(seed, 40, 8, 0.3) for seed in range(40)]
    labels = np.array(
        [int(each.spikes[:, network().outputs].sum(axis=0).argmax()) for each in run_network(network(), inputs)]
    )
    result = quantize(network(), inputs=inputs, labels=labels, bits=2)
    assert result.fit is not None
    assert result.classes is not None
    assert result.fit.calibrated.decided_by == "accuracy"
    held_out = result.fit.calibrated.split.held_out
    assert (result.classes.inputs, result.classes.network) == (held_out.size, 1.0)
    assert result.classes.program == float((classes_by(result.program, inputs) == labels)[held_out].mean())
    assert result.as_dict()["classes"] == result.classes.as_dict()


def test_wrong_bins_decide_where_classes_are_equal() -> None:
    result = quantize(network(), inputs=SAMPLES, labels=np.zeros(40, np.int64), bits=8)
    assert result.fit is not None
    accuracy = result.fit.calibrated.accuracy
    assert accuracy is not None
    assert accuracy.result[1] == accuracy.rounded[1]
    assert result.fit.calibrated.decided_by == "wrong bins"


@pytest.mark.parametrize("has_readouts", [False, True])
def test_right_classes_of_rounded_weights_are_those_of_all_inputs(has_readouts: bool) -> None:
    trained = with_readouts(3) if has_readouts else network()
    result = quantize(trained, inputs=SAMPLES, labels=LABELS, fit=False)
    assert result.classes is not None
    assert result.classes.rounded is None
    assert result.classes.inputs == 40
    assert result.classes.program == float((classes_by(result.program, SAMPLES) == LABELS).mean())
    assert str(result.classes) in repr(result)


def test_few_inputs_are_reported_with_the_fewest_bits() -> None:
    sentence = 'bits="least" was decided by 10 inputs, of which one wrong class is a loss of 10%, and 1% is allowed'
    few = quantize(network(), inputs=SAMPLES, labels=LABELS, bits="least")
    assert any(note.startswith(sentence) for note in few.notes)
    enough = quantize(network(), inputs=SAMPLES, labels=LABELS, bits="least", tolerance=0.1)
    assert not any("least" in note for note in enough.notes)


def test_exit_code_of_the_command_is_1_where_a_spike_on_given_inputs_differs(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", graph())
    sp.write_rasters(tmp_path / "x.npz", SAMPLES)
    (tmp_path / "y.csv").write_text("\n".join(map(str, LABELS)))
    words = ("quantize", tmp_path / "n.nir", "-o", tmp_path / "p.snnp", "--dt-ms", 1, "--reset", "zero", "--json")
    for more in ((), ("--inputs", tmp_path / "x.npz", "--no-fit"), ("--inputs", tmp_path / "x.npz")):
        code, out, _ = command(*words, *more)
        assert code == int(bool(json.loads(out)["wrong_bins"]))
    given = (*words[:-1], "--inputs", tmp_path / "x.npz", "--labels", tmp_path / "y.csv")
    code, out, _ = command(*given, "--report", tmp_path / "r.html")
    assert code == 1
    found = quantize(network(), inputs=SAMPLES, labels=LABELS).classes
    assert out.splitlines()[0] == str(found)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert str(found)[1:] in page
    assert "needs the length of a tick" not in page
    assert re.search(r"\d+ and \d+ other neurons, all shown", page)
    assert "accuracy on 10 inputs held out from the fit: " in out
