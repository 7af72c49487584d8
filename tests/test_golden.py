"""The golden programs: their files are what the chip's rule gives, and a wrong rule of any kind shows in them.

``SNNPROG_REWRITE_GOLDEN=1`` in the environment rewrites the files in ``snnprog/conformance/golden``.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases import plain_run, states_of
from golden_cases import CASES
from numpy.typing import NDArray

import snnprog as sp
from snnprog.conformance import Golden, golden_programs, write_golden
from snnprog.conformance.golden import GOLDEN_FOLDER, RECORDED
from snnprog.conformance.trials import Trial
from snnprog.program import MIXED, NEURON_ARRAYS
from snnprog.simulate import simulate

CHIP = "loihi1"


@pytest.fixture(scope="module", autouse=True)
def rewritten() -> None:
    """Write the golden files, if asked to."""
    if os.environ.get("SNNPROG_REWRITE_GOLDEN"):
        for case in CASES:
            write_golden(frozen(case))


def frozen(case: Callable[[], Trial]) -> Golden:
    trial = case()
    return Golden(case.__name__, trial, tuple(simulate(trial.program, trial.inputs, state=True)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_files_are_what_the_case_says(case: Callable[[], Trial], tmp_path: Path) -> None:
    write_golden(frozen(case), tmp_path)
    written = sorted((tmp_path / CHIP).iterdir())
    assert len(written) == 3
    for path in written:
        assert path.read_bytes() == (GOLDEN_FOLDER / CHIP / path.name).read_bytes(), path.name


def test_there_are_files_of_all_cases_and_of_no_others() -> None:
    assert [golden.name for golden in golden_programs(CHIP)] == sorted(case.__name__ for case in CASES)
    assert sum(path.stat().st_size for path in (GOLDEN_FOLDER / CHIP).iterdir()) < 400_000


def test_a_damaged_file_is_a_format_error(tmp_path: Path) -> None:
    write_golden(frozen(CASES[0]), tmp_path)
    path = tmp_path / CHIP / f"{CASES[0].__name__}.result.npz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(sp.FormatError, match="is not a complete zip archive"):
        golden_programs(CHIP, tmp_path)


@pytest.mark.parametrize("golden", golden_programs(CHIP), ids=lambda golden: golden.name)
def test_expected_is_what_plain_integers_give(golden: Golden) -> None:
    for raster, expected in zip(golden.trial.inputs, golden.expected, strict=True):
        trace = plain_run(golden.trial.program, raster)
        assert trace.excursion is None
        assert np.array_equal(np.array(trace.spikes)[:, golden.trial.program.outputs], expected.spikes)
        currents, potentials = states_of(expected)
        assert np.array_equal(np.array(trace.currents), currents)
        assert np.array_equal(np.array(trace.potentials), potentials)


# ------------------------------------------------------------------------------------ a rule that can be wrong anywhere


def toward_zero(value: int, factor: int) -> int:
    return (abs(value) * factor >> 12) * (1 if value >= 0 else -1)


@dataclass(frozen=True)
class Rule:
    """The chip's rule, every row of which can be replaced."""

    keep_current: Callable[[int, int], int] = lambda u, du: toward_zero(u, 4095 - du)
    keep_potential: Callable[[int, int], int] = lambda v, dv: toward_zero(v, 4096 - dv)
    bias: Callable[[int], int] = lambda bias: bias
    effective: Callable[[int, int, int], int] = lambda weight, exponent, mode: weight << exponent
    delay: Callable[[int], int] = lambda delay: delay
    fires: Callable[[int, int], bool] = lambda v, threshold: v > 64 * threshold
    after_spike: Callable[[int, int, int], tuple[int, int]] = lambda u, v, threshold: (u, 0)
    uses_old_current: bool = False
    refractory: Callable[[int], int] = lambda refractory: refractory
    is_bias_held: bool = True
    does_current_go_on: bool = True
    recurrent: Callable[[int, int], bool] = lambda pre, post: True
    one_per_pair: bool = False
    carries_current: bool = False
    carries_potential: bool = False
    carries_refractory: bool = False
    carries_spikes: bool = False
    outputs: Callable[[NDArray[np.int32]], NDArray[np.int32]] = lambda outputs: outputs


Records = list[tuple[list[bool], list[int], list[int]]]


