"""Programs on cores: each placement is counted again, one synapse at a time, by a model that shares no code with it."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Int64s
from snnprog.chips import CHIPS, RESOURCES, Core
from snnprog.conformance import random_trial
from snnprog.placement import Placement
from snnprog.placement.bounds import least_cores
from snnprog.placement.demand import CoreDemand
from snnprog.placement.exact import improve
from snnprog.placement.greedy import Partition, fill_core
from snnprog.placement.open_core import OpenCore
from snnprog.placement.orders import AlikeFirst, as_they_come
from snnprog.program import EXCITATORY, INHIBITORY, MIXED

LOIHI = CHIPS["loihi1"]
MEMORY = LOIHI.core.memory
assert MEMORY is not None


# ------------------------------------------------------------------------------------------------- counted by hand


def plain_bits(program: sp.Program, synapses: list[int], mode: int) -> int:
    """Return the width of a synapse of a format without its index: the fewest bits for all these weights and delays."""
    weights = [int(program.weight[s]) for s in synapses]
    for bits in (1, 2, 3, 4, 5, 6, 8):
        step = 2 ** (8 - bits + (mode == MIXED))
        if all(weight % step == 0 for weight in weights):
            break
    longest = max(int(program.delay[s]) - 1 for s in synapses)
    return bits + next(bits for bits in range(7) if longest < 2**bits)


def plain_words(number: int, bits: int) -> int:
    """Return the words of blocks of 64 synapses, each with a header of 10 bits, each rounded up to 64 bits."""
    words = 0
    while number > 0:
        words += ceil(Fraction(min(number, 64) * bits + 10, 64))
        number -= 64
    return words


def plain_usage(program: sp.Program, core_of: list[int]) -> list[dict[str, int]]:
    """Count what each core holds."""
    formats = defaultdict(list)
    for s in range(program.n_synapses):
        formats[int(program.sign_mode[s]), int(program.exponent[s])].append(s)
    bits = {form: plain_bits(program, synapses, form[0]) for form, synapses in formats.items()}
    counted = []
    for core in range(max(core_of) + 1):
        neurons = [n for n in range(program.n_neurons) if core_of[n] == core]
        parts: dict[tuple[int, tuple[int, int]], Counter[int]] = defaultdict(Counter)
        routes = set()
        for s in range(program.n_synapses):
            pre, post = int(program.pre[s]), int(program.post[s])
            if core_of[post] == core:
                parts[pre, (int(program.sign_mode[s]), int(program.exponent[s]))][post] += 1
            if pre >= program.n_inputs and core_of[pre - program.n_inputs] == core:
                routes.add((pre, core_of[post]))
        index = next(bits for bits in (0, 6, 7, 8, 9, 10, 11, 12) if len(neurons) <= 2**bits)
        words = 0
        for (_, form), ends in parts.items():
            listed = plain_words(sum(ends.values()), bits[form] + index)
            is_listed = max(ends.values()) > 1
            words += listed if is_listed else min(listed, plain_words(len(neurons), bits[form]))
        counted.append(
            {
                "neurons": len(neurons),
                "axons_in": len({line for line, _ in parts}),
                "axons_out": len(routes),
                "words": words,
                "profiles": len({(int(program.current_decay[n]), int(program.potential_decay[n])) for n in neurons}),
                "thresholds": len({int(program.threshold[n]) for n in neurons}),
                "formats": len({form for _, form in parts}),
            }
        )
    return counted


def assert_holds(program: sp.Program, placement: Placement, core: Core) -> None:
    """Count everything again, and compare with what is told and what is allowed."""
    core_of = placement.core_of.tolist()
    assert len(core_of) == program.n_neurons
    assert sorted(set(core_of)) == list(range(placement.cores))
    counted = plain_usage(program, core_of)
    assert [used.as_dict() for used in placement.usage] == counted
    for used in counted:
        for resource in RESOURCES:
            limit = core.limit(resource)
            assert limit is None or used[resource] <= limit
    reached = {(int(pre), core_of[post]) for pre, post in zip(program.pre, program.post, strict=True)}
    lines = Counter(line for line, _ in reached)
    assert placement.fanout_cores.tolist() == [lines[line] for line in range(program.n_inputs + program.n_neurons)]
    assert 1 <= placement.at_least <= placement.cores


def is_any_too_much(program: sp.Program, core: Core) -> bool:
    """Return whether some neuron is too much for a core all alone."""
    return any(
        used[name] > limit
        for used in plain_usage(program, list(range(program.n_neurons)))
        for name in RESOURCES
        if name != "axons_out" and (limit := core.limit(name)) is not None
    )


def partitions(count: int) -> Iterator[list[int]]:
    """Yield every way to put things on cores; the first on core 0, each next on one in use or a fresh one."""
    if count == 0:
        yield []
        return
    for rest in partitions(count - 1):
        for core in range(max(rest, default=-1) + 2):
            yield [*rest, core]


def fewest_cores(program: sp.Program, core: Core) -> int | None:
    """Return the fewest cores of all partitions, or None where none holds the limits."""
    fewest = None
    for core_of in partitions(program.n_neurons):
        cores = max(core_of) + 1
        if (fewest is None or cores < fewest) and all(
            (limit := core.limit(name)) is None or used[name] <= limit
            for used in plain_usage(program, core_of)
            for name in RESOURCES
        ):
            fewest = cores
    return fewest


# ------------------------------------------------------------------------------------------------------- programs


def drawn(seed: int, *, inputs: int, neurons: int, synapses: int, taps: int = 3) -> sp.Program:
    """Return a random program, recurrent, with few kinds of thresholds, decays and formats."""
    generator = np.random.default_rng(seed)
    modes = generator.integers(MIXED, INHIBITORY + 1, synapses)
    step = 1 << generator.integers(0, 7)
    magnitude = generator.integers(0, 255 // step + 1, synapses) * step
    even = magnitude // 2 * 2
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=inputs,
        n_neurons=neurons,
        outputs=[0],
        pre=generator.integers(0, inputs + neurons, synapses),
        post=generator.integers(0, neurons, synapses),
        delay=generator.integers(1, 1 << generator.integers(0, taps + 1), synapses, endpoint=True),
        weight=np.select([modes == EXCITATORY, modes == INHIBITORY], [magnitude, -magnitude], even),
        exponent=generator.integers(0, 2, synapses),
        sign_mode=modes,
        threshold=generator.integers(1, 4, neurons),
        current_decay=generator.integers(4094, 4096, neurons),
        potential_decay=128,
    )


def chain(neurons: int, **changes: Any) -> sp.Program:
    """Return neurons that each hear the one input once, with arrays replaced."""
    arrays: dict[str, Any] = {
        "n_inputs": 1,
        "pre": np.zeros(neurons, dtype=int),
        "post": np.arange(neurons),
        "weight": 1,
        "threshold": 100,
        "potential_decay": 128,
        "outputs": [0],
    } | changes
    return sp.Program.from_arrays(chip="loihi1", n_neurons=neurons, **arrays)


def with_core(monkeypatch: pytest.MonkeyPatch, core: Core, cores: int | None = None) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(LOIHI, core=core, cores=cores))


def random_core(seed: int, axons_out: tuple[int, int] = (2, 8)) -> Core:
    """Return limits that few neurons fill; each is there three times out of four."""
    generator = np.random.default_rng(1000 + seed)

    def some(low: int, high: int) -> int | None:
        return int(generator.integers(low, high + 1)) if generator.random() < 0.75 else None

    words = some(4, 24)
    assert MEMORY is not None
    return Core(
        neurons=some(2, 5),
        axons_in=some(4, 8),
        axons_out=some(*axons_out),
        profiles=some(1, 2),
        thresholds=some(1, 3),
        formats=some(2, 6),
        memory=replace(MEMORY, words=1 << 14 if words is None else words),
    )


# ---------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("seed", range(12))
def test_placements_on_the_chip_are_counted_again(seed: int) -> None:
    program = random_trial(seed).program
    if is_any_too_much(program, LOIHI.core):
        with pytest.raises(
            sp.FitError, match=r"^neuron \d alone exceeds the limit of synapse formats: \d+ of 8; use fewer exponents"
        ):
            sp.place(program)
    else:
        assert_holds(program, sp.place(program), LOIHI.core)


@pytest.mark.parametrize("seed", range(24))
def test_placements_on_small_cores_are_counted_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    core = random_core(seed, axons_out=(6, 20))
    with_core(monkeypatch, core)
    program = drawn(seed, inputs=6, neurons=25, synapses=20 + 4 * (seed % 10))
    if is_any_too_much(program, core):
        with pytest.raises(sp.FitError, match="alone"):
            sp.place(program)
    else:
        assert_holds(program, sp.place(program), core)


@pytest.mark.parametrize("seed", range(40))
def test_many_at_once_are_added_as_one_by_one(seed: int) -> None:
    """Runs of neurons fill a core with the same members, parts and words as one neuron after the other."""
    core = random_core(seed, axons_out=(6, 20))
    core = replace(core, neurons=None if core.neurons is None else 4 * core.neurons)
    demand = CoreDemand.of(drawn(seed, inputs=6, neurons=40, synapses=60 + 8 * (seed % 10)), core.memory)
    leaving = np.random.default_rng(seed).integers(0, 2, 40)

    def singles(open_core: OpenCore, left: Int64s) -> Iterator[Int64s]:
        yield from order(open_core, left).__next__()[:, None]

    for order in (as_they_come, AlikeFirst(demand)):
        filled = [OpenCore(demand, core, leaving) for _ in range(2)]
        for each, runs in zip(filled, (order, singles), strict=True):
            fill_core(each, runs, left=np.arange(40))
        assert filled[0].members == filled[1].members
        for name in ("has_line", "has_profile", "has_threshold", "has_format", "held", "is_listed"):
            assert np.array_equal(getattr(filled[0], name), getattr(filled[1], name))
        assert filled[0].axons_out == filled[1].axons_out


@pytest.mark.parametrize("seed", range(60))
def test_small_placements_have_the_fewest_cores(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    core = random_core(seed)
    with_core(monkeypatch, core)
    program = drawn(seed, inputs=3, neurons=6, synapses=8 + seed % 14, taps=2)
    fewest = fewest_cores(program, core)
    if fewest is None:
        with pytest.raises(sp.FitError):
            sp.place(program)
        return
    placement = sp.place(program)
    assert_holds(program, placement, core)
    assert (placement.cores, placement.at_least) == (fewest, fewest)
    assert placement.is_minimal
    assert least_cores(CoreDemand.of(program, core.memory), core) <= fewest
    if fewest > 1:
        with pytest.raises(sp.FitError, match=f"raise max_cores to at least {fewest}"):
            sp.place(program, max_cores=fewest - 1)


@pytest.mark.parametrize("seed", range(8))
def test_an_integer_program_mends_the_worst_partition(seed: int) -> None:
    """One neuron per core is where it starts; it ends where all partitions end."""
    core = random_core(seed)
    program = drawn(seed, inputs=3, neurons=6, synapses=12, taps=2)
    fewest, demand = fewest_cores(program, core), CoreDemand.of(program, core.memory)
    alone = Partition.of(demand, np.arange(6))
    if alone.misfit(core) is None:
        better, least = improve(demand, core, partition=alone, least=1)
        assert better.cores == least == fewest


CROWD = np.arange(90_000)
MORE = "or raise max_cores to at least {}"

# A program for each resource that a core of the chip runs out of, the cores allowed, and the whole sentence. Neurons
# that differ do so only in what is counted.
REFUSED: dict[str, tuple[sp.Program, int, str]] = {
    "neurons": (
        chain(1500),
        1,
        f"core 0 exceeds the limit of neurons: 1,500 of 1,024; split the output population {MORE.format(2)}",
    ),
    "axons in": (
        chain(2, n_inputs=5000, pre=np.arange(5000), post=np.arange(5000) % 2),
        1,
        f"core 0 exceeds the limit of axons in: 5,000 of 4,096; split the output population {MORE.format(2)}",
    ),
    "synaptic memory": (  # of 14 bits each; 900 in 15 blocks of 906 bits or less: 14 times 15 words, and 2
        chain(900, n_inputs=100, pre=CROWD % 100, post=CROWD // 100, weight=CROWD * 0 + 255, delay=1 + CROWD % 63),
        1,
        f"core 0 exceeds the limit of synaptic memory: 21,200 of 16,384 words;"
        f" split the output population {MORE.format(2)}",
    ),
    "decay profiles": (
        chain(33, potential_decay=np.arange(33)),
        1,
        f"core 0 exceeds the limit of decay profiles: 33 of 32;"
        f" use fewer kinds of decays and refractory periods {MORE.format(2)}",
    ),
    "thresholds": (
        chain(33, threshold=1 + np.arange(33)),
        4,
        f"core 3 exceeds the limit of distinct thresholds: 9 of 8; use fewer thresholds {MORE.format(5)}",
    ),
    "formats": (
        chain(9, exponent=np.arange(9) % 8, weight=np.where(np.arange(9) < 8, 1, -1)),
        1,
        f"core 0 exceeds the limit of synapse formats: 9 of 8; use fewer exponents and sign modes {MORE.format(2)}",
    ),
    "one neuron": (
        chain(2, n_inputs=5000, pre=np.arange(5000), post=np.arange(5000) // 4999),
        9,
        "neuron 0 alone exceeds the limit of axons in: 4,999 of 4,096; lower its fan-in",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_told(name: str) -> None:
    program, cores, sentence = REFUSED[name]
    with pytest.raises(sp.FitError) as caught:
        sp.place(program, max_cores=cores)
    error = caught.value
    assert str(error) == sentence
    amount = f"{error.found:,} of {error.allowed}"
    assert f"{error.place} exceeds the limit of {error.item}: {amount}; {error.hint}" == sentence
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), copied.found) == (sp.FitError, sentence, error.found)


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "one neuron"])
def test_one_core_more_is_enough(name: str) -> None:
    program, cores, _ = REFUSED[name]
    placement = sp.place(program, max_cores=cores + 1)
    assert (placement.cores, placement.at_least, placement.is_minimal) == (cores + 1, cores + 1, True)


def test_too_many_axons_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each neuron is on a core of its own, and has synapses on all three."""
    with_core(monkeypatch, Core(neurons=1, axons_out=2))
    program = chain(3, n_inputs=0, pre=np.arange(9) % 3, post=np.arange(9) // 3)
    with pytest.raises(sp.FitError) as caught:
        sp.place(program)
    advice = f"lower the fan-out of its neurons {MORE.format(3)}"
    assert str(caught.value) == f"core 0 exceeds the limit of axons out: 3 of 2; {advice}"


def test_the_chip_has_so_many_cores() -> None:
    program = chain(129 * 8, threshold=1 + np.arange(129 * 8))
    with pytest.raises(sp.FitError, match="limit of distinct thresholds: 16 of 8; use fewer thresholds or raise max_"):
        sp.place(program)
    assert sp.place(program, max_cores=129).cores == 129


@pytest.mark.parametrize(
    ("cores", "message"),
    [
        (0, "max_cores must be a positive integer, got 0"),
        (-1, "max_cores must be a positive integer, got -1"),
        (1.5, r"max_cores must be an integer, got 1\.5"),
        ("2", "max_cores must be an integer, got '2'"),
        (True, "max_cores must be an integer, got True"),
    ],
)
def test_max_cores_is_a_whole_number(cores: Any, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.place(chain(1), max_cores=cores)


def test_without_known_limits_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with_core(monkeypatch, Core())
    placement = sp.place(chain(2000, threshold=1 + np.arange(2000)))
    assert (placement.cores, placement.is_minimal, placement.checked) == (1, True, ())
    assert placement.usage[0].as_dict() == plain_usage(chain(2000, threshold=1 + np.arange(2000)), [0] * 2000)[0] | {
        "words": None
    }
    assert placement.total("words") is None


def test_neurons_without_synapses_take_their_place() -> None:
    empty = chain(1025, n_inputs=0, pre=[], post=[])
    placement = sp.place(empty)
    assert_holds(empty, placement, LOIHI.core)
    assert (placement.cores, placement.is_minimal, placement.total("words")) == (2, True, 0)


@pytest.mark.parametrize("seed", range(6))
def test_larger_placements_are_counted_again(seed: int) -> None:
    """Memory, formats and axons decide; the words are those of whole parts, of listed ones, and of both."""
    density = 40 >> seed
    program = drawn(seed, inputs=300, neurons=400, synapses=4000 * density, taps=seed)
    placement = sp.place(program)
    assert_holds(program, placement, LOIHI.core)


def test_equal_programs_are_placed_alike() -> None:
    program = drawn(3, inputs=20, neurons=200, synapses=4000)
    again = drawn(3, inputs=20, neurons=200, synapses=4000)
    assert sp.place(program).core_of.tolist() == sp.place(again).core_of.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_a_program_keeps_the_cores_that_it_carries(seed: int) -> None:
    """Other than those that would be chosen, but within all limits; the bound is that of the program."""
    program = drawn(seed, inputs=20, neurons=40, synapses=200)
    core_of = np.random.default_rng(seed).permutation(np.arange(40) % 3)
    placement = sp.place(replace(program, core=core_of))
    assert placement.core_of.tolist() == core_of.tolist()
    assert_holds(program, placement, LOIHI.core)
    assert (placement.at_least, placement.is_minimal) == (sp.place(program).at_least, False)


def test_a_placement_that_is_carried_is_proved_minimal_again(monkeypatch: pytest.MonkeyPatch) -> None:
    core = random_core(7)
    with_core(monkeypatch, core)
    program = drawn(7, inputs=3, neurons=6, synapses=15, taps=2)
    placement = sp.place(program)
    again = sp.place(replace(program, core=placement.core_of))
    assert placement.cores > least_cores(CoreDemand.of(program, core.memory), core)
    assert (again.cores, again.at_least) == (placement.cores, placement.at_least)


def test_carried_cores_that_do_not_fit_are_refused() -> None:
    program = chain(33, threshold=1 + np.arange(33), core=np.arange(33) // 9)
    with pytest.raises(
        sp.FitError, match=r"^core 0 exceeds the limit of distinct thresholds: 9 of 8; use fewer thresholds or set the"
    ) as caught:
        sp.place(program)
    assert str(caught.value).endswith("set the program's core to None to place it again (at least 5 cores necessary)")
    assert sp.place(replace(program, core=None)).cores == 5


def test_fewer_cores_than_are_carried_are_looked_for() -> None:
    program = chain(33, core=np.arange(33))
    assert sp.place(program, max_cores=33).cores == 33
    assert sp.place(program, max_cores=32).cores == 1


def test_neurons_that_share_inputs_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two neurons each hear two of eight inputs, all mixed up; a core has axons for two."""
    with_core(monkeypatch, Core(axons_in=2))
    neurons = np.arange(16)
    program = chain(16, n_inputs=16, pre=np.r_[neurons % 8, 8 + neurons % 8], post=np.r_[neurons, neurons])
    placement = sp.place(program)
    assert (placement.cores, placement.is_minimal) == (8, True)
    assert (placement.core_of[:8] == placement.core_of[8:]).all()


@pytest.mark.parametrize("number", [1, 3, 54, 63, 64, 65, 128, 129, 1000])
@pytest.mark.parametrize("bits", [1, 8, 14, 24])
def test_words_follow_the_rule_of_nengo_loihi(number: int, bits: int) -> None:
    """``SynapseConfig.bits_per_axon``: blocks of 64 synapses, a header of 4 + 6 bits each, rounded up to 64 bits."""
    total = 0
    for start in range(0, number, 64):
        block = min(number - start, 64) * bits + 4 + 6
        total += -64 * (-block // 64)
    assert MEMORY is not None
    assert int(MEMORY.words_for(number, bits)) * 64 == total


@pytest.mark.parametrize(
    ("weights", "is_mixed", "width"),
    [
        ([255], False, 8),
        ([0, 2], False, 8),
        ([4, 8], False, 6),
        ([-128], False, 1),
        ([0], False, 1),
        ([2, -254], True, 8),
        ([4], True, 8),
        ([8, -8], True, 6),
        ([-256], True, 1),
    ],
)
def test_weights_take_the_fewest_bits_that_there_are(weights: list[int], is_mixed: bool, width: int) -> None:
    """There are 1 to 6 bits and 8, but not 7."""
    assert MEMORY is not None
    assert MEMORY.weight_width(np.array(weights), is_mixed=is_mixed) == width
