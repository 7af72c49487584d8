"""What the compiler says of one case of `promise.py`, and what the judges say of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from promise_cases import Case
from promise_judges import complaints
from promise_proofs import Document, refusal_faults
from promise_search import POSSIBLE, verdict

import snnprog as sp

EXACT, IMPOSSIBLE, EXCLUDED, CRASH, HUNG = "exact", "impossible", "excluded", "crash", "hung"
UNEXPLAINED = {
    sp.QuantizationError: "quantization",
    sp.LimitError: "limit",
    sp.UndecidedError: "undecided",
    sp.SolverError: "solver",
}
KINDS = (EXACT, IMPOSSIBLE, *UNEXPLAINED.values(), CRASH, HUNG, EXCLUDED)

LATE = 1.1  # times the limit, and what a call may take beside its searches
START_SECONDS = 0.5
PATIENCE_SECONDS = 20.0  # what a stage without a limit may take before it counts as hung

Say = Callable[[str, float], None]


@dataclass
class Record:
    """What became of one case.

    Attributes
    ----------
    seed : int
    spec : str
        The case in the notation of `promise_cases`.
    tags : tuple of str
        The groups it is counted in.
    kind : str
        One of `KINDS`.
    message : str
        What the compiler said where it built nothing.
    is_certified : bool
        Whether every output of an exact program was called certified.
    proof : str
        "checked", "rejected" or "missing" for a refusal.
    brute : str
        What brute force says where the compiler built nothing: "possible", "impossible" or "open".
    explained : str
        What `explain` said; "" where it did not run.
    false : list of str
        Every word that turned out to be false.
    differs : str
        How `explain` contradicts `compile`; "" if it does not.
    seconds : float
        What `compile` took.
    is_late : bool
        Whether that is beyond the time limit.
    """

    seed: int
    spec: str
    tags: tuple[str, ...]
    kind: str = HUNG
    message: str = ""
    is_certified: bool = False
    proof: str = ""
    brute: str = ""
    explained: str = ""
    false: list[str] = field(default_factory=list)
    differs: str = ""
    seconds: float = 0.0
    is_late: bool = False

    @property
    def is_unexplained(self) -> bool:
        """Whether it ended in neither a program nor a refusal that holds."""
        return self.kind not in (EXACT, IMPOSSIBLE, EXCLUDED) or self.proof in ("missing", "rejected")

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong with the outcome."""
        return self.is_unexplained or bool(self.false or self.differs or self.is_late)

    def as_dict(self) -> dict[str, object]:
        """Return the record as plain data."""
        return asdict(self) | {"is_unexplained": self.is_unexplained}


def empty_record(case: Case) -> Record:
    """Return the record of a case of which nothing is known yet."""
    return Record(case.seed, str(case), case.tags)


def judge(case: Case, say: Say, *, seconds: float, has_explain: bool = True) -> Record:
    """Compile a case, and judge whatever comes of that.

    Parameters
    ----------
    say : callable
        Gets each stage and the seconds after which it counts as hung.
    seconds : float
        The time limit of `compile` and of `explain`, each.
    has_explain : bool
        Whether `explain` is called, too.
    """
    record = empty_record(case)
    try:
        spec = case.spec()
    except sp.SnnprogError as error:
        record.kind, record.message = EXCLUDED, str(error)
        return record
    say("compile", 3 * seconds + PATIENCE_SECONDS)
    proof = _compile(case, spec, record, seconds)
    if has_explain and record.kind not in (CRASH, EXCLUDED):
        say("explain", 3 * seconds + PATIENCE_SECONDS)
        _explain(case, spec, record, seconds)
    if proof is not None:
        say("check", 5 * PATIENCE_SECONDS)
        record.proof, faults = refusal_faults(case, spec, proof)
        record.false += faults
    if record.kind != EXACT:
        say("brute force", 10 * PATIENCE_SECONDS)
        _search(case, record)
    return record


def _compile(case: Case, spec: sp.Spec, record: Record, seconds: float) -> Document | None:
    """Compile, and judge the program; return the proof of a refusal, where there is one."""
    start, proof = time.perf_counter(), None
    try:
        result = sp.compile(spec, time_limit_s=seconds)
    except sp.InfeasibleError as error:
        record.kind, record.message = IMPOSSIBLE, str(error)
        record.proof = "missing"
        proof = getattr(error, "proof", None)
    except sp.SpecError as error:
        record.kind, record.message = EXCLUDED, str(error)
    except Exception as error:
        kinds = [kind for each, kind in UNEXPLAINED.items() if isinstance(error, each)]
        record.kind = kinds[0] if kinds else CRASH
        record.message = str(error) if kinds else f"{type(error).__name__}: {error}"
    else:
        record.kind = EXACT
        record.is_certified = all(neuron.status == "certified" for neuron in result.report.neurons)
        record.false = complaints(case, result.program)
    record.seconds = time.perf_counter() - start
    record.is_late = record.seconds > LATE * seconds + START_SECONDS
    return proof


def _explain(case: Case, spec: sp.Spec, record: Record, seconds: float) -> None:
    """Ask `explain` of the same spec, and note where it says something else."""
    try:
        statuses = [each.status for each in sp.explain(spec, time_limit_s=seconds).verdicts]
    except sp.SolverError as error:
        record.explained = f"{type(error).__name__}: {error}"
        return
    except Exception as error:
        record.differs = f"explain ended in {type(error).__name__}: {error}"
        return
    record.explained = ", ".join(statuses)
    is_built = set(statuses) <= {"certified", "exact"}
    is_refused = "infeasible" in statuses
    is_open = case.option("hidden") != 0 and "undecided" in statuses
    agrees = {EXACT: is_built or is_open, IMPOSSIBLE: is_refused}.get(record.kind, not is_built and not is_refused)
    if not agrees:
        record.differs = f"explain says {record.explained}, and compile {record.kind}"


def _search(case: Case, record: Record) -> None:
    """Look for the integers that the compiler did not find."""
    record.brute = POSSIBLE if case.teacher is not None else verdict(case)
    if record.kind == IMPOSSIBLE and record.brute == POSSIBLE:
        means = f"the teacher {case.teacher}" if case.teacher is not None else "integers found by brute force"
        record.false.append(f"refused, and {means} can do it")
