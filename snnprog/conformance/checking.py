"""Check whether a backend executes the chip's rule: compare spikes and states on golden and random programs.

Programs whose patterns have the same lengths run together, as separate parts of one program, because starting a
runtime takes longer than a few neurons. Programs that a backend does not support are skipped and reported.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from snnprog.backends import BUILT_IN, KERNEL, REFERENCE, Gaps, Run, Simulator, check_gaps, find_backend, run_backend
from snnprog.backends.execution import wrong_rule
from snnprog.chips import CHIPS, Chip, find_chip, is_built_in
from snnprog.conformance.golden import Golden, golden_programs, joined
from snnprog.conformance.trials import NO_GAPS, SMALL, ProgramSize, Trial, random_trial, side_by_side
from snnprog.errors import BackendError, LimitError, PortabilityWarning
from snnprog.progress import Progress
from snnprog.trace import Trace
from snnprog.verification import Divergence, compare_runs, explain_difference

TOGETHER = 10


@dataclass(frozen=True)
class Conformance:
    """The result of comparing a backend with the expected results.

    Attributes
    ----------
    golden, random : int
        Number of programs of each kind that were compared.
    stepped : int
        Number of random programs that were also run step by step: all, on a backend folder that supports streaming.
    left_out : mapping
        Golden programs that the backend does not support: name -> the reason.
    neuron_ticks, spikes : int
        Number of compared neuron states, and of output spikes.
    divergence : Divergence or None
        The first difference; its ``pattern`` and ``neuron`` belong to ``program``.
    program : str or None
        The program that differed: "golden program" and its name, or "random program" and its seed.
    versions : mapping
        What ran.
    """

    golden: int = 0
    random: int = 0
    stepped: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)
    neuron_ticks: int = 0
    spikes: int = 0
    divergence: Divergence | None = None
    program: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def programs(self) -> int:
        """Number of programs that were compared."""
        return self.golden + self.random


def check_conformance(
    backend: str,
    *,
    programs: int,
    first_seed: int = 0,
    scale: ProgramSize = SMALL,
    golden: bool = True,
    chip: str | Chip | None = None,
    progress: Progress | None = None,
) -> Conformance:
    """Run golden and random programs on a backend; stop at the first difference.

    Parameters
    ----------
    backend : str
        "kernel", "reference", or the name of a backend folder.
    programs : int
        Number of random programs; they only use features that the backend supports, and are compared with the
        reference (the reference itself with the kernel).
    first_seed : int
        Seed of the first random program; further seeds follow.
    scale : ProgramSize
        Size of the random programs.
    golden : bool
        Whether to run the golden programs, too; only built-in chips have them.
    chip : str or Chip, optional
        The chip; by default the first built-in one whose rule the backend executes.
    progress : callable, optional
        Called with ("golden programs" or "random programs", done, all) as they are compared.

    Raises
    ------
    BackendError
        If the backend is missing, fails, hangs or returns an invalid result, or does not execute the chip's rule.
    SpecError
        If the chip is unknown.
    """
    limits, gaps = _chip_and_gaps(backend, None if chip is None else find_chip(chip))
    frozen, left_out = _within(golden_programs(limits.name) if golden and is_built_in(limits) else [], gaps, backend)
    outcome = Conformance(left_out=left_out)
    alone = gaps.most_neurons is not None or limits.is_readout_apart
    together = 1 if alone or scale is not SMALL else TOGETHER
    tell = progress or _tell_nobody
    tell("golden programs", 0, len(frozen))
    for batch in _golden_batches(frozen, alone):
        if outcome.divergence is None:
            outcome = _compare(backend, batch, replace(outcome, golden=outcome.golden + len(batch)))
            tell("golden programs", outcome.golden, len(frozen))
    for first in range(first_seed, first_seed + programs, together):
        if outcome.divergence is None:
            seeds = range(first, min(first + together, first_seed + programs))
            batch = [Golden(str(seed), random_trial(seed, limits, gaps=gaps, scale=scale), ()) for seed in seeds]
            outcome = _compare(backend, batch, replace(outcome, random=outcome.random + len(batch)))
            outcome = _compare_steps(backend, batch, outcome)
            tell("random programs", outcome.random, programs)
    return outcome


def _tell_nobody(step: str, done: int, total: int) -> None:
    """No-op progress callback."""


def _chip_and_gaps(backend: str, chip: Chip | None) -> tuple[Chip, Gaps]:
    """Return the requested chip, or one whose rule the backend executes, and the backend's limits for it."""
    allowed = tuple(CHIPS.values()) if chip is None else (chip,)
    if backend in BUILT_IN:
        return allowed[0], NO_GAPS
    folder = find_backend(backend)
    for each in allowed:
        if folder.executes(each.rule.name):
            return each, folder.gaps
    executes = f"the rule {' or '.join(folder.semantics)}" if folder.semantics else "no rule"
    if chip is None:
        hint = "which no built-in chip has; give a chip that has it (--chip)"
        raise BackendError(f"backend {backend} executes {executes}, {hint}")
    raise BackendError(wrong_rule(folder, chip.rule.name, whose=f"chip {chip.name}"))


