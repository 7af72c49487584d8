"""The proofs of `promise.py`, checked by a program that stands alone, and attempts to have false ones accepted.

Each proof is checked by ``snnprog/check_proof.py`` in a process of its own, without the package. Its ``SPEC.json`` is
compared with one that is written here from the case. Then the proof is attached to specs of the same shape that can be
built, because a teacher or brute force satisfies them: unchanged, and mutated in its prices, rows, bins, ranges,
kinds and tree. None of that may be accepted.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from promise_cases import Case, Trial
from promise_chips import Circuit, run, survived_noise
from promise_draw import taught
from promise_judges import THRESHOLDS, is_met
from promise_search import POSSIBLE, verdict

import snnprog as sp
from snnprog.spec.document import spec_to_data

CHECKER = Path(sp.__file__).with_name("check_proof.py")
CHECK_SECONDS = 60.0
FORGED_WORK = 1 << 18  # ticks of one neuron that the checker may run for a forged proof: a few seconds
NEAR, MUTANTS = 4, 6  # specs near each refused one, and mutated proofs for each spec that can be built

Document = dict[str, Any]


@cache
def checker() -> ModuleType:
    """Return the stand-alone checker as a module that gives up early: what is forged may ask for endless work."""
    found = importlib.util.spec_from_file_location("stand_alone_checker", CHECKER)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    vars(module)["MOST_WORK"] = FORGED_WORK
    return module


def check_apart(spec: Document, proof: Document) -> tuple[int, str]:
    """Check a proof in a process of its own; return its exit code, and what it said."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("SPEC.json", "PROOF.json")]
        for file, document in zip(files, (spec, proof), strict=True):
            file.write_text(json.dumps(document), encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(CHECKER), *map(str, files)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return -1, f"no answer in {CHECK_SECONDS:g} s"
    return done.returncode, (done.stdout + done.stderr).strip()


# -------------------------------------------------------------------------------------------------- what SPEC.json says


def document_of(case: Case) -> Document:
    """Return what ``SPEC.json`` must say of a case, but for its digest and the chip's rule."""
    is_xylo, option = case.chip == "xylo", case.option
    limit = case.greatest_weight
    lines = case.n_inputs + (case.n_outputs if option("recurrent") else 0)
    signs = option("signs") or (0,) * lines
    bias_top = 127 if is_xylo else 4095
    bias_shift = 0 if is_xylo else 7
    parameters = {"current_decay": case.dynamics[1], "potential_decay": case.dynamics[0]}
    if is_xylo:
        parameters["most"] = 31 if option("recurrent") else 1
    else:
        parameters["refractory"] = option("refractory")
    threshold, bias = option("threshold"), option("bias")
    return {
        "format": "snnprog-spec",
        "version": 1,
        "ranges": {
            "mantissas": [[0 if sign > 0 else -limit, 0 if sign < 0 else limit] for sign in signs],
            "may_be_zero": not case.needs_every_tap,
            "exponents": [0, 7],
            "threshold": list(THRESHOLDS["xylo" if is_xylo else "loihi"]) if threshold == "free" else [threshold] * 2,
            "bias": [-bias_top << bias_shift, bias_top << bias_shift] if bias == "free" else [bias] * 2,
            "bias_mantissas": [-bias_top, bias_top],
            "bias_exponents": [0, bias_shift],
        },
        "parameters": parameters,
        "inputs": case.n_inputs,
        "outputs": case.n_outputs,
        "delays": list(case.delays),
        "recurrent": option("recurrent"),
        "may_have_hidden_neurons": option("hidden") != 0,
        "window": list(option("window")),
        "fan_in": option("fan_in"),
        "noise": math.ceil(Fraction(option("noise")) * (1 if is_xylo else 64)),
        "once": is_xylo and option("recurrent"),
        "patterns": [_pattern(trial) for trial in case.trials],
    }


def _pattern(trial: Trial) -> Document:
    def events(rows: Iterator[list[int]]) -> list[list[int]]:
        return [[tick, line] for tick, row in enumerate(rows) for line, bit in enumerate(row) if bit]

    both = list(zip(trial.targets, trial.care, strict=True))
    return {
        "ticks": trial.ticks,
        "inputs": events(list(row) for row in trial.inputs),
        "targets": events([bit & care for bit, care in zip(*rows, strict=True)] for rows in both),
        "open": events([1 - care for care in row] for _, row in both),
    }


def differences(case: Case, document: Document) -> list[str]:
    """Return the fields in which a ``SPEC.json`` says something else than the case."""
    expected = document_of(case)
    found = [name for name in expected if expected[name] != document.get(name)]
    rest = set(document) - set(expected) - {"digest", "chip"}
    return [f"{name} of SPEC.json is {document.get(name)!r}" for name in (*found, *sorted(rest))]


def refusal_faults(case: Case, spec: sp.Spec, proof: Document) -> tuple[str, list[str]]:
    """Return "checked" or "rejected" for the proof of a refusal, and what is wrong with it."""
    document = json.loads(json.dumps(spec_to_data(spec)))
    faults = differences(case, document)
    code, said = check_apart(document, proof)
    if code:
        faults.append(f"the checker ends with {code}: {said}")
    return ("checked" if code == 0 else "rejected"), faults


# ------------------------------------------------------------------------------------------------------------- attacks


@dataclass
class Attack:
    """What came of one case, its proof, and what was made of both.

    Attributes
    ----------
    kinds : Counter
        How many splits and leaves of each kind the proof has.
    is_proof, is_checked : bool
        Whether the case was refused with a proof, and whether that holds.
    attached, mutated : int
        Checks of the proof and of mutants of it on specs that can be built.
    others : int
        Checks of mutants on specs of which that is not known.
    faults : list of str
        Everything that must not be.
    """

    seed: int
    kinds: Counter[str] = field(default_factory=Counter)
    is_proof: bool = False
    is_checked: bool = False
    attached: int = 0
    mutated: int = 0
    others: int = 0
    faults: list[str] = field(default_factory=list)


def attack(case: Case, say: Callable[[str, float], None], *, seconds: float) -> Attack:
    """Compile a case; if it is refused, check its proof, and try to have it accepted where it must not be."""
    found, generator = Attack(case.seed), random.Random(case.seed)
    say("compile", 3 * seconds + 20)
    try:
        spec = case.spec()
        sp.compile(spec, time_limit_s=seconds)
    except sp.InfeasibleError as error:
        proof = getattr(error, "proof", None)
    except Exception:  # what ends otherwise is for the other part to judge
        return found
    else:
        return found
    if proof is None:
        return found
    found.is_proof, proof = True, json.loads(json.dumps(dict(proof)))
    found.kinds.update(node.get("leaf", node.get("split")) for node in proof["nodes"])
    say("check", 3 * CHECK_SECONDS)
    answer, faults = refusal_faults(case, spec, proof)
    found.is_checked, found.faults = answer == "checked", faults
    say("attack", 10 * CHECK_SECONDS)
    for other, is_possible in _others(case, generator):
        document = json.loads(json.dumps(spec_to_data(other.spec())))
        moved = proof | {"spec": document["digest"], "chip": document["chip"], "ranges": document["ranges"]}
        for forged in (moved, *(mutant(moved, generator) for _ in range(MUTANTS))):
            _try(found, other, document, forged, is_possible=is_possible, is_mutant=forged is not moved)
    return found


def _try(
    found: Attack, case: Case, document: Document, forged: Document, *, is_possible: bool, is_mutant: bool
) -> None:
    """Check a forged proof and count what came of it."""
    module = checker()
    try:
        is_accepted = module.check(document, forged) is None
    except module.BadFileError:
        is_accepted = False
    except Exception as error:
        is_accepted = False
        found.faults.append(f"{type(error).__name__} in the checker: {error}; {case}: {json.dumps(forged['nodes'])}")
    found.attached += is_possible and not is_mutant
    found.mutated += is_possible and is_mutant
    found.others += not is_possible
    if is_accepted and is_possible:
        found.faults.append(f"accepted for {case}, which can be built: {json.dumps(forged['nodes'])}")


def _others(case: Case, generator: random.Random) -> Iterator[tuple[Case, bool]]:
    """Yield specs of the shape of a case and whether they can be built; one that can is done by a teacher."""
    sibling = taught(replace(case, teacher=None), generator)
    if sibling is not None:
        yield sibling, True
    for _ in range(NEAR):
        near = _near(case, generator)
        yield near, verdict(near) == POSSIBLE


def _near(case: Case, generator: random.Random) -> Case:
    """Return a case that asks for one thing else: another bin, one that does not count, or one pattern less."""
    index = generator.randrange(len(case.trials))
    trial = case.trials[index]
    tick, output = generator.randrange(trial.ticks), generator.randrange(case.n_outputs)

    def changed(rows: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        cells = [list(row) for row in rows]
        cells[tick][output] ^= 1
        return tuple(map(tuple, cells))

    name = generator.choice(("targets", "targets", "care"))
    other = replace(trial, **{name: changed(getattr(trial, name))})
    return replace(case, trials=(*case.trials[:index], other, *case.trials[index + 1 :]), teacher=None)


def mutant(proof: Document, generator: random.Random) -> Document:
    """Return a proof with one to three things changed, of which it is not known whether it still is one."""
    forged = copy.deepcopy(proof)
    for _ in range(generator.choice((1, 1, 2, 3))):
        generator.choice(MUTATIONS)(forged["nodes"], generator)
    return forged


Nodes = list[dict[str, Any]]


def _change_price(nodes: Nodes, generator: random.Random) -> None:
    row = _any_row(nodes, generator)
    if row is not None:
        price = int(row["price"], 16) if isinstance(row["price"], str) else row["price"]
        row["price"] = generator.choice((price + 1, max(1, price - 1), 1, 2 * price, price << 40, 0, -price))


def _change_row(nodes: Nodes, generator: random.Random) -> None:
    row = _any_row(nodes, generator)
    if row is not None:
        name = generator.choice(sorted(set(row) - {"row", "price"}))
        value = row[name]
        if isinstance(value, bool):
            row[name] = not value
        elif isinstance(value, int):
            row[name] = generator.choice((-value, value + 1, value - 1, 0))


def _drop_or_double_row(nodes: Nodes, generator: random.Random) -> None:
    lists = [rows for rows in _lists(nodes) if rows]
    if lists:
        rows = generator.choice(lists)
        row = rows.pop(generator.randrange(len(rows)))
        rows += [row, dict(row)] if generator.random() < 0.5 else []


def _change_node(nodes: Nodes, generator: random.Random) -> None:
    node = generator.choice(nodes)
    names = [name for name, value in node.items() if isinstance(value, int)]
    if names:
        node[generator.choice(names)] = generator.choice((0, 1, 2, -1, len(nodes) - 1, generator.randrange(20)))


def _swap_cases(nodes: Nodes, generator: random.Random) -> None:
    for node in generator.sample(nodes, len(nodes)):
        names = [name for name in node if name.startswith("if_")]
        if len(names) == 2:
            node[names[0]], node[names[1]] = node[names[1]], node[names[0]]
            return


def _replace_leaf(nodes: Nodes, generator: random.Random) -> None:
    node = generator.choice(nodes)
    output = node.get("output", 0)
    leaves: Nodes = [
        {"leaf": "exhausted", "output": output, "cuts": []},
        {"leaf": "fan_in", "output": output},
        {"leaf": "windows", "output": output, "pattern": generator.randrange(2)},
        {"leaf": "farkas", "output": output, "rows": []},
    ]
    node.clear()
    node.update(generator.choice(leaves))


def _take_rows_for_cuts(nodes: Nodes, generator: random.Random) -> None:
    """Use what contradicts itself in one leaf as a cut of all integers, and the other way round."""
    leaves = [node for node in nodes if node.get("rows") or node.get("cuts")]
    if leaves:
        node = generator.choice(leaves)
        if "rows" in node:
            node.update(leaf="exhausted", cuts=[node.pop("rows")])
        else:
            node.update(leaf="farkas", rows=generator.choice(node.pop("cuts")))


def _split_on_anything(nodes: Nodes, generator: random.Random) -> None:
    """Put the root below a split without distinction, so that a case may be lost."""
    root = dict(nodes[0])
    nodes.append(root)
    output, here, at = root.get("output", 0), len(nodes) - 1, generator.randint(-300, 300)
    nodes.append({"leaf": "exhausted", "output": output, "cuts": []})
    unknown = generator.choice(("threshold", "exponent", "bias"))
    split = {"split": "range", "output": output, "unknown": unknown, "line": None, "delay": None, "at": at}
    nodes[0] = split | {"if_low": here, "if_high": here + 1}


def _any_row(nodes: Nodes, generator: random.Random) -> dict[str, Any] | None:
    rows = [row for each in _lists(nodes) for row in each]
    return generator.choice(rows) if rows else None


def _lists(nodes: Nodes) -> Iterator[Nodes]:
    """Yield all lists of priced rows: those of leaves that contradict themselves, and cuts."""
    for node in nodes:
        yield from [node["rows"]] if "rows" in node else node.get("cuts", [])


MUTATIONS: tuple[Callable[[Nodes, random.Random], None], ...] = (
    _change_price,
    _change_row,
    _drop_or_double_row,
    _change_node,
    _swap_cases,
    _replace_leaf,
    _take_rows_for_cuts,
    _split_on_anything,
)


# ---------------------------------------------------------------------------------------- one neuron, by two simulators


def check_one_neuron(case: Case, circuit: Circuit) -> str:
    """Return where checker and simulator disagree on whether one neuron does what a spec asks; "" if they agree.

    All ranges of the spec are narrowed to the neuron's integers, so the proof is that these fail: "exhausted" alone.
    """
    try:
        document = json.loads(json.dumps(spec_to_data(case.spec())))
    except sp.SpecError:
        return ""  # options that exclude each other
    weights = {each.line: each for each in circuit.synapses}
    exponent = circuit.synapses[0].exponent if circuit.synapses else 0
    values = [weights[line].mantissa if line in weights else 0 for line in range(case.n_inputs)]
    cell = circuit.cells[0]
    document["ranges"] |= {
        "mantissas": [[value, value] for value in values],
        "may_be_zero": True,
        "exponents": [exponent, exponent],
        "threshold": [cell.threshold, cell.threshold],
        "bias": [cell.bias, cell.bias],
    }
    names = {"spec": document["digest"], "chip": document["chip"], "ranges": document["ranges"]}
    proof = {
        "format": "snnprog-proof",
        "version": 1,
        **names,
        "nodes": [{"leaf": "exhausted", "output": 0, "cuts": []}],
    }
    fails = checker().check(document, proof) is None
    runs = [run(circuit, trial.inputs) for trial in case.trials]
    met = [
        is_met(case, trial, [row[0] for row in each.spikes], 0) for trial, each in zip(case.trials, runs, strict=True)
    ]
    room = min(survived_noise(circuit, each) for each in runs)
    is_fit = all(met) and not any(each.excess for each in runs) and room >= document["noise"]
    return f"{case}: {circuit} {'fits' if is_fit else 'fails'}, which the checker denies" if fails == is_fit else ""