def synapses_of(rule: Rule, program: sp.Program) -> list[tuple[int, int, int, int]]:
    """Return (pre, post, delay, what it adds) as the rule has them."""
    fields = (program.pre, program.post, program.delay, program.weight, program.exponent, program.sign_mode)
    synapses = []
    for pre, post, delay, weight, exponent, mode in zip(*(field.tolist() for field in fields), strict=True):
        if pre < program.n_inputs or rule.recurrent(pre - program.n_inputs, post):
            synapses.append((pre, post, rule.delay(delay), rule.effective(weight, exponent, mode)))
    if rule.one_per_pair:
        synapses = list({(pre, post, delay): (pre, post, delay, adds) for pre, post, delay, adds in synapses}.values())
    return synapses


def run_rule(rule: Rule, trial: Trial) -> list[Records]:
    """Return, per pattern and tick, spikes of the outputs, currents and potentials."""
    program, count = trial.program, trial.program.n_neurons
    synapses, outputs = synapses_of(rule, program), rule.outputs(program.outputs)
    parameters = [getattr(program, name).tolist() for name in NEURON_ARRAYS]
    u, v, wait = [0] * count, [0] * count, [0] * count
    due: dict[tuple[int, int], int] = {}
    patterns = []
    for raster in trial.inputs:
        u = u if rule.carries_current else [0] * count
        v = v if rule.carries_potential else [0] * count
        wait = wait if rule.carries_refractory else [0] * count
        due = due if rule.carries_spikes else {}
        records: Records = []
        for tick, lines in enumerate(raster.tolist()):
            fired = []
            for index, (threshold, du, dv, bias, refractory) in enumerate(zip(*parameters, strict=True)):
                before = u[index]
                if wait[index] == 0 or rule.does_current_go_on:
                    u[index] = rule.keep_current(u[index], du) + 64 * due.pop((tick, index), 0)
                added = before if rule.uses_old_current else u[index]
                held = 0 if rule.is_bias_held else rule.keep_potential(v[index], dv) + rule.bias(bias)
                free = rule.keep_potential(v[index], dv) + added + rule.bias(bias)
                v[index] = free if wait[index] == 0 else held
                fired.append(rule.fires(v[index], threshold) and wait[index] == 0)
                wait[index] = rule.refractory(refractory) - 1 if fired[-1] else max(0, wait[index] - 1)
                if fired[-1]:
                    u[index], v[index] = rule.after_spike(u[index], v[index], threshold)
            for pre, post, delay, adds in synapses:
                if (lines + fired)[pre]:
                    due[tick + delay, post] = due.get((tick + delay, post), 0) + adds
            records.append(([fired[index] for index in outputs], list(u), list(v)))
        due = {(tick - len(raster), index): adds for (tick, index), adds in due.items() if tick >= len(raster)}
        patterns.append(records)
    return patterns


def shows_in(rule: Rule) -> set[str]:
    """Return the golden programs in which a rule differs from what is expected."""
    found = set()
    for golden in golden_programs(CHIP):
        expected = []
        for trace in golden.expected:
            columns = [getattr(trace, name).tolist() for name in RECORDED]
            expected.append(list(zip(*columns, strict=True)))
        if run_rule(rule, golden.trial) != expected:
            found.add(golden.name)
    return found


def nearest(value: int, factor: int) -> int:
    return value * factor + 2048 >> 12


def one_exponent_lower(wrong: int, weight: int, exponent: int, mode: int) -> int:
    return weight << (exponent - (exponent == wrong))


