"""Programs that are exact under every perturbation of their inputs and weights.

A perturbed input is a pattern like any other, with the targets of the pattern that it was made of. So the steps of an
ordinary specification serve, with all their options, on the patterns and a few perturbed ones: those that are the
worst for the program of the round before (counterexample-guided synthesis, Solar-Lezama 2008). The check of
`snnprog.robustness` has the last word. If the few perturbed patterns already exclude every program, the proof of that
is a proof about the specification, once it names the perturbations: `snnprog.check_proof` checks that each is allowed.

Decisions
---------
- Ticks in windows and don't-care bins are chosen for the patterns as they are; perturbed ones must have the same
  spikes. Only if that fails, each perturbed pattern may choose for itself, which a refusal must allow for.
- Without a bias, neurons from rest do not depend on when the input begins. So if all spikes of a pattern may be one
  tick late, its outputs would be late, too, and a target spike is impossible. These perturbed patterns come first.
- Weight errors are part of a proof only where all integers are tried: a chip's mantissas below 1 / share do not change
  at all, so a proof about real weights would prove too much. See `snnprog.compiler.robust.refuting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil

from snnprog.arrays import Raster
from snnprog.check_proof import check
from snnprog.compiler.built import Built
from snnprog.compiler.robust.neurons import separated_built
from snnprog.compiler.robust.refuting import Perturbed, late_patterns, named, refused_by_weights, with_perturbed
from snnprog.compiler.work import Work
from snnprog.design import Design
from snnprog.errors import InfeasibleError, SnnprogError, UndecidedError
from snnprog.network import Neuron
from snnprog.robustness.checking import RobustCheck
from snnprog.robustness.perturbation import Perturbation
from snnprog.robustness.verdict import Robustness
from snnprog.solver import check_time
from snnprog.spec import Pattern, Robust, Spec
from snnprog.spec.document import spec_to_data
from snnprog.spec.options import NO_WINDOW

Exact = Callable[[Work], Built]
"""Returns the exact program of an ordinary specification, or raises why there is none."""

ROUNDS = 40
"""After how many rounds the search ends. A choice."""

MOST_NEW = 24
"""How many perturbed patterns a round may add. A choice between rounds and their length."""


@dataclass(frozen=True, eq=False)
class _Rounds:
    """The rounds for one specification.

    Attributes
    ----------
    work : Work
    spec : Spec
        Without perturbations.
    robust : Robust
    exact : callable
        See `Exact`.
    """

    work: Work
    spec: Spec
    robust: Robust
    exact: Exact

    def built(self, perturbed: Sequence[Perturbed], chosen: Sequence[Raster] | None = None) -> Built:
        """Return the exact program on the patterns and on perturbed ones.

        Where spikes are chosen already, ``chosen`` has those of each pattern, (ticks, outputs).
        """
        spec = self.spec if chosen is None else self.fixed(chosen)
        more = [
            Pattern(each.perturbation.of(of.inputs), of.targets, of.care)
            for each, of in ((each, spec.patterns[each.pattern]) for each in perturbed)
        ]
        try:
            return self.exact(replace(self.work, spec=replace(spec, patterns=(*spec.patterns, *more))))
        except InfeasibleError as error:
            if spec.window != self.spec.window:
                return self.built(perturbed)
            raise self._refusal(error, perturbed) from error

    def checked(self, built: Built) -> RobustCheck:
        """Return the check of a program on the patterns."""
        return RobustCheck(built.program, self.spec, self.robust, traces=built.traces[: len(self.spec.patterns)])

    def fixed(self, chosen: Sequence[Raster]) -> Spec:
        """Return the specification that asks for the chosen spikes in windows, and prefers them in don't-care bins."""
        patterns = tuple(
            Pattern(pattern.inputs, raster, pattern.care)
            for pattern, raster in zip(self.spec.patterns, chosen, strict=True)
        )
        return replace(self.spec, patterns=patterns, window=NO_WINDOW)

    def _refusal(self, error: InfeasibleError, perturbed: Sequence[Perturbed]) -> InfeasibleError:
        """Return the error with a proof about the specification with perturbations."""
        document = spec_to_data(replace(self.spec, robust=self.robust))
        proof = with_perturbed(dict(error.proof) | {"spec": document["digest"]}, perturbed)
        fault = check(document, proof)
        if fault is not None:
            raise UndecidedError(f"a proof about perturbed inputs does not hold ({fault}); please report the spec")
        count = len(self.spec.patterns)
        return InfeasibleError([named(conflict, perturbed, given=count) for conflict in error.conflicts], proof)

    def last_resort(self, why: str, perturbed: Sequence[Perturbed], found: RobustCheck) -> tuple[Built, Robustness]:
        """Return a program of mantissas that are too small to change; raise why there is none, or none was found."""
        share, spec = self.robust.share, replace(self.spec, robust=self.robust)
        if share:
            steady = replace(self.robust, weights=0.0)
            limit = min(ceil(1 / share) - 1, spec.mantissas.limit)
            with suppress(SnnprogError):
                if limit > 0 and not spec.mantissas.is_binary:
                    small = replace(spec, robust=None if steady.is_nothing else steady, weight_limit=limit)
                    built = (
                        robust_built(replace(self.work, spec=small), self.exact)[0]
                        if small.robust
                        else self.exact(replace(self.work, spec=small))
                    )
                    proved = self.checked(built)
                    if proved.is_proved:
                        return built, proved.result()
            refused = refused_by_weights(spec, perturbed, found)
            if refused is not None:
                raise refused
        raise UndecidedError(f"no program was found that is exact under every perturbation{why}: {found.result()}")


