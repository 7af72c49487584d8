"""What programs do: counts against a plain recount of plain integers, the energy against its figures."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest
from cases import plain_run
from rich.console import Console

import snnprog as sp
from snnprog.chips import CHIPS
from snnprog.conformance import Trial, random_trial
from snnprog.report.cores import activity_table
from snnprog.report.terminal import print_table
from snnprog.workload import with_all_outputs

SEEDS = (0, 2, 3, 5, 6)
FIGURES = {"operation": Fraction("23.6"), "message": Fraction("1.7"), "idle": Fraction(52), "active": Fraction(81)}


def plain_counts(trial: Trial, index: int, cores: list[set[int]]) -> dict[str, int]:
    """Walk through the spikes of one pattern, one at a time."""
    program, raster = trial.program, trial.inputs[index]
    spikes = plain_run(program, raster).spikes
    counts = dict.fromkeys(("input_spikes", "neuron_spikes", "synaptic_operations", "messages"), 0)
    for tick in range(len(raster)):
        for line, fired in enumerate([*raster[tick], *spikes[tick]]):
            if fired:
                counts["input_spikes" if line < program.n_inputs else "neuron_spikes"] += 1
                counts["synaptic_operations"] += sum(int(pre) == line for pre in program.pre)
                counts["messages"] += len(cores[line])
    return counts | {"ticks": len(raster), "neuron_updates": len(raster) * program.n_neurons}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_placed", [False, True])
def test_activity_is_counted_spike_by_spike(seed: int, is_placed: bool) -> None:
    trial = random_trial(seed)
    program = trial.program
    placement = sp.place(program) if is_placed else None
    core_of = [0] * program.n_neurons if placement is None else placement.core_of.tolist()
    cores: list[set[int]] = [set() for _ in range(program.n_inputs + program.n_neurons)]
    for pre, post in zip(program.pre.tolist(), program.post.tolist(), strict=True):
        cores[pre].add(core_of[post])
    activity = sp.activity(program, trial.inputs, placement=placement)
    assert len(activity.patterns) == len(trial.inputs) == 2
    for index, found in enumerate(activity.patterns):
        counts = plain_counts(trial, index, cores)
        assert {name: getattr(found, name) for name in counts} == counts
        spikes = FIGURES["operation"] * counts["synaptic_operations"] + FIGURES["message"] * counts["messages"]
        energies = [spikes + FIGURES[update] * counts["neuron_updates"] for update in ("idle", "active")]
        assert found.energy_pj == pytest.approx([float(energy) for energy in energies], rel=1e-12)
    first, second, total = (asdict(one) for one in (*activity.patterns, activity.total))
    assert total.pop("energy_pj") == tuple(map(sum, zip(first["energy_pj"], second["energy_pj"], strict=True)))
    assert all(total[name] == first[name] + second[name] for name in total)


def test_hidden_neurons_count_and_outputs_stay_where_they_are() -> None:
    """Only neuron 1 is read out; neuron 0 tells it."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=2,
        outputs=[1],
        pre=[0, 1],
        post=[0, 1],
        weight=200,
        threshold=100,
        potential_decay=0,
    )
    inputs = np.array([[1], [0], [1], [0]], dtype=bool)
    (found,) = sp.activity(program, [inputs]).patterns
    assert (found.input_spikes, found.neuron_spikes, found.synaptic_operations) == (2, 3, 4)
    assert sp.run(with_all_outputs(program), inputs).spikes.tolist() == [[0, 0], [1, 0], [0, 1], [1, 0]]


def test_the_figures_are_published_ones_and_called_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    trial = random_trial(0)
    activity = sp.activity(trial.program, trial.inputs)
    assert activity.energy_source is not None
    assert "Davies et al., IEEE Micro 38(1), 2018, Table 2" in activity.energy_source
    assert "energy_is_an_estimate_by" in activity.as_dict()
    print_table(Console(width=200, soft_wrap=True), activity_table(activity))
    printed = capsys.readouterr().out
    assert "energy, estimated (nJ)" in printed
    assert "energy: an estimate, from neurons all idle to all active, by Davies et al." in printed


def test_no_figures_no_energy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], energy=None))
    trial = random_trial(0)
    activity = sp.activity(trial.program, trial.inputs)
    assert (activity.energy_source, activity.patterns[0].energy_pj, activity.total.energy_pj) == (None, None, None)
    print_table(Console(width=200), activity_table(activity))
    printed = capsys.readouterr().out
    assert "no published figures" in printed
    assert "energy: an estimate" not in printed


def test_a_hidden_layer_is_not_read_out_as_another() -> None:
    """A hidden neuron of Xylo that feeds nothing could be, but would spike otherwise."""
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=1,
        n_neurons=2,
        outputs=[1],
        pre=[0, 0],
        post=[0, 1],
        weight=9,
        threshold=1,
        potential_decay=1,
    )
    with pytest.raises(sp.SpecError, match="xylo reads out only some: its readout layer has 1 of 2"):
        sp.activity(program, [np.ones((3, 1), dtype=bool)])


def test_what_is_not_for_this_program_is_refused() -> None:
    trial, other = random_trial(0), random_trial(3)
    with pytest.raises(
        sp.SpecError, match=r"the placement must have \d+ lines, as the program has, got \d+; place this program"
    ):
        sp.activity(trial.program, trial.inputs, placement=sp.place(other.program))
    with pytest.raises(sp.SpecError, match=r"inputs\[0\] must have \d+ columns, one for each input line .*, got 9"):
        sp.activity(trial.program, [np.zeros((3, 9), dtype=bool)])
    with pytest.raises(sp.SpecError, match="dt_ms must be the positive length of a tick in milliseconds, got 0"):
        sp.activity(trial.program, trial.inputs, dt_ms=0)
    with pytest.raises(sp.SpecError, match="multiplications must be the positive number of one pattern, got 0"):
        sp.activity(trial.program, trial.inputs, multiplications=0)


def repeater(spikes: int, synapses: int = 100) -> sp.Activity:
    """Return the activity of a line that spikes so often, with synapses that never make their neuron spike."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=synapses,
        outputs=[0],
        pre=[0] * synapses,
        post=range(synapses),
        weight=1,
        threshold=100,
    )
    return sp.activity(program, [np.arange(9)[:, None] < spikes])


def test_an_artificial_network_with_fewer_operations_is_said_to_cost_less(capsys: pytest.CaptureFixture[str]) -> None:
    once, twice = repeater(1), repeater(2)
    assert (once.comparison.ratio, once.comparison.is_ann_cheaper) == (1.0, False)
    assert (twice.comparison.ratio, twice.comparison.is_ann_cheaper) == (2.0, True)
    print_table(Console(width=400), activity_table(twice))
    printed = capsys.readouterr().out
    assert "200 synaptic operations per sample and 100 multiply-accumulates, 2.00 for each: the artificial" in printed
    assert "the artificial network would cost less on the same silicon (break-even 1.15)" in printed
    assert "each multiplied once per sample (at every tick, they would take 900 multiply-accumulates)" in printed
    assert "fewer than break-even (1.15), without counting 900 updates of neurons" in once.verdict


def test_the_artificial_network_may_be_given() -> None:
    trial = random_trial(0)
    activity = sp.activity(trial.program, trial.inputs, multiplications=10**6)
    operations = sum(one.synaptic_operations for one in activity.patterns) / 2
    assert (activity.multiplications, activity.comparison.ratio) == (10**6, operations / 10**6)
    assert activity.verdict.endswith("which an artificial network does not need; the artificial network: as given")
