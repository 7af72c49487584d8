"""Programs on cores: each placement is counted again, one synapse at a time, by a model that shares no code with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import pytest

import snnprog as sp
from snnprog.chips import CHIPS, RESOURCES, Core
from snnprog.conformance import random_trial
from snnprog.placement import Placement
from snnprog.placement.bounds import least_cores
from snnprog.placement.demand import Demand
from snnprog.placement.exact import improve
from snnprog.placement.greedy import Partition
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
    """Tell whether some neuron is too much for a core all alone."""
    return any(
        core.limit(name) is not None and used[name] > core.limit(name)  # type: ignore[operator]
        for used in plain_usage(program, list(range(program.n_neurons)))
        for name in RESOURCES
        if name != "axons_out"
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
            core.limit(name) is None or used[name] <= core.limit(name)  # type: ignore[operator]
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
        potential_decay=np.full(neurons, 128),
        bias=np.zeros(neurons, dtype=int),
    )


def chain(neurons: int, **changes: object) -> sp.Program:
    """Return neurons that each hear the one input once, with arrays replaced."""
    arrays: dict[str, object] = {
        "n_inputs": 1,
        "pre": np.zeros(neurons, dtype=int),
        "post": np.arange(neurons),
        "threshold": np.full(neurons, 100),
        "current_decay": np.full(neurons, 4095),
        "potential_decay": np.full(neurons, 128),
        "bias": np.zeros(neurons, dtype=int),
        "outputs": [0],
    } | changes
    size = np.size(arrays["pre"])  # type: ignore[arg-type]
    synapses = {name: np.ones(size, dtype=int) for name in ("delay", "weight")} | {
        "exponent": np.zeros(size, dtype=int)
    }
    return sp.Program.from_arrays(chip="loihi1", n_neurons=neurons, **{**synapses, **arrays})  # type: ignore[arg-type]


def with_core(monkeypatch: pytest.MonkeyPatch, core: Core, cores: int | None = None) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(LOIHI, core=core, cores=cores))


def random_core(seed: int, axons_out: tuple[int, int] = (2, 8)) -> Core:
    """Return limits that few neurons fill; each is there three times out of four."""
    generator = np.random.default_rng(1000 + seed)

    def some(low: int, high: int) -> int | None:
        return int(generator.integers(low, high + 1)) if generator.random() < 0.75 else None

    words = some(4, 24)
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
        with pytest.raises(sp.FitError, match=r"^neuron \d alone: synapse formats \d+ of 8; use fewer exponents"):
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
    assert least_cores(Demand.of(program, core.memory), core) <= fewest
    if fewest > 1:
        with pytest.raises(sp.FitError, match=rf"raise max_cores \(at least {fewest} cores are needed\)"):
            sp.place(program, max_cores=fewest - 1)


@pytest.mark.parametrize("seed", range(8))
def test_an_integer_program_mends_the_worst_partition(seed: int) -> None:
    """One neuron per core is where it starts; it ends where all partitions end."""
    core = random_core(seed)
    program = drawn(seed, inputs=3, neurons=6, synapses=12, taps=2)
    fewest, demand = fewest_cores(program, core), Demand.of(program, core.memory)
    alone = Partition.of(demand, np.arange(6))
    if alone.misfit(core) is None:
        better, least = improve(demand, core, alone, 1)
        assert better.cores == least == fewest
