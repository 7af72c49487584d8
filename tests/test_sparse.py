"""Fewest synapses: against every set of taps where there are few, against planted weights where there are many."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
from cases import CASES, exact_arrivals, exact_potential, random_raster, with_wishes
from scipy.optimize import linprog
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.compiler.refusals import check_fan_in
from snnprog.spec import presynaptic_raster

LIMIT, CLEARLY = 255 << 7, 1e-3
SEEDS = range(20)


def synapses_of(program: sp.Program) -> list[int]:
    """Return the number of synapses of each neuron."""
    return [int(count) for count in np.bincount(program.post, minlength=program.n_neurons)]


def tiny_spec(seed: int) -> sp.Spec:
    """Return a random spec of one output and ten taps; in every second one, inputs have signs."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((int(generator.integers(12, 24)), 5)) < 0.3
    targets = generator.random((len(inputs), 1)) < 0.2
    targets[:3] = False
    signs = generator.integers(-1, 2, 5).tolist() if seed % 2 else None
    return sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2], signs=signs)


def features_of(spec: sp.Spec) -> Floats:
    """Return φ (ticks, taps) of the first output on the first pattern, from exact fractions."""
    pattern, linear = spec.patterns[0], spec.linear_rule
    alpha, gamma = linear.current, linear.potential
    presynaptic, spikes = presynaptic_raster(spec, pattern), pattern.targets[:, 0].tolist()
    columns = [
        exact_potential(exact_arrivals(presynaptic[:, [line]], [delay], [[1]]), spikes, alpha, gamma)
        for delay in spec.delays
        for line in range(presynaptic.shape[1])
    ]
    return np.array(columns, dtype=np.float64).T


def widest_distance(spec: sp.Spec, features: Floats, taps: tuple[int, ...]) -> float:
    """Return by how much the best weights on some taps clear a free threshold; all rows at once."""
    way = np.where(spec.patterns[0].targets[:, 0], 1.0, -1.0)[:, None]
    rows = np.hstack([features[:, taps] * way, -way, -np.ones_like(way)])
    signs = np.tile(spec.signs or [0] * spec.n_presynaptic, len(spec.delays))[list(taps)]
    bounds = [(-LIMIT * (sign <= 0), LIMIT * (sign >= 0)) for sign in signs]
    objective = np.append(np.zeros(len(taps) + 1), -1.0)
    found = linprog(objective, -rows, np.zeros(len(rows)), bounds=[*bounds, (0, None), (None, 1.0)])
    return float(found.x[-1])


def fewest_by_trying(spec: sp.Spec) -> int | None:
    """Return the size of the smallest set of taps with real weights that do what is asked."""
    features = features_of(spec)
    taps = range(features.shape[1])
    return next(
        (
            size
            for size in range(len(taps) + 1)
            for chosen in itertools.combinations(taps, size)
            if widest_distance(spec, features, chosen) > CLEARLY
        ),
        None,
    )


def test_nearly_always_the_fewest_are_found() -> None:
    """What is found is never less than what real weights need, and hardly ever more."""
    more = []
    for seed in SEEDS:
        spec = tiny_spec(seed)
        try:
            program = sp.compile(with_wishes(spec, sparse=True)).program
        except sp.InfeasibleError:
            continue
        fewest = fewest_by_trying(spec)
        assert fewest is not None
        assert program.n_synapses >= fewest
        more.append(program.n_synapses - fewest)
    assert len(more) >= len(SEEDS) // 3
    assert sum(count > 0 for count in more) <= 1


@pytest.mark.parametrize("name", CASES)
def test_exactness_is_kept_on_fewer_synapses(name: str) -> None:
    spec = with_wishes(CASES[name](), sparse=True)
    result, plain = sp.compile(spec), sp.compile(CASES[name]())
    assert sp.verify(result.program, spec).exact
    assert [neuron.status for neuron in result.report.neurons] == ["certified"] * spec.n_outputs
    counts, before = synapses_of(result.program), synapses_of(plain.program)
    assert counts == [neuron.synapses for neuron in result.report.neurons]
    assert all(count <= most for count, most in zip(counts, before, strict=True))
    if spec.signs is not None:
        signs = np.array(spec.signs)[result.program.pre]
        assert (signs * result.program.weight >= 0).all()


