"""The steps between a spec and a program: design, hidden neurons, the nearest rasters, integers and their simulation.

`snnprog.compile` and `snnprog.explain` use the same steps, so their results agree. Each decides on the selection and
order of steps, and on refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from snnprog.backends import simulate_built_in
from snnprog.compiler.built import Built
from snnprog.compiler.deciding import Means
from snnprog.compiler.refusals import several
from snnprog.compiler.stopwatch import Stopwatch
from snnprog.design import Design, design
from snnprog.design.again import design_again
from snnprog.design.designer import is_open_loop
from snnprog.design.hidden import add_hidden
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.proofs.certificate import Certificate
from snnprog.design.rasters.closest import NearestDesign, design_closest
from snnprog.design.rasters.windows import design_in_windows
from snnprog.design.task import Task
from snnprog.design.widening import widened
from snnprog.errors import FitError, UndecidedError
from snnprog.integers import MANY, fit_outputs, quantize
from snnprog.integers.nearest import Near, nearest_integers
from snnprog.integers.rounding import IntegerNeuron
from snnprog.judgement import WrongBinCosts, wrong_bins
from snnprog.network import Neuron
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.solver import interruptible, is_time_over, step, until
from snnprog.spec import Pattern, Spec
from snnprog.trace import Trace

# The share of the remaining time for a step that another step may follow: more than half, as most specs end after the
# first. A choice, not a measurement; without a time limit, it has no effect.
PART = 0.6
# The share for the search for integers; the rest is for trying all integers, if none are found. A choice: half each.
REPAIR_PART = 0.5
# The share for searching all integers before the long search. With 0.4, that took 2 s of a limit of 5 s on two Loihi
# specs, and one of them then ran out of time. Without a time limit, it has no effect.
SETTLING_PART = 0.25
# The share for fitting new integers if a design has none; other choices of the design follow. A choice, not a
# measurement; without a time limit, it has no effect.
FIT_PART = 0.3
# The share for designing outputs without hidden neurons if they are allowed; the search for hidden neurons takes the
# rest. A choice.
ALONE_DESIGN_PART = 0.35


@dataclass(frozen=True, eq=False)
class Work:
    """The steps for one spec.

    Attributes
    ----------
    spec : Spec
    seed : int
        Seed of all random choices.
    executor : concurrent.futures.Executor or None
        Executor for parallel work on neurons.
    progress : callable or None
    limit : float or None
        Seconds for the whole call, as given; `snnprog.solver.until` enforces it.
    is_always_checked : bool
        Whether the final simulation runs even when the time is over.
    is_brief : bool
        Whether outputs stay undecided that are not decided quickly.
    costs : WrongBinCosts
        What wrong bins cost, if the closest program is requested.
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
    is_brief: bool = False
    costs: WrongBinCosts = field(default_factory=WrongBinCosts)
    watch: Stopwatch = field(default_factory=Stopwatch)

    @cached_property
    def _means(self) -> Means:
        """The object that decides outputs which the design leaves without weights."""
        return Means(self.spec, self.seed, self.executor, self.watch, is_brief=self.is_brief)

    def designed(self, *, may_be_unbuilt: bool = False, share: float = 1.0) -> Design:
        """Return the result of every output in a share of the time; ``may_be_unbuilt`` as for `design`."""
        is_windowed = self.spec.window != (0, 0)
        run = design_in_windows if is_windowed else partial(design, may_be_unbuilt=may_be_unbuilt)
        name = "windows" if is_windowed else "design"
        with self.watch.noticing(name):
            with self.watch.step(name, share):
                designed = self._searched(partial(run, self.spec, executor=self.executor, progress=self.progress))
            self.watch.lap("design")
            return self._means.decided(designed)

    def _searched(self, run: Callable[..., Design]) -> Design:
        """Return the result of every output; try quick integers before a complete search.

        Outputs cannot be fitted one by one if the undecided bins of one are inputs of another.
        """
        if is_open_loop(self.spec):
            return run()
        begun = run(is_brief=True)
        return run(known=self._means.briefly_fitted(begun)) if begun.undecided else begun

    def designed_again(
        self, designed: Design, outputs: Sequence[int], refused: Collection[bytes], *, share: float = 1.0
    ) -> Design | None:
        """Return a design in which some outputs make other choices; see `snnprog.design.again`."""
        with step("design", share=share):
            again = design_again(self.spec, designed, outputs, refused)
        self.watch.lap("design")
        return again

    def fitted(self, designed: Design, outputs: Sequence[int], *, share: float = FIT_PART) -> Design | None:
        """Return the design with integers for some outputs, fitted with free choices; None if none are found.

        So their spikes may have other ticks in their windows, and they may have other synapses, than in the design
        (`snnprog.integers.unbuilt`).
        """
        with self.watch.step("fit", share):
            found = fit_outputs(designed.task, outputs, seed=self.seed, executor=self.executor)
        self.watch.lap("fit")
        if len(found) < len(outputs):
            return None
        return designed.with_outcomes({output: NeuronDesign(neuron) for output, neuron in found.items()})

    def helped(
        self, designed: Design, outputs: Sequence[int], *, is_proof_needed: bool, draw: int = 0, share: float = 1.0
    ) -> Design:
        """Return the design with the hidden neurons that some outputs need; see `add_hidden`."""
        try:
            with self.watch.step("hidden", share):
                return add_hidden(
                    self.spec,
                    designed,
                    outputs,
                    is_proof_needed=is_proof_needed,
                    draw=draw,
                    progress=self.progress,
                )
        except UndecidedError as error:
            if not error.ended_by_time:
                raise
            raise UndecidedError(
                f"{several(self.spec, outputs)} not built with hidden neurons after {self.limit:g} s; allow more time",
                outputs,
                [*self.watch.ended, "hidden"],
            ) from error
        finally:
            self.watch.lap("hidden")

    def refused(self, designed: Design, outputs: Sequence[int]) -> Design | None:
        """Return the design with refusals of outputs that no network can realise; None if this is not proved."""
        found = self._means.refused(designed, outputs)
        outcomes = tuple(found.get(index, UNDECIDED) for index, _ in enumerate(designed.outcomes))
        return replace(designed, outcomes=outcomes) if found else None

    def nearest(
        self, designed: Design, outputs: Sequence[int], *, rounding_proof: bool = False, share: float = 1.0
    ) -> tuple[NearestDesign, ...]:
        """Return the closest designs to the targets of some outputs, found in a share of the time."""
        proved = {index: designed.outcomes[index].certificate for index in outputs}
        with self.watch.step("closest", share, has_ended=lambda: any(found.is_out_of_time for found in nearest)):
            nearest = design_closest(
                self.spec,
                outputs,
                costs=self.costs,
                conflicts={index: proof for index, proof in proved.items() if isinstance(proof, Certificate)},
                rounding_proof=rounding_proof,
                executor=self.executor,
                progress=self.progress,
            )
        self.watch.lap("closest")
        return nearest

    def nearer(
        self,
        task: Task,
        given: Mapping[int, Sequence[IntegerNeuron]],
        at_least: Mapping[int, float],
        *,
        exponents: tuple[int, ...] = (),
        share: float = 1.0,
    ) -> dict[int, Near]:
        """Return the cheapest integers found for some outputs, from given ones; see `nearest_integers`."""
        with self.watch.step("closest", share, has_ended=lambda: any(near.is_out_of_time for near in found.values())):
            found = nearest_integers(
                task,
                given,
                costs=self.costs,
                at_least=at_least,
                exponents=exponents,
                seed=self.seed,
                executor=self.executor,
                progress=self.progress,
            )
        self.watch.lap("closest")
        return found

    def built(self, designed: Design, *, share: float = 1.0, is_brief: bool = False) -> Built:
        """Convert a design to integers for its rasters, in a share of the time, and run them.

        Outputs without a neuron stay silent, and the others are calculated for their targets; if outputs feed
        outputs, the program is then meaningless for them, and is not run. If a brief search leaves outputs that are
        not exact, overflow or do not tolerate the noise, all their integers are searched within a budget before a
        long search.
        """
        if is_brief or self.is_always_checked or designed.hidden:
            return self._built(designed, share=share, is_brief=is_brief)
        built = self._built(designed, share=min(share, REPAIR_PART), is_brief=True)
        if not built.failing:
            return built
        settled = self.settled(built)
        if settled.refused or not settled.failing:
            return settled
        built = self._built(designed, share=min(share, REPAIR_PART), is_brief=False)
        if not built.failing:
            return built
        found = dict(self._means.settled(built.failing, MANY))
        undecided = [index for index in built.failing if index not in found or found[index].is_undecided]
        return self._reconsidered(built, {**found, **self._means.last_words(undecided)})

    def settled(self, built: Built) -> Built:
        """Return other integers for failing outputs, or a proof that there are none, if either is found quickly."""
        return self._reconsidered(built, self._means.settled(built.failing, MANY, share=SETTLING_PART))

    def _built(self, designed: Design, *, share: float, is_brief: bool) -> Built:
        """Convert a design to integers once, and run them."""
        whole = _completed(designed)
        spec, task = whole.spec, _chosen(whole)
        with self.watch.step("repair", share, has_ended=lambda: bool(quantized.out_of_time)):
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
        traces = self.simulated(quantized.program, patterns)
        wrong = wrong_bins(self.spec, [trace.spikes for trace in traces]) if traces else []
        self.watch.lap("simulate")
        return Built(designed, quantized.program, quantized.neurons, traces, wrong, (), quantized.out_of_time)

    def _reconsidered(self, built: Built, found: Mapping[int, NeuronDesign]) -> Built:
        """Return other integers if found for all failing outputs, or the refusals of some."""
        refused = [each for each in found.values() if each.proof is not None]
        if refused or not all(index in found and found[index].neuron is not None for index in built.failing):
            return replace(built, refused=tuple(refused))
        again = self._built(built.design.with_outcomes(found), share=1.0, is_brief=True)
        return built if again.failing else again

    def widened(self, built: Built) -> Built:
        """Return the program with the widest margins, if there is time.

        Outputs whose new integers fail stay as they were built.
        """
        with suppress(UndecidedError), self.watch.noticing("widest"):
            with self.watch.step("widest"):
                task, outcomes = _chosen(_completed(built.design)), built.design.outcomes
                found = widened(task, outcomes, executor=self.executor, progress=self.progress)
            self.watch.lap("widest")
            while found:
                wider = self._built(built.design.with_outcomes(found), share=1.0, is_brief=False)
                worse = {*wider.flawed} - {*built.flawed}
                if not worse:
                    return wider
                found = {output: each for output, each in found.items() if output not in worse}
        return built

    def simulated(self, program: Program, patterns: Sequence[Pattern] | None = None) -> tuple[Trace, ...]:
        """Run a program on patterns, by default those of the spec.

        It runs also after the time limit, if the result is returned in any case.
        """
        inputs = [pattern.inputs for pattern in (self.spec.patterns if patterns is None else patterns)]
        with until(None) if self.is_always_checked else nullcontext(), step("simulate"):
            return tuple(interruptible(partial(simulate_built_in, program, inputs)))

    def placed(self, program: Program) -> tuple[Placement | None, FitError | None]:
        """Return the placement of a program, or why it does not fit; the greedy placement if the time is over."""
        try:
            with self.watch.step("place", has_ended=lambda: is_time_over() and not placement.is_minimal):
                placement = place(program)
        except FitError as error:
            return None, error
        finally:
            self.watch.lap("place")
        return placement, None


def _chosen(whole: Design) -> Task:
    """Return the task of the spikes that a design chose."""
    if whole.hidden:
        return whole.task
    chosen = np.stack([neuron.raster for neuron in whole.network.neurons], axis=1)
    return whole.task.with_targets(range(whole.spec.n_outputs), chosen)


def _completed(designed: Design) -> Design:
    """Return the design with a silent neuron for every output without one; bins of these outputs do not count."""
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
