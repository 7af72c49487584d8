"""Programs as C: they do what the reference does, tick for tick, and every compiler takes them without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import shared_programs
from emitted_c import SANITIZED, Counts, build, differences, needs_compiler, reference_run
from made_up_chips import KINDS, chip_of
from test_kernel import OTHER_RULES, random_program

import snnprog as sp
from snnprog.chips import Chip, find_chip
from snnprog.conformance.golden import golden_programs
from snnprog.conformance.trials import Trial, random_trial
from snnprog.emit.c.lean import lean_program
from snnprog.rules.building import clip, greatest, least, shift_right
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.rule import Rule, Watch

LOIHI = find_chip("loihi1")


class Job(NamedTuple):
    """A program, and the patterns to run it on, of lines that may spike several times a tick."""

    program: sp.Program
    inputs: tuple[Counts, ...]


Trials = Mapping[str, Trial | Job]


def chip_with(rule: Rule, name: str) -> Chip:
    return replace(LOIHI, name=name, rule=replace(rule, name=f"{name}-rule"))


def golden() -> Trials:
    return {f"golden_{each.name}": each.trial for each in golden_programs("loihi1")}


def random_loihi() -> Trials:
    return {f"random_{seed}": random_trial(seed) for seed in range(8)}


def loud_trial(seed: int, chip: Chip = LOIHI) -> Trial:
    """Return a program that wraps, folds and clips, in every second case with delays to 63."""
    generator = np.random.default_rng(seed)
    inputs, neurons = int(generator.integers(0, 12)), int(generator.integers(1, 70))
    delays, count = int(generator.choice([1, 3, 63])), int(generator.integers(0, 12)) * neurons
    program = random_program(seed, loudness=1, n_inputs=inputs, n_neurons=neurons, count=count, delays=delays)
    raster = generator.random((80, inputs)) < generator.uniform(0, 0.7)
    return Trial(replace(program, chip=chip), (raster,))


def loud() -> Trials:
    return {f"loud_{seed}": loud_trial(seed) for seed in range(6)}


def beyond_32_bits() -> Trials:
    """Thousands of the greatest weights at one neuron: arrivals wrap at 32 bits before they fold a current."""
    program = random_program(0, loudness=2, n_inputs=40, n_neurons=3, count=9000, delays=2)
    return {"wide": Trial(program, (np.random.default_rng(0).random((60, 40)) < 0.9,))}


def convolutions() -> Trials:
    found = {}
    for seed in range(5):
        program = shared_programs.random_program(seed)
        raster = np.random.default_rng(seed).random((50, program.n_inputs)) < 0.3
        found[f"conv_{seed}"] = Trial(program, (raster,))
    return found


def xylo() -> Trials:
    found = {}
    for seed in range(2):
        trial = random_trial(seed, "xylo")
        counts = [
            np.where(raster, np.random.default_rng(seed).integers(1, 32, raster.shape), 0) for raster in trial.inputs
        ]
        found[f"xylo_{seed}"] = Job(trial.program, (*trial.inputs, *counts))
    return found


def quiet_xylo() -> Trials:
    """Xylo with weights so small that no current saturates: events are added up in a register."""
    trial = random_trial(1, "xylo")
    program = trial.program.with_synapses(weight=np.sign(trial.program.weight))
    program = replace(
        program, current_decay=np.minimum(program.current_decay, 3), threshold=program.threshold // 64 + 1
    )
    assert lean_program(program).rule.is_sum
    return {"quiet": Job(program, trial.inputs)}


def made_up() -> Trials:
    return {kind.name: random_trial(seed, chip_of(kind)) for seed, kind in enumerate(KINDS)}


def made_up_and_loud() -> Trials:
    """Made-up chips on weights that they were not made for: their registers meet their ends."""
    found = {}
    for kind in KINDS:
        chip = chip_of(kind)
        trial = random_trial(3, chip)
        low, high = chip.bias_mantissas
        bias = np.random.default_rng(0).integers(low, high + 1, trial.program.n_neurons)
        found[f"loud_{kind.name}"] = Trial(replace(trial.program, bias=bias.astype(np.int32)), trial.inputs)
    return found


def other_rules() -> Trials:
    chips = [chip_with(rule, f"rule_{number}") for number, rule in enumerate(OTHER_RULES.values())]
    chips += map(find_chip, ("fpga-subtract", "fpga-ge", "fpga-subtract-ge"))
    watched = replace(LOIHI.rule, watched=(Watch("gather", 200), *LOIHI.rule.watched))
    ends = clip(Ref("arriving") + Ref("weight") * Ref("count"), -3000, 2000)  # of what is no register
    chips += [chip_with(watched, "watched"), chip_with(LOIHI.rule.with_step("gather", ends), "held")]
    return {f"other_{number}": loud_trial(number, chip) for number, chip in enumerate(chips)}


def counting_chip(rounding: Rounding, *, is_capped: bool) -> Chip:
    """Return a chip whose neurons spike several times a tick, gather event by event, and hear with delays."""
    u, v, count = Ref("current"), Ref("potential"), Ref("weight") * Ref("count")
    spikes = greatest(v, 0) // Ref("threshold")
    rule = replace(
        find_chip("xylo").rule,
        name="counting",
        gather=replace(LOIHI.rule.gather, target="current", expression=clip(u + count, -900, 1000)),
    )
    rule = rule.with_step("current", shift_right(u, Ref("current_decay"), rounding=rounding))
    rule = rule.with_step("fire", least(spikes, 5) if is_capped else spikes)
    return replace(find_chip("xylo"), name="counting", rule=replace(rule, constants=()), layers=None, delays=(1, 7))


def counting() -> Trials:
    found = {}
    for number, rounding in enumerate(Rounding):
        generator = np.random.default_rng(number)
        n_inputs, n_neurons, size = 5, 9, 60
        program = sp.Program.from_arrays(
            chip=counting_chip(rounding, is_capped=number % 2 == 0),
            n_inputs=n_inputs,
            n_neurons=n_neurons,
            outputs=range(1, n_neurons),
            pre=generator.integers(0, n_inputs + n_neurons, size),
            post=generator.integers(0, n_neurons, size),
            delay=generator.integers(1, 8, size),
            weight=generator.integers(-60, 100, size),
            threshold=np.append(3, generator.integers(70, 150, n_neurons - 1)),
            current_decay=generator.integers(1, 4, n_neurons),
            potential_decay=generator.integers(1, 6, n_neurons),
        )
        # Neuron 0 spikes more often than a byte tells, and is not read out.
        found[f"counting_{number}"] = Job(program, (generator.integers(0, 3, (90, n_inputs)),))
    return found


def small(**changes: Any) -> sp.Program:
    """Return a program of two inputs and three neurons, with changes."""
    wired = {"pre": [0, 1, 2], "post": [0, 1, 2], "weight": [9, -8, 7]}
    usual = {"chip": "loihi1", "n_inputs": 2, "n_neurons": 3, "threshold": [5, 6, 7]}
    return sp.Program.from_arrays(**{**usual, **wired, **changes})


def odd_shapes() -> Trials:
    """Programs that lack something: inputs, synapses, memory; and two with readouts."""
    nothing: dict[str, Any] = {"pre": [], "post": [], "weight": []}
    read: dict[str, Any] = {"threshold": [5, 131071, 131071], "readout": [0, 1, 1]}
    programs = [
        small(**nothing),
        small(outputs=[1]),
        small(pre=[0, 0], post=[1, 1], weight=[9, -9], bias=[10, 20, 30]),
        small(**nothing, n_inputs=0, bias=[10, 20, 30], potential_decay=0),
        small(potential_decay=4095, current_decay=4095),
        small(**read, outputs=[2, 0]),
        small(**read, outputs=[2, 1]),
    ]
    generator = np.random.default_rng(0)
    return {
        f"odd_{number}": Trial(program, (generator.random((40, program.n_inputs)) < 0.5,))
        for number, program in enumerate(programs)
    }


def layers() -> Trials:
    """Two dense layers, with some weights of 0, silent lines between and a second delay: blocks, and other forms."""
    found = {}
    for seed, sizes in enumerate([(4, 40, 3), (12, 9, 30), (30, 70, 10)]):
        generator = np.random.default_rng(seed)
        inputs, hidden, outs = sizes
        first = np.meshgrid(np.arange(inputs), np.arange(hidden))
        second = np.meshgrid(inputs + np.arange(hidden), hidden + np.arange(outs))
        pre, post = (np.concatenate([one.ravel(), two.ravel()]) for one, two in zip(first, second, strict=True))
        is_kept = pre % 5 != 3
        pre, post = pre[is_kept], post[is_kept]
        extra = generator.integers(0, inputs, 10), generator.integers(0, hidden + outs, 10)
        program = sp.Program.from_arrays(
            chip="loihi1",
            n_inputs=inputs,
            n_neurons=hidden + outs,
            pre=np.concatenate([pre, extra[0]]),
            post=np.concatenate([post, extra[1]]),
            weight=generator.integers(-9, 14, pre.size + 10),
            delay=np.append(np.ones(pre.size, np.int64), generator.integers(1, 2 + seed, 10)),
            threshold=generator.integers(10, 30, hidden + outs),
        )
        found[f"layers_{seed}"] = Trial(program, (generator.random((100, inputs)) < 0.3,))
    return found


SUITES: tuple[Callable[[], Trials], ...] = (
    golden,
    random_loihi,
    loud,
    beyond_32_bits,
    convolutions,
    xylo,
    quiet_xylo,
    made_up,
    made_up_and_loud,
    other_rules,
    counting,
    odd_shapes,
    layers,
)


@needs_compiler
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.__name__)
def test_emitted_programs_are_the_reference(suite: Callable[[], Trials], tmp_path: Path) -> None:
    """Counts and states, tick for tick, under the address and the undefined-behaviour sanitizer."""
    trials = suite()
    built = build({prefix: trial.program for prefix, trial in trials.items()}, tmp_path, flags=SANITIZED)
    wrong = {prefix: count for prefix, trial in trials.items() if (count := differences(built, prefix, trial.inputs))}
    assert not wrong


def test_the_suites_reach_what_they_are_for() -> None:
    """Several spikes in a tick, registers at both ends, and spikes at all: else equality would say little."""
    counting_runs = [reference_run(trial.program, raster) for trial in counting().values() for raster in trial.inputs]
    assert max(counts.max() for counts, _, _ in counting_runs) > 5
    at_ends = [reference_run(trial.program, raster) for trial in made_up_and_loud().values() for raster in trial.inputs]
    assert sum(bool(counts.any()) for counts, _, _ in at_ends) >= len(KINDS)
    trials = [trial for trial in loud().values() if trial.program.n_synapses]
    potentials = [reference_run(trial.program, trial.inputs[0])[2] for trial in trials]
    assert max(np.abs(each).max() for each in potentials) == 2**23 - 1


FAULTS = {
    "a rounding": {"part * factor / ((int32_t)1 << bits)": "((part * factor) >> bits)"},
    "a comparison": {"potential > ": "potential >= "},
    "a width": {"(int16_t)": "(int8_t)"},
    "a delay": {" ? index : index - ": " ? index : 1 + index - "},
    "a ring that is not cleared": {"fault_due[fault_now + n] = 0;": ""},
    "a refractory period": {"was_held > 0": "was_held > 1"},
    "a reset": {"spikes != 0 ? 0 : potential": "spikes != 0 ? 1 : potential"},
    "a weight": {"*sum + ": "1 + *sum + "},
    "an output": {"outputs[i] = fault_fired[i]": "outputs[i] = fault_fired[0]"},
    "a rest": {"fault_potential[i] = 0;": ""},
}


def program_for_faults() -> Trial:
    """Return a program whose potentials equal their thresholds now and then, with delays and refractory periods."""
    generator = np.random.default_rng(0)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=4,
        n_neurons=7,
        pre=generator.integers(0, 11, 60),
        post=generator.integers(0, 7, 60),
        delay=generator.integers(1, 9, 60),
        weight=generator.integers(-3, 5, 60),
        threshold=generator.integers(2, 5, 7),
        potential_decay=[0, 300, 700, 0, 300, 700, 0],
        current_decay=4095,
        refractory=[1, 2, 3, 1, 2, 3, 4],
    )
    return Trial(program, tuple(generator.random((300, 4)) < 0.4 for _ in range(2)))


@needs_compiler
@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_planted_fault_is_found(fault: str | None, tmp_path: Path) -> None:
    """The same comparison that finds nothing wrong finds each of these."""
    trial = program_for_faults()
    flags = ("-O0", "-Wno-error")
    built = build({"fault": trial.program}, tmp_path, flags=flags, changes=FAULTS[fault] if fault else {})
    assert bool(differences(built, "fault", trial.inputs)) == (fault is not None)