def planted(seed: int, *, lines: int, ticks: int, count: int) -> sp.Spec:
    """Return a spec that so many synapses realise, among as many taps as there are lines."""
    generator = np.random.default_rng(seed)
    inputs = generator.random((ticks, lines)) < 0.05
    pre = generator.choice(lines, count, replace=False)
    weight = generator.integers(20, 120, count) * generator.choice([1, 1, 1, -1], count)
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=lines, n_neurons=1, pre=pre, post=0, weight=weight, threshold=60
    )
    return sp.Spec([sp.Pattern(inputs, sp.run(program, inputs).spikes)], sparse=True)


@pytest.mark.parametrize("seed", range(3))
def test_no_more_synapses_than_were_planted(seed: int) -> None:
    spec = planted(seed, lines=150, ticks=400, count=6)
    assert spec.patterns[0].targets.sum() > 5
    result = sp.compile(spec)
    assert 0 < result.program.n_synapses <= 6
    assert result.report.neurons[0].status == "certified"


def test_wishes_go_together() -> None:
    """Few synapses, noise, signs and bins that do not count, in a recurrent network with both decays and a bias."""
    spec = with_wishes(CASES["everything"](), sparse=True, noise=8, fan_in=6)
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert max(synapses_of(result.program)) <= 6
    assert min(neuron.noise or 0.0 for neuron in result.report.neurons) >= 8
    assert (np.array(spec.signs)[result.program.pre] * result.program.weight >= 0).all()


@pytest.mark.parametrize("name", CASES)
def test_bins_that_do_not_count_change_nothing_about_the_rest(name: str) -> None:
    spec = CASES[name]()
    patterns = [
        sp.Pattern(
            pattern.inputs, pattern.targets, pattern.care & random_raster(index, pattern.ticks, spec.n_outputs, 0.8)
        )
        for index, pattern in enumerate(spec.patterns)
    ]
    cared = with_wishes(spec, patterns=patterns, sparse=True, noise=2)
    result = sp.compile(cared)
    assert sp.verify(result.program, cared).exact
    assert min(neuron.noise or 0.0 for neuron in result.report.neurons) >= 2
    if spec.signs is not None:
        assert (np.array(spec.signs)[result.program.pre] * result.program.weight >= 0).all()


def test_an_output_without_lines_has_no_synapses() -> None:
    nothing = np.zeros((5, 0), dtype=bool)
    for wishes in ({"sparse": True}, {"fan_in": 0}):
        spec = sp.Spec([sp.Pattern(nothing, np.zeros((5, 1), dtype=bool))], **wishes)
        assert sp.compile(spec).program.n_synapses == 0


@pytest.mark.parametrize("fan_in", [3, 5, 20, 100])
def test_no_more_synapses_than_are_allowed(fan_in: int) -> None:
    spec = with_wishes(CASES["many_delays"](), fan_in=fan_in)
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact
    assert max(synapses_of(program)) <= fan_in
    if fan_in >= len(spec.delays) * spec.n_inputs:
        assert program.n_synapses == sp.compile(CASES["many_delays"]()).program.n_synapses


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_a_limit_is_met_or_proved_too_low(seed: int) -> None:
    """Ten taps have at most 252 sets of a size, so every verdict is one."""
    spec = tiny_spec(seed)
    fewest = fewest_by_trying(spec)
    assert fewest is not None
    assert fewest > 0
    for fan_in in range(max(0, fewest - 2), fewest):
        with pytest.raises(
            sp.InfeasibleError, match=f"no (weights|integers) let output 0 .* with at most {fan_in} synapse"
        ):
            sp.compile(with_wishes(spec, fan_in=fan_in))
    program = sp.compile(with_wishes(spec, fan_in=fewest)).program
    assert program.n_synapses <= fewest