def robust_built(work: Work, exact: Exact) -> tuple[Built, Robustness]:
    """Return a program that is exact under every perturbation that the spec names, and the verdict on it.

    Raises
    ------
    InfeasibleError, UndecidedError, QuantizationError, SolverError
        As for `exact`; undecided, too, if the rounds end before the program is proved robust.
    """
    spec, robust = work.spec, work.spec.robust
    assert robust is not None
    rounds = _Rounds(work, replace(spec, robust=None), robust, exact)
    perturbed: dict[tuple[int, bytes], Perturbed] = {}
    _take_in(perturbed, late_patterns(spec), rounds.spec)
    built = rounds.built(list(perturbed.values()))
    chosen = [trace.spikes for trace in built.traces[: len(spec.patterns)]]
    if perturbed:
        built = rounds.built(list(perturbed.values()), chosen)
    for number in range(ROUNDS):
        check_time()
        blamed: list[tuple[int, Perturbation]] = []
        if number == 0 or spec.hidden != 0:
            separated, blamed = separated_built(work, built, robust)
            if separated is not None:
                proved = rounds.checked(separated)
                if proved.is_proved:
                    return _of_patterns(separated, len(rounds.spec.patterns)), proved.result()
        found = rounds.checked(built)
        if found.is_proved:
            return _of_patterns(built, len(rounds.spec.patterns)), found.result()
        result = found.result()
        if result.holds:
            return _of_patterns(built, len(rounds.spec.patterns)), result
        before = len(perturbed)
        _take_in(perturbed, blamed or found.counterexamples(MOST_NEW), rounds.spec)
        if len(perturbed) == before:
            return rounds.last_resort("", list(perturbed.values()), found)
        built = rounds.built(list(perturbed.values()), chosen)
    return rounds.last_resort(f" in {ROUNDS} rounds", list(perturbed.values()), found)


def _take_in(
    perturbed: dict[tuple[int, bytes], Perturbed], found: Iterable[tuple[int, Perturbation]], spec: Spec
) -> None:
    """Add perturbations of patterns that are not there yet."""
    for pattern, perturbation in found:
        inputs = perturbation.of(spec.patterns[pattern].inputs)
        if (inputs != spec.patterns[pattern].inputs).any():
            perturbed.setdefault((pattern, inputs.tobytes()), Perturbed(pattern, perturbation))


def _of_patterns(built: Built, count: int) -> Built:
    """Return what was built as a program for the first patterns only."""
    traces = built.traces[:count]
    ticks = sum(len(trace.spikes) for trace in traces)

    def cut(neuron: Neuron) -> Neuron:
        return replace(neuron, raster=neuron.raster[:ticks])

    design = built.design
    outcomes = [each if each.neuron is None else replace(each, neuron=cut(each.neuron)) for each in design.outcomes]
    whole = Design(design.task, tuple(outcomes), tuple(map(cut, design.hidden)))
    return replace(built, design=whole, traces=traces)
