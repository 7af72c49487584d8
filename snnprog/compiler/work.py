"""The steps between a spec and a program: design, hidden neurons, the nearest rasters, integers and their simulation.

What compiles and what explains takes the same steps, so both come to the same answers. Which of them, in which order,
and what is refused, they decide themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

import numpy as np

from snnprog.arrays import Raster
from snnprog.backends import simulate_built_in
from snnprog.compiler.built import Built
from snnprog.compiler.refusals import several
from snnprog.design import Design, design
from snnprog.design.again import design_again
from snnprog.design.designer import is_open_loop
from snnprog.design.hidden import add_hidden
from snnprog.design.neuron import OUT_OF_TIME, UNDECIDED, NeuronDesign
from snnprog.design.proofs.referee import Referee
from snnprog.design.proofs.substantiating import last_word, substantiated
from snnprog.design.rasters.closest import NearestDesign, design_closest
from snnprog.design.rasters.windows import design_in_windows
from snnprog.design.task import Task
from snnprog.errors import FitError, UndecidedError
from snnprog.integers import FEW, MANY, fit_outputs, quantize, settled
from snnprog.judgement import wrong_bins
from snnprog.network import Neuron
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.solver import interruptible, is_time_over, step, until
from snnprog.spec import Pattern, Spec
from snnprog.trace import Trace

# The share of the time left that a step may take, where another step may be needed after it: more than half, as most
# specs need no second step. A choice, not a measurement; without a time limit, it has no effect.
PART = 0.6
# The share of the time left in which integers are fitted where no weights were found: most that are found are found in
# a tenth of a second, and the proof that there are none comes after. A choice; without a time limit, it has no effect.
FIT_SHARE = 0.4


class Stopwatch:
    """Wall-clock seconds of each step, and which steps the time limit ended, as progress names them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.ended: list[str] = []
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        """Count the time since the last lap for a step."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now


@dataclass(frozen=True, eq=False)
class Work:
    """The steps for one spec.

    Attributes
    ----------
    spec : Spec
    seed : int
        Of all random choices.
    executor : concurrent.futures.Executor or None
        Where neurons are worked on side by side.
    progress : callable or None
    limit : float or None
        Seconds for the whole call, as was asked; `snnprog.solver.until` enforces it.
    is_always_checked : bool
        Whether the final simulation runs even when the time is over.
    watch : Stopwatch
        How long each step took.
    """

    spec: Spec
    _: KW_ONLY
    seed: int = 0
    executor: Executor | None = None
    progress: Progress | None = None
    limit: float | None = None
    is_always_checked: bool = False
    watch: Stopwatch = field(default_factory=Stopwatch)

    def designed(self, *, may_be_unbuilt: bool = False, share: float = 1.0) -> Design:
        """Return what came of every output in a share of the time; ``may_be_unbuilt`` as for `design`."""
        if self.spec.window != (0, 0):
            with self._step("windows", share, has_ended=lambda: bool(designed.out_of_time)):
                designed = self._designed_in_windows()
        else:
            with self._step("design", share, has_ended=lambda: bool(designed.out_of_time)):
                designed = design(
                    self.spec, executor=self.executor, progress=self.progress, may_be_unbuilt=may_be_unbuilt
                )
        self.watch.lap("design")
        fitted = self._fitted(self._decided(designed))
        return self._settled(fitted if self._is_tried_early else self._unless_proved(fitted), MANY)

    @property
    def _is_tried_early(self) -> bool:
        """Whether all that can refute integers by other means is to try them all, which is quick where it is done."""
        return self.spec.window != (0, 0) or is_open_loop(self.spec)

    def _designed_in_windows(self) -> Design:
        """Return what came of every output; before a complete search, integers are looked for that need none."""
        run = partial(design_in_windows, self.spec, executor=self.executor, progress=self.progress)
        if self.spec.recurrent:
            return run()
        begun = run(is_brief=True)
        return run(known=self._fitted(begun, is_brief=True)) if begun.undecided else begun

    def _decided(self, designed: Design) -> Design:
        """Return the design in which what real weights refuse is decided for integers; undecided, where it was not."""
        brief = self._proved(designed, is_brief=True)
        settled = self._settled(self._unless_proved(brief) if self._is_tried_early else brief, FEW)
        outcomes = zip(settled.outcomes, designed.outcomes, strict=True)
        left = tuple(before if after.is_undecided and before.conflicts else after for after, before in outcomes)
        return self._proved(replace(settled, outcomes=left))

    def _proved(self, designed: Design, *, is_brief: bool = False) -> Design:
        """Return the design in which what real weights refuse is proved for integers; undecided, where it was not."""
        outcomes = list(designed.outcomes)
        refused = [index for index in designed.unbuilt if outcomes[index].conflicts and outcomes[index].proof is None]
        if refused:
            task, referee = Task.of(self.spec), Referee(replace(self.spec, hidden=0))
            refused.sort(key=lambda index: outcomes[index].n_cases)
            with self._step("proofs", PART):  # what is made in that is checked in the rest
                for number, index in enumerate(refused):
                    proved = partial(substantiated, outcomes[index], task, referee, output=index, is_brief=is_brief)
                    with step("proofs", share=1.0 / (len(refused) - number)):
                        outcomes[index] = self._in_time(proved)
            self.watch.lap("proofs")
        return replace(designed, outcomes=tuple(outcomes))

    def _settled(self, designed: Design, most_work: int) -> Design:
        """Return the design in which outputs without weights have integers, or a proof that there are none.

        What is found is as sure as the work allowed is enough to look at all integers.
        """
        outcomes = list(designed.outcomes)
        left = designed.undecided if self.spec.hidden == 0 and not is_time_over() else ()
        if left:
            task, referee = Task.of(self.spec), Referee(self.spec)
            with self._step("proofs"):
                for index in left:
                    found = self._in_time(partial(settled, task, index, referee, most_work=most_work))
                    outcomes[index] = found if found is not UNDECIDED else outcomes[index]
            self.watch.lap("proofs")
        return replace(designed, outcomes=tuple(outcomes))

    def _unless_proved(self, designed: Design) -> Design:
        """Return the design in which outputs without weights are refused by other means, where these are a proof."""
        outcomes = list(designed.outcomes)
        for index, found in self._last_words(designed.undecided if self.spec.hidden == 0 else ()):
            outcomes[index] = found
        return replace(designed, outcomes=tuple(outcomes))

    def _last_words(self, outputs: Sequence[int]) -> Iterator[tuple[int, NeuronDesign]]:
        """Yield outputs and what proves that they have no integers, as far as that is found."""
        if outputs and not is_time_over():
            task, referee = Task.of(self.spec), Referee(self.spec)
            with self._step("proofs"):
                found = [(index, self._in_time(partial(last_word, task, index, referee))) for index in outputs]
            self.watch.lap("proofs")
            yield from ((index, each) for index, each in found if each.proof is not None)

    @staticmethod
    def _in_time(proved: Callable[[], NeuronDesign]) -> NeuronDesign:
        """Return what is proved; out of time, where the time ends that."""
        try:
            return proved()
        except UndecidedError as error:
            return OUT_OF_TIME if error.ended_by_time else UNDECIDED

    def _fitted(self, designed: Design, *, is_brief: bool = False) -> Design:
        """Return the design with neurons of integers for outputs without weights, as far as such are found.

        Outputs that were proved impossible in integers, too, are left as they are.
        """
        task, outcomes = designed.task, list(designed.outcomes)
        left = designed.undecided
        if not left:
            return designed
        with self._step("fit", FIT_SHARE / 2 if is_brief else FIT_SHARE):
            found = fit_outputs(task, left, seed=self.seed, executor=self.executor, is_brief=is_brief)
        self.watch.lap("fit")
        for output, neuron in found.items():
            outcomes[output] = NeuronDesign(neuron)
        return replace(designed, outcomes=tuple(outcomes))

    def designed_again(
        self, designed: Design, outputs: Sequence[int], refused: Collection[bytes], *, share: float = 1.0
    ) -> Design | None:
        """Return a design in which some outputs make other choices; see `snnprog.design.again`."""
        with step("design", share=share):
            again = design_again(self.spec, designed, outputs, refused)
        self.watch.lap("design")
        return again

    def helped(self, designed: Design, outputs: Sequence[int], *, is_proof_needed: bool) -> Design:
        """Return the design with the hidden neurons that some outputs need."""
        try:
            with self._step("hidden"):
                return add_hidden(self.spec, designed, outputs, is_proof_needed=is_proof_needed, progress=self.progress)
        except UndecidedError as error:
            if not error.ended_by_time:
                raise
            self.watch.ended.append("hidden")
            raise UndecidedError(
                f"{several(outputs)} not built with hidden neurons after {self.limit:g} s; allow more time",
                outputs,
                self.watch.ended,
            ) from error
        finally:
            self.watch.lap("hidden")

    def nearest(
        self, outputs: Sequence[int], *, rounding_proof: bool = False, share: float = 1.0
    ) -> tuple[NearestDesign, ...]:
        """Return what comes nearest to the targets of some outputs, found in a share of the time."""
        with self._step("closest", share, has_ended=lambda: any(found.is_out_of_time for found in nearest)):
            nearest = design_closest(
                self.spec,
                outputs,
                rounding_proof=rounding_proof,
                executor=self.executor,
                progress=self.progress,
            )
        self.watch.lap("closest")
        return nearest

    def built(self, designed: Design, *, share: float = 1.0, is_brief: bool = False) -> Built:
        """Turn a design into integers, in a share of the time, made for the rasters of the design, and run them.

        Outputs without a neuron stay silent, and the others are made for the targets of these; where outputs feed
        outputs, the program then says nothing about them, and is not run.
        """
        whole = _completed(designed)
        spec, neurons = whole.spec, whole.network.neurons
        chosen = np.stack([neuron.raster for neuron in neurons], axis=1)
        task = whole.task if whole.hidden else whole.task.with_targets(range(spec.n_outputs), chosen)
        with self._step("repair", share, has_ended=lambda: bool(quantized.out_of_time)):
            quantized = quantize(
                task,
                whole.network,
                seed=self.seed,
                executor=self.executor,
                progress=self.progress,
                is_brief=is_brief,
            )
        self.watch.lap("quantize")
        patterns = () if spec.recurrent and designed.unbuilt else spec.patterns
        traces = self._simulated(quantized.program, [pattern.inputs for pattern in patterns])
        wrong = wrong_bins(self.spec, [trace.spikes for trace in traces]) if traces else []
        self.watch.lap("simulate")
        built = Built(designed, quantized.program, quantized.neurons, traces, wrong, (), quantized.out_of_time)
        is_asked = not is_brief and not self.is_always_checked and not whole.hidden
        return self._reconsidered(built) if is_asked and built.inexact else built

    def _reconsidered(self, built: Built) -> Built:
        """Return the integers, others for outputs that are not exact, or what proves that there are none."""
        unsettled = [
            outcome if index not in built.inexact else UNDECIDED for index, outcome in enumerate(built.design.outcomes)
        ]
        settled = self._settled(replace(built.design, outcomes=tuple(unsettled)), MANY)
        refused = [
            each for index, each in enumerate(settled.outcomes) if index in built.inexact and each.proof is not None
        ]
        refused += [found for _, found in self._last_words(settled.undecided)]
        if not refused and not settled.unbuilt:
            again = self.built(settled, is_brief=True)
            return built if again.inexact else again
        return replace(built, refused=tuple(refused))

    def _simulated(self, program: Program, inputs: Sequence[Raster]) -> tuple[Trace, ...]:
        """Run a program; however late, where whatever comes out is handed out."""
        with until(None) if self.is_always_checked else nullcontext(), step("simulate"):
            return tuple(interruptible(partial(simulate_built_in, program, inputs)))

    def placed(self, program: Program) -> tuple[Placement | None, FitError | None]:
        """Return on which cores a program goes, or why it does not fit; the greedy placement, where time is over."""
        try:
            with self._step("place", has_ended=lambda: is_time_over() and not placement.is_minimal):
                placement = place(program)
        except FitError as error:
            return None, error
        finally:
            self.watch.lap("place")
        return placement, None

    @contextmanager
    def _step(self, name: str, share: float = 1.0, *, has_ended: Callable[[], bool] | None = None) -> Iterator[None]:
        """Name a step, limit its time, and note whether that ended it."""
        with step(name, share=share):
            yield
        if has_ended is not None and has_ended():
            self.watch.ended.append(name)


def _completed(designed: Design) -> Design:
    """Return the design with a silent neuron for every output that has none; no bin of these outputs counts."""
    if not designed.unbuilt:
        return designed
    task, spec, targets = designed.task, designed.spec, designed.task.targets
    is_built = np.array([outcome.neuron is not None for outcome in designed.outcomes])
    threshold, silence = float(spec.chip.thresholds[1]), np.zeros((len(spec.delays), task.mapping.n_lines))
    outcomes = tuple(
        outcome
        if outcome.neuron is not None
        else NeuronDesign(Neuron(silence, threshold, 0.0, 0, margin=0.0, bound=0.0, raster=targets[:, index]))
        for index, outcome in enumerate(designed.outcomes)
    )
    patterns = tuple(Pattern(pattern.inputs, pattern.targets, pattern.care & is_built) for pattern in spec.patterns)
    return Design(replace(task, spec=replace(spec, patterns=patterns)), outcomes)
