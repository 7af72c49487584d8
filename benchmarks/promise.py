"""Is the promise kept? Random specs over all options and chips, each compiled, explained and judged.

The judges share no code with the package: programs run on a simulator in plain integers and are checked against every
limit of the spec; a refusal is wrong if a teacher (a circuit that meets the targets) or a brute-force search over
integers, where that ends, does what it calls impossible. Each spec is drawn from its seed: ``--only SEED`` runs one
again, ``--spec TEXT`` runs one in the notation of the failures, and ``--shrink`` reduces it while it stays wrong.

Sizes for a full run: ``--specs 10000 --seconds 5 --kind random``, then ``--specs 5000 --kind teacher``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from promise_cases import Case, case_of, shrunk
from promise_draw import case_from_seed
from promise_proofs import Attack, attack, check_one_neuron
from promise_verdicts import EXACT, EXCLUDED, IMPOSSIBLE, KINDS, Record
from promise_workers import Failure, drawn, judged, worked
from rich.console import Console

from snnprog.report.terminal import print_table
from snnprog.table import Table

FAILURES = Path("promise-failures.json")


def table_of(records: Sequence[Record]) -> Table:
    """Return the outcomes by group."""
    tags = dict.fromkeys(tag for record in records for tag in record.tags)
    order = [tag for tag in _GROUPS if tag in tags] + [tag for tag in tags if tag not in _GROUPS]
    rows = [_row(tag, [record for record in records if tag in record.tags]) for tag in order]
    columns = ("group", "n", "exact", "certified", "impossible", "without proof", *KINDS[2:])
    return Table.plain(
        "Outcomes of random specs", columns=(*columns, "late", "explain differs", "FALSE", "unexplained %"), rows=rows
    )


_GROUPS = ("all", "random", "teacher", "tiny", "small", "medium", "loihi1", "loihi2", "xylo")


def _row(tag: str, records: Sequence[Record]) -> tuple[object, ...]:
    kinds = Counter(record.kind for record in records)
    refusals = [record for record in records if record.kind == IMPOSSIBLE]
    judged_ones = len(records) - kinds[EXCLUDED]
    return (
        tag,
        len(records),
        kinds[EXACT],
        sum(record.is_certified for record in records),
        kinds[IMPOSSIBLE],
        sum(record.proof != "checked" for record in refusals),
        *(kinds[kind] for kind in KINDS[2:]),
        sum(record.is_late for record in records),
        sum(bool(record.differs) for record in records),
        sum(bool(record.false) for record in records),
        f"{100 * sum(record.is_unexplained for record in records) / max(judged_ones, 1):.2f}",
    )


def teachers_of(records: Iterable[Record]) -> str:
    """Return what became of the specs that a teacher does."""
    taught = [record for record in records if "teacher" in record.tags and record.kind != EXCLUDED]
    refused = sum(record.kind == IMPOSSIBLE for record in taught)
    found = sum(record.kind == EXACT and not record.false for record in taught)
    return f"Teacher specs: {len(taught)}, refused {refused}, found {found} ({100 * found / max(len(taught), 1):.2f} %)"


def write_failures(path: Path, records: Iterable[Record]) -> int:
    """Write the records of everything that is wrong, by seed; return their number."""
    faults = sorted((record for record in records if record.is_fault), key=lambda record: (record.seed, record.spec))
    path.write_text(json.dumps([record.as_dict() for record in faults], indent=1) + "\n", encoding="utf-8")
    return len(faults)


class Shrinker:
    """Feeds cases one by one to a process, each of them made as small as it stays wrong in the same way."""

    def __init__(self, cases: Sequence[Case], *, has_shrinking: bool) -> None:
        self.cases, self.has_shrinking = cases, has_shrinking
        self.found: list[Record] = []
        self.last: Record | None = None

    def records(self, seconds: float) -> list[Record]:
        """Return the record of each case, or of the smallest one that was made of it."""
        for record in judged(self._fed(), workers=1, seconds=seconds):
            self.last = record
        return self.found

    def _fed(self) -> Iterator[Case]:
        """Yield what is to be judged next; ``last`` holds the record of what was yielded before."""
        for case in self.cases:
            yield case
            record = self._judged()
            while self.has_shrinking and record.is_fault:
                goal = _fault(record)
                for fewer in shrunk(case):
                    yield fewer
                    if _fault(self._judged()) == goal:
                        case, record = fewer, self._judged()
                        break
                else:
                    break
            self.found.append(record)

    def _judged(self) -> Record:
        assert self.last is not None, "a case was not judged"
        return self.last


def _fault(record: Record) -> tuple[object, ...]:
    """Return in which way a record is wrong."""
    return record.kind, record.is_unexplained, bool(record.false), bool(record.differs), record.is_late


def attacked(cases: Iterable[Case], *, proofs: int, workers: int, seconds: float) -> Iterator[Attack]:
    """Yield attacks on the proofs of cases, until there were enough proofs."""
    count = 0
    for found in worked(cases, partial(attack, seconds=seconds), workers=workers):
        if isinstance(found, Failure):
            yield Attack(found.case.seed, faults=[f"{found.kind} in {found.stage}: {found.case}"])
        else:
            yield found
            count += found.is_proof
        if count >= proofs:
            return


def attack_table(attacks: Sequence[Attack]) -> Table:
    """Return what came of attacks on proofs, by the kinds of nodes that the proofs have."""
    kinds = [("all", attacks), *((kind, [each for each in attacks if kind in each.kinds]) for kind in _kinds(attacks))]
    rows = [
        (
            kind,
            sum(each.is_proof for each in chosen),
            sum(each.is_checked for each in chosen),
            sum(each.kinds[kind] if kind != "all" else each.kinds.total() for each in chosen),
            sum(each.attached > 0 for each in chosen),
            sum(each.attached for each in chosen),
            sum(each.mutated for each in chosen),
            sum(each.others for each in chosen),
            sum(len(each.faults) for each in chosen),
        )
        for kind, chosen in kinds
    ]
    columns = (
        "proofs with",
        "proofs",
        "checked",
        "nodes",
        "attached to a feasible spec",
        "attached",
        "mutants of these",
    )
    return Table.plain("Proofs and attacks on them", columns=(*columns, "on other specs", "FAULTS"), rows=rows)


def _kinds(attacks: Iterable[Attack]) -> list[str]:
    return sorted({kind for each in attacks for kind in each.kinds})


def one_neuron_faults(cases: Iterable[Case]) -> tuple[int, list[str]]:
    """Return how many neurons were run by the checker and by the plain simulator, and where the two disagree."""
    faults, count = [], 0
    for case in cases:
        if case.n_outputs == 1 and len(case.delays) == 1 and set(case.options) <= _OF_ONE_NEURON and case.teacher:
            cell = case.teacher.cells[0]
            for step in (-1, 0, 1):
                other = replace(cell, threshold=max(1, cell.threshold + step), most=1)
                faults.append(check_one_neuron(case, replace(case.teacher, cells=(other,))))
                count += 1
    return count, [fault for fault in faults if fault]


_OF_ONE_NEURON = {
    "bias",
    "threshold",
    "weight_bits",
    "weight_limit",
    "noise",
    "refractory",
    "window",
    "signs",
    "fan_in",
}


Found = TypeVar("Found", Record, Attack)


def _noted(results: Iterable[Found], console: Console) -> Iterator[Found]:
    """Yield results, and say from time to time how many there were."""
    start = time.monotonic()
    for index, found in enumerate(results, start=1):
        if index % 500 == 0:
            console.print(f"{index} specs in {time.monotonic() - start:.0f} s")
        yield found


def main(words: Sequence[str] | None = None) -> None:
    """Draw, compile, judge; print the table and write down what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=int, default=1000, help="how many specs")
    parser.add_argument(
        "--part", choices=("specs", "proofs"), default="specs", help="specs, or attacks on --specs proofs"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="time limit of each call")
    parser.add_argument("--seed", type=int, default=0, help="of the first spec; the others follow")
    parser.add_argument("--kind", default="all", help="a group of the table, such as teacher, xylo, window, 'care'")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--failures", type=Path, default=FAILURES, help="where to write what is wrong, as JSON")
    parser.add_argument("--only", type=int, nargs="+", default=[], help="the seeds of the only specs to judge")
    parser.add_argument(
        "--spec", nargs="+", default=[], help="the only specs to judge, in the notation of the failures"
    )
    parser.add_argument("--shrink", action="store_true", help="make these specs as small as they stay wrong")
    parser.add_argument("--without-explain", action="store_true", help="compile only")
    chosen = parser.parse_args(words)
    console = Console(width=220)
    some = [case_from_seed(seed) for seed in chosen.only] + [case_of(text) for text in chosen.spec]
    if some:
        for record in Shrinker(some, has_shrinking=chosen.shrink).records(chosen.seconds):
            console.print_json(json.dumps(record.as_dict()))
        return
    if chosen.part == "proofs":
        _attack(chosen, console)
        return
    cases = drawn(chosen.seed, chosen.specs, chosen.kind)
    found = judged(cases, workers=chosen.workers, seconds=chosen.seconds, has_explain=not chosen.without_explain)
    records = list(_noted(found, console))
    print_table(console, table_of(records), is_whole=True)
    console.print(teachers_of(records))
    faults = write_failures(chosen.failures, records)
    console.print(f"{faults} outcomes with something wrong are in {chosen.failures}")


def _attack(chosen: argparse.Namespace, console: Console) -> None:
    """Attack proofs, print what came of that, and write down what is wrong."""
    cases = drawn(chosen.seed, 100 * chosen.specs, chosen.kind)
    found = attacked(cases, proofs=chosen.specs, workers=chosen.workers, seconds=chosen.seconds)
    attacks = list(_noted(found, console))
    print_table(console, attack_table(attacks), is_whole=True)
    count, faults = one_neuron_faults(drawn(chosen.seed, chosen.specs, "teacher"))
    console.print(f"{count} single neurons run by checker and simulator: {len(faults)} differ")
    faults += [fault for each in attacks for fault in each.faults]
    chosen.failures.write_text(json.dumps(faults, indent=1) + "\n", encoding="utf-8")
    console.print(f"{len(faults)} faults are in {chosen.failures}")


if __name__ == "__main__":
    main()