@pytest.mark.usefixtures("small_searches")
def test_without_a_proof_the_fewest_found_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.design.freedom.LEAST_STEPS", 10)
    monkeypatch.setattr("snnprog.design.freedom.MOST_STEPS", 10)
    inputs = random_raster(1, 60, 12, 0.2)
    targets = random_raster(2, 60, 1, 0.2)
    targets[:6] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2, 3], fan_in=2)
    with pytest.raises(sp.UndecidedError, match=r"has (\d+) synapses? at the fewest .*, and fan_in allows 2") as caught:
        sp.compile(spec)
    found = re.search(r"has (\d+)", str(caught.value))
    assert found is not None
    assert sp.compile(with_wishes(spec, fan_in=int(found[1]))).program.n_synapses <= int(found[1])


@pytest.mark.parametrize("seed", range(12))
def test_taps_that_are_not_chosen_have_no_synapse_where_weights_are_of_one_bit(seed: int) -> None:
    """A weight of ±1 is never 0: what is left out must be no synapse, not one that is rounded up to 1."""
    spec = with_wishes(one_bit_spec(seed), fan_in=3)
    program = sp.compile(spec).program
    assert program.n_synapses <= 3
    assert set(np.abs(program.weight).tolist()) <= {1}
    assert spec.signs is None or (program.weight * np.array(spec.signs)[program.pre] >= 0).all()
    assert sp.verify(program, spec).exact


def one_bit_spec(seed: int) -> sp.Spec:
    """Return an output that two of six taps of ±1 make; in every second spec inputs have signs."""
    generator = np.random.default_rng(seed)
    inputs, signs = generator.random((16, 3)) < 0.3, [1, -1, int(generator.integers(-1, 2))]
    targets = np.zeros((16, 1), dtype=bool)
    targets[1:, 0] = inputs[:-1, 0]
    targets[2:, 0] &= ~inputs[:-2, 1]
    return sp.Spec(
        [sp.Pattern(inputs, targets)],
        delays=[1, 2],
        weight_bits=1,
        dynamics=sp.Dynamics(4095, 4095),
        signs=signs if seed % 2 else None,
    )


def test_silence_needs_no_synapse_of_one_bit() -> None:
    inputs = np.array([[1, 1], [0, 0], [0, 0]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, np.zeros((3, 1), dtype=bool))], [1, 2], weight_bits=1, fan_in=3)
    assert sp.compile(spec).program.n_synapses <= 3


def test_no_program_is_handed_out_with_more_synapses_than_are_allowed() -> None:
    more = SimpleNamespace(neurons=[SimpleNamespace(name="output 0", synapses=6, output=0, is_hidden=False)])
    with pytest.raises(
        sp.QuantizationError, match="output 0 has 6 synapses in integers, and fan_in allows 1"
    ) as caught:
        check_fan_in(with_wishes(one_bit_spec(0), fan_in=1), untyped(more))
    assert caught.value.neurons == (0,)


@pytest.mark.parametrize("is_last_counted", [True, False])
def test_none_of_the_synapses_that_are_needed(is_last_counted: bool) -> None:
    inputs = random_raster(3, 20, 2, 0.4)
    targets = np.zeros((20, 1), dtype=bool)
    targets[1:] = inputs[:-1, :1]
    care = np.ones_like(targets)
    care[-1] = is_last_counted
    with pytest.raises(sp.InfeasibleError, match=r"no weights let output 0 spike at tick .* with at most 0 synapses"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets, care)], fan_in=0))


def test_weights_that_only_just_do_stay_as_they_were_designed() -> None:
    """Where fewer taps are not rounding-proof, nothing is risked for them."""
    inputs = random_raster(7, 25, 7, 0.3)
    for seed in range(12):
        targets = random_raster(seed, 25, 1, 0.25)
        targets[:3] = False
        try:
            plain = sp.compile(sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2]))
        except (sp.InfeasibleError, sp.QuantizationError):
            continue
        sparse = sp.compile(sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2], sparse=True))
        if plain.report.neurons[0].status == "exact":
            assert sparse.report.neurons[0].status in ("exact", "certified")
        else:
            assert sparse.report.neurons[0].status == "certified"