FAULTS = {
    "current rounded down": (Rule(keep_current=lambda u, du: u * (4095 - du) >> 12), "rounding"),
    "current rounded up": (Rule(keep_current=lambda u, du: -(-u * (4095 - du) >> 12)), "rounding"),
    "current rounded to the nearest": (Rule(keep_current=lambda u, du: nearest(u, 4095 - du)), "rounding"),
    "potential rounded down": (Rule(keep_potential=lambda v, dv: v * (4096 - dv) >> 12), "rounding"),
    "potential rounded up": (Rule(keep_potential=lambda v, dv: -(-v * (4096 - dv) >> 12)), "rounding"),
    "potential rounded to the nearest": (Rule(keep_potential=lambda v, dv: nearest(v, 4096 - dv)), "rounding"),
    "decay subtracted instead": (Rule(keep_potential=lambda v, dv: v - toward_zero(v, dv)), "rounding"),
    "current decays by du": (Rule(keep_current=lambda u, du: toward_zero(u, 4096 - du)), "ends_of_decays"),
    "current decay 0 keeps all": (
        Rule(keep_current=lambda u, du: toward_zero(u, 4095 - du) if du else u),
        "ends_of_decays",
    ),
    "potential decay 4095 keeps none": (
        Rule(keep_potential=lambda v, dv: toward_zero(v, 4096 - dv) if dv < 4095 else 0),
        "ends_of_decays",
    ),
    "current of the tick before": (Rule(uses_old_current=True), "every_tick"),
    "no bias": (Rule(bias=lambda bias: 0), "biases"),
    "bias without its sign": (Rule(bias=abs), "biases"),
    "bias cut to 12 bits": (Rule(bias=lambda bias: max(-4095, min(4095, bias))), "biases"),
    "bias of 16 bits": (Rule(bias=lambda bias: (bias + 32768) % 65536 - 32768), "biases"),
    "even biases only": (Rule(bias=lambda bias: bias & ~1), "biases"),
    "delays one more": (Rule(delay=lambda delay: delay + 1), "input_delays"),
    "delays one less": (Rule(delay=lambda delay: max(1, delay - 1)), "input_delays"),
    "delays up to 62": (Rule(delay=lambda delay: min(62, delay)), "input_delays"),
    "delays up to 32": (Rule(delay=lambda delay: min(32, delay)), "recurrent_delays"),
    "delay 63 lost": (Rule(delay=lambda delay: delay if delay < 63 else 999), "recurrent_delays"),
    "spikes at equality": (Rule(fires=lambda v, threshold: v >= 64 * threshold), "equality"),
    "spikes one step too late": (Rule(fires=lambda v, threshold: v > 64 * threshold + 1), "equality"),
    "threshold of 16 bits": (Rule(fires=lambda v, threshold: v > 64 * (threshold & 0xFFFF)), "wide_states"),
    "reset by subtraction": (Rule(after_spike=lambda u, v, threshold: (u, v - 64 * threshold)), "every_tick"),
    "no reset": (Rule(after_spike=lambda u, v, threshold: (u, v)), "every_tick"),
    "current reset, too": (Rule(after_spike=lambda u, v, threshold: (0, 0)), "every_tick"),
    "a refractory tick": (Rule(refractory=lambda refractory: refractory + 1), "every_tick"),
    "no refractory periods": (Rule(refractory=lambda refractory: 1), "refractory"),
    "refractory periods one less": (Rule(refractory=lambda refractory: max(1, refractory - 1)), "refractory"),
    "refractory periods to 62": (Rule(refractory=lambda refractory: min(62, refractory)), "refractory"),
    "the bias integrated while refractory": (Rule(is_bias_held=False), "refractory_biases"),
    "the current held while refractory": (Rule(does_current_go_on=False), "refractory"),
    "refractory periods carried over": (Rule(carries_refractory=True), "refractory"),
    "no recurrence": (Rule(recurrent=lambda pre, post: False), "recurrence"),
    "no self-loops": (Rule(recurrent=lambda pre, post: pre != post), "recurrence"),
    "one synapse per pair and delay": (Rule(one_per_pair=True), "several_synapses"),
    "current carried over": (Rule(carries_current=True), "from_rest"),
    "potential carried over": (Rule(carries_potential=True), "from_rest"),
    "spikes in progress carried over": (Rule(carries_spikes=True), "from_rest"),
    "outputs in order of neurons": (Rule(outputs=np.sort), "some_outputs"),
    "mixed weights cut to 7 bits": (
        Rule(effective=lambda w, e, mode: (max(-128, w) if mode == MIXED else w) << e),
        "sign_modes",
    ),
    "mixed weights without -256": (Rule(effective=lambda w, e, mode: max(w, -255) << e), "sign_modes"),
    "last bit of one-sided weights lost": (
        Rule(effective=lambda w, e, mode: (w if mode == MIXED else w // 2 * 2) << e),
        "sign_modes",
    ),
    "weights in signed bytes": (Rule(effective=lambda w, e, mode: ((w + 128) % 256 - 128) << e), "sign_modes"),
    "weights without sign": (Rule(effective=lambda w, e, mode: abs(w) << e), "sign_modes"),
} | {
    f"exponent {wrong} taken for {wrong - 1}": (
        Rule(effective=partial(one_exponent_lower, wrong)),
        "exponents",
    )
    for wrong in range(1, 8)
}


def test_the_rule_without_a_fault_gives_what_is_expected() -> None:
    assert shows_in(Rule()) == set()


@pytest.mark.parametrize(("rule", "name"), FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_rule_shows_in_the_program_named_after_it(rule: Rule, name: str) -> None:
    assert name in shows_in(rule)


def test_the_golden_programs_travel_with_the_package() -> None:
    assert GOLDEN_FOLDER.is_relative_to(Path(sp.__file__).parent)
    for path in sorted((GOLDEN_FOLDER / CHIP).iterdir()):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