def _within(frozen: Sequence[Golden], gaps: Gaps, backend: str) -> tuple[list[Golden], dict[str, str]]:
    """Return the supported programs, and the reason for each other one."""
    kept, left_out = [], {}
    for each in frozen:
        try:
            check_gaps(each.trial.program, gaps, backend=backend)
            kept.append(each)
        except LimitError as error:
            left_out[each.name] = f"{error.item} must be {error.allowed}, got {error.found}"
    return kept, left_out


def _golden_batches(frozen: Sequence[Golden], alone: bool) -> Iterator[list[Golden]]:
    def lengths(golden: Golden) -> tuple[int, ...]:
        return tuple(len(raster) for raster in golden.trial.inputs)

    if alone:
        yield from ([golden] for golden in frozen)
        return
    for _, batch in groupby(sorted(frozen, key=lengths), key=lengths):
        yield list(batch)


def _compare(backend: str, batch: Sequence[Golden], before: Conformance) -> Conformance:
    """Run programs together and return the updated result; programs without expected results run on the reference."""
    joint = side_by_side([golden.trial for golden in batch])
    answer = _run(joint, backend)
    if all(golden.expected for golden in batch):
        columns = zip(*(golden.expected for golden in batch), strict=True)
        expected = Run(tuple(joined(traces) for traces in columns), {})
    else:
        expected = _run(joint, _judge_of(backend))
    differs = compare_runs(backend, answer, expected)
    after = replace(
        before,
        neuron_ticks=before.neuron_ticks + joint.neuron_ticks,
        spikes=before.spikes + sum(int(trace.spikes.sum()) for trace in expected.traces),
        versions=answer.versions,
    )
    if differs is None:
        return after
    part, own = _blame(differs, batch)
    kind = "golden" if part.expected else "random"
    return replace(
        after, program=f"{kind} program {part.name}", divergence=_explained(backend, part.trial, differs=own)
    )


def _compare_steps(backend: str, batch: Sequence[Golden], before: Conformance) -> Conformance:
    """Run programs together in pieces, on a backend folder that supports streaming, and return the updated result."""
    if before.divergence is not None or backend in BUILT_IN or not find_backend(backend).stream:
        return before
    joint = side_by_side([golden.trial for golden in batch])
    differs = compare_runs(backend, _run_in_steps(joint, backend), _run(joint, REFERENCE))
    after = replace(before, stepped=before.stepped + len(batch))
    if differs is None:
        return after
    part, own = _blame(differs, batch)
    return replace(after, program=f"random program {part.name}, run step by step", divergence=own)


def _run_in_steps(trial: Trial, backend: str) -> Run:
    """Run each pattern from rest in steps: a tick, two ticks, half of it, and the rest."""
    traces = []
    with Simulator(trial.program, backend, record="state" if shows_states(backend) else "spikes") as simulator:
        for raster in trial.inputs:
            simulator.reset()
            pieces = np.split(raster, sorted({1, 3, len(raster) // 2} - {0, len(raster)}))
            traces.append(_one_after_another([simulator.step(piece) for piece in pieces]))
        return Run(tuple(traces), simulator.versions)


def _one_after_another(traces: Sequence[Trace]) -> Trace:
    states = [[trace.currents, trace.potentials] for trace in traces]
    spikes = np.concatenate([trace.spikes for trace in traces])
    if states[0][0] is None:
        return Trace(spikes)
    currents, potentials = (np.concatenate(column) for column in zip(*states, strict=True))
    return Trace(spikes, currents, potentials)


def _run(trial: Trial, backend: str) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PortabilityWarning)  # only trials that are meant to leave that range do so
        return run_backend(trial.program, trial.inputs, backend, "state" if shows_states(backend) else "spikes")


def shows_states(backend: str) -> bool:
    """Return whether a backend records currents and potentials; otherwise only spikes are compared."""
    return backend in BUILT_IN or find_backend(backend).gaps.potentials


def _judge_of(backend: str) -> str:
    """Return the simulator that a backend is compared with: the reference, or the kernel for the reference itself."""
    return KERNEL if backend == REFERENCE else REFERENCE


def _blame(differs: Divergence, batch: Sequence[Golden]) -> tuple[Golden, Divergence]:
    """Return the program of a batch that differs, and where."""
    programs = [golden.trial.program for golden in batch]
    counts = [each.n_outputs if differs.is_of_output else each.n_neurons for each in programs]
    before = np.cumsum([0, *counts])
    part = int(np.searchsorted(before, differs.neuron, side="right")) - 1
    return batch[part], replace(differs, neuron=differs.neuron - int(before[part]))


def _explained(backend: str, trial: Trial, *, differs: Divergence) -> Divergence:
    """Return the difference with its explanation, if the program also differs when it runs alone."""
    answer, reference = _run(trial, backend), _run(trial, _judge_of(backend))
    alone = compare_runs(backend, answer, reference)
    return (
        differs
        if alone is None
        else explain_difference(trial.program, trial.inputs, divergence=alone, answer=answer, reference=reference)
    )
