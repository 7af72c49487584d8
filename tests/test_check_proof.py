"""The stand-alone checker: it accepts what brute force confirms, nothing else, and shares no code with the prover."""

from __future__ import annotations

import ast
import copy
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import plain_run, teach
from checked_proofs import fault
from command_line import Command
from hypothesis import given, settings
from hypothesis import strategies as st

import snnprog as sp
from snnprog import check_proof
from snnprog.design.neuron import NeuronDesign, soonest_checked
from snnprog.proof import (
    BinRow,
    BinSplit,
    ExcessTaps,
    Exhausted,
    Farkas,
    RangeSplit,
    TapSplit,
    UnmatchedWindows,
)
from snnprog.spec.document import spec_to_data

Document = dict[str, Any]
CHECKER = Path(check_proof.__file__)


def raster(text: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a raster from ticks with spaces between them, each a character per line: a dot for none."""
    return np.array([[each != "." for each in tick] for tick in text.split(" ")], dtype=np.bool_)


def spec_of(*patterns: tuple[str, ...], delays: tuple[int, ...] = (1,), **options: Any) -> sp.Spec:
    """Return a spec of patterns in text: inputs, targets and perhaps care."""
    return sp.Spec([sp.Pattern(*map(raster, each)) for each in patterns], delays, **options)


def small_spec(seed: int) -> sp.Spec:
    """Return a spec whose integers are few: one line, weights of -1, 0 and 1, a fixed threshold, all exponents."""
    generator = np.random.default_rng(seed)
    patterns = []
    for _ in range(int(generator.integers(1, 3))):
        ticks = int(generator.integers(2, 6))
        targets, care = generator.random((ticks, 1)) < 0.3, generator.random((ticks, 1)) < 0.8
        patterns.append(sp.Pattern(generator.random((ticks, 1)) < 0.5, targets, care))
    return sp.Spec(
        patterns,
        [1, 2] if generator.random() < 0.7 else [1],
        dynamics=sp.Dynamics(int(generator.choice([0, 205, 2048, 4000])), int(generator.choice([4095, 2047]))),
        threshold=int(generator.integers(1, 200)),
        bias=int(generator.choice([0, 0, 64, 1000])),
        weight_bits=2,
    )


def is_possible(spec: sp.Spec) -> bool:
    """Return whether any integers do what is asked, by running them all through a plain simulator."""
    for exponent in range(8):
        for weights in itertools.product((-1, 0, 1), repeat=len(spec.delays)):
            program = sp.Program.from_arrays(
                chip="loihi1",
                n_inputs=1,
                n_neurons=1,
                pre=[0] * len(weights),
                post=[0] * len(weights),
                delay=list(spec.delays),
                weight=list(weights),
                exponent=[exponent] * len(weights),
                threshold=spec.threshold,
                current_decay=spec.dynamics.current_decay,
                potential_decay=spec.dynamics.potential_decay,
                bias=spec.bias,
            )
            spikes = [np.array(plain_run(program, pattern.inputs).spikes) for pattern in spec.patterns]
            pairs = zip(spec.patterns, spikes, strict=True)
            if not any(((found != each.targets) & each.care).any() for each, found in pairs):
                return True
    return False


def refusal(spec: sp.Spec) -> Document | None:
    """Return the proof with which a spec is refused; None if it is not."""
    try:
        sp.compile(spec)
    except sp.InfeasibleError as error:
        proof: Document = json.loads(json.dumps(error.proof))
        return proof
    except (sp.QuantizationError, sp.UndecidedError, sp.LimitError):
        return None
    return None


def held(spec: sp.Spec, proof: Document) -> bool:
    """Return whether a proof holds for a spec, whichever it was made for."""
    document = json.loads(json.dumps(spec_to_data(spec)))
    header = {"spec": document["digest"], "chip": document["chip"], "ranges": document["ranges"]}
    try:
        return check_proof.check(document, {**copy.deepcopy(proof), **header}) is None
    except check_proof.BadFileError:
        return False


# ------------------------------------------------------------------------------------------------ against brute force


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_spec_is_refused_only_where_all_integers_fail(seed: int) -> None:
    spec = small_spec(seed)
    possible = is_possible(spec)
    assert (fault(spec, Exhausted(0)) is None) == (not possible)
    proof = refusal(spec)
    if proof is not None:
        assert not possible
        assert held(spec, proof)


PROOFS: list[Document] = []


def proofs() -> list[Document]:
    """Return the proofs of some refused specs, made once."""
    if not PROOFS:
        PROOFS.extend(proof for proof in map(refusal, map(small_spec, range(25))) if proof is not None)
    return PROOFS


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_proof_of_another_spec_is_accepted_only_where_all_integers_fail(seed: int, chosen: int) -> None:
    spec, proof = small_spec(seed), proofs()[chosen % len(proofs())]
    if held(spec, proof):
        assert not is_possible(spec)


def mutated(proof: Document, generator: np.random.Generator) -> Document:
    """Return a proof with one thing changed: a price, a tick, an assumption, a row or a leaf less."""
    proof = copy.deepcopy(proof)
    node = proof["nodes"][int(generator.integers(len(proof["nodes"])))]
    rows = node.get("rows")
    kind = int(generator.integers(5))
    if rows and kind == 0:
        rows.pop(int(generator.integers(len(rows))))
    elif rows and kind == 1:
        rows[int(generator.integers(len(rows)))]["price"] = int(generator.integers(1, 1000))
    elif rows and kind == 2:
        rows[int(generator.integers(len(rows)))]["tick"] = int(generator.integers(0, 6))
    elif "at" in node:
        node["at"] += int(generator.integers(-3, 4))
    else:
        proof["nodes"] = [{"leaf": "exhausted", "output": 0}]
    return proof


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 24), st.integers(0, 2**32 - 1))
def test_a_changed_proof_is_accepted_only_where_all_integers_fail(seed: int, chosen: int) -> None:
    spec = small_spec(seed)
    generator = np.random.default_rng(chosen)
    if held(spec, mutated(proofs()[chosen % len(proofs())], generator)):
        assert not is_possible(spec)


@pytest.mark.parametrize("seed", range(16))
def test_what_integers_gave_is_never_refused(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = [generator.random((int(generator.integers(3, 12)), 2)) < 0.4 for _ in range(2)]
    dynamics = sp.Dynamics(int(generator.choice([205, 1000, 4000])), int(generator.choice([4095, 2047, 500])))
    patterns = teach(
        seed, inputs, n_outputs=1, delays=[1, 2], dynamics=dynamics, threshold=int(generator.integers(1, 80))
    )
    spec = sp.Spec(patterns, [1, 2], dynamics=dynamics)
    assert refusal(spec) is None


# ------------------------------------------------------------------------------------------------------ kinds of leaves


def test_the_same_history_is_a_leaf_though_decays_truncate() -> None:
    spec = spec_of(("1 . . .", ". . 1 ."), ("1 . . .", ". . . ."), dynamics=sp.Dynamics(205, 100))
    assert fault(spec, Farkas(0, (BinRow(0, 2, 1), BinRow(1, 2, 1)))) is None
    assert "do not contradict" in str(fault(spec, Farkas(0, (BinRow(0, 2, 1), BinRow(1, 1, 1)))))


def test_a_spike_while_a_neuron_is_refractory_is_a_leaf() -> None:
    spec = spec_of(("1 1 1", ". 1 1"), refractory=2)
    assert fault(spec, Farkas(0, (BinRow(0, 2, 1),))) is None
    assert fault(spec_of(("1 1 1", ". 1 1")), Farkas(0, (BinRow(0, 2, 1),))) is not None


def test_bins_are_split_where_the_spec_leaves_them_open() -> None:
    spec = spec_of(("1 . .", ". . 1", ". . 1"), ("1 . .", ". . .", "1 1 1"), dynamics=sp.Dynamics(0))
    same = Farkas(0, (BinRow(0, 2, 1), BinRow(1, 2, 1)))
    again = Farkas(0, (BinRow(0, 1, 1), BinRow(1, 1, 1)))
    proof = BinSplit(0, 0, 0, BinSplit(0, 0, 1, same, again), Farkas(0, (BinRow(0, 0, 1),)))
    assert fault(spec, proof) is None
    assert fault(spec, same) is not None


def test_windows_that_no_spikes_fit_are_a_leaf() -> None:
    spec = spec_of((". .", "1 ."), window=(0, 1))
    first = BinSplit(0, 0, 0, BinSplit(0, 0, 1, UnmatchedWindows(0, 0), Farkas(0, (BinRow(0, 1, 1),))), Exhausted(0))
    assert fault(spec, first) is None
    assert "agree with what was assumed" in str(fault(spec, UnmatchedWindows(0, 0)))


def test_more_taps_than_the_fan_in_are_a_leaf() -> None:
    spec = spec_of(("1 .", ". 1"), fan_in=0)
    proof = TapSplit(0, 0, 1, Farkas(0, (BinRow(0, 1, 1),)), ExcessTaps(0))
    assert fault(spec, proof) is None
    assert fault(spec_of(("1 .", ". 1"), fan_in=1), proof) is not None


def test_ranges_are_split() -> None:
    spec = spec_of(("1 . 1", ". 1 ."), threshold=10, weight_limit=1)
    spike = Farkas(0, (BinRow(0, 1, 1),))
    assert fault(spec, RangeSplit(0, "exponent", None, None, 3, spike, spike)) is not None
    assert fault(spec, RangeSplit(0, "exponent", None, None, 3, spike, Exhausted(0))) is not None
    few = spec_of(("1 . 1", ". 1 1"), threshold=200, weight_limit=1)
    assert fault(few, RangeSplit(0, "exponent", None, None, 3, spike, Farkas(0, (BinRow(0, 1, 1),)))) is None


def test_cases_that_the_order_of_roundings_excludes_end_in_leaves_of_rows() -> None:
    inputs = "1..1 .... .... .... .1.1 1.11 .1.1 ...1 11.. .1.."
    spec = spec_of((inputs, ". . . . 1 . . . . ."), dynamics=sp.Dynamics(1, 3), threshold=3, chip="xylo")
    proof = refusal(spec)
    assert proof is not None
    assert {node.get("leaf", node.get("split")) for node in proof["nodes"]} == {"farkas", "register"}


def test_all_integers_are_tried_in_cases_of_open_bins() -> None:
    patterns = [
        (".1 .. 1. .. .. .. 11 ..", ". . . . . . . .", "1 1 1 . 1 1 . ."),
        ("1. .. .. 11 .. 1. .. .. ..", ". . . . . . . 1 .", "1 1 1 . . 1 1 1 1"),
    ]
    proof = refusal(spec_of(*patterns, dynamics=sp.Dynamics(1, 1), weight_bits=6, chip="xylo"))
    assert proof is not None
    assert {node.get("leaf", node.get("split")) for node in proof["nodes"]} == {"bin", "exhausted"}


def test_hidden_neurons_tell_the_same_after_the_same_history() -> None:
    spec = spec_of(("1 . . .", ". . 1 ."), ("1 . . 1", ". . . ."), hidden="auto")
    assert fault(spec, Farkas(0, (BinRow(0, 2, 1), BinRow(1, 2, 1)))) is None
    late = spec_of((". 1 . .", ". . . 1"), ("1 . . .", ". . 1 ."), hidden="auto")
    assert fault(late, Farkas(0, (BinRow(0, 3, 1), BinRow(1, 3, 1)))) is not None


# ------------------------------------------------------------------------------------------------------------ documents


def test_the_checker_stands_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(CHECKER.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


def broken(change: Callable[[Document, Document], None]) -> tuple[Document, Document]:
    """Return the documents of a spec and a proof that holds, changed."""
    spec = spec_of(("1 . .", ". 1 ."), ("1 . .", ". . ."))
    document = json.loads(json.dumps(spec_to_data(spec)))
    proof = refusal(spec)
    assert proof is not None
    change(document, proof)
    return document, proof


CHANGES: dict[str, Callable[[Document, Document], None]] = {
    "no format": lambda spec, proof: spec.pop("format"),
    "another version": lambda spec, proof: proof.update(version=2),
    "no nodes": lambda spec, proof: proof.update(nodes=[]),
    "nodes of another kind": lambda spec, proof: proof.update(nodes={"0": 1}),
    "an unknown leaf": lambda spec, proof: proof["nodes"][0].update(leaf="trust me"),
    "a leaf about no output": lambda spec, proof: proof["nodes"][0].update(output=7),
    "a price of 0": lambda spec, proof: proof["nodes"][0]["rows"][0].update(price=0),
    "a price that is a text": lambda spec, proof: proof["nodes"][0]["rows"][0].update(price="12"),
    "a price of -1": lambda spec, proof: proof["nodes"][0]["rows"][0].update(price="0x-1"),
    "a tick beyond the pattern": lambda spec, proof: proof["nodes"][0]["rows"][0].update(tick=9),
    "rows that are no objects": lambda spec, proof: proof["nodes"][0].update(rows=[1]),
    "a case that is its own": lambda spec, proof: proof.update(
        nodes=[{"split": "bin", "output": 0, "pattern": 0, "tick": 0, "if_silent": 0, "if_spike": 0}]
    ),
    "a node that nothing names": lambda spec, proof: proof["nodes"].append({"leaf": "exhausted", "output": 0}),
    "ticks without end": lambda spec, proof: spec["patterns"][0].update(ticks=1 << 40),
    "a spike before the beginning": lambda spec, proof: spec["patterns"][0]["inputs"].append([-1, 0]),
    "no rule": lambda spec, proof: spec["chip"].pop("rule"),
    "a word that is none": lambda spec, proof: spec["chip"]["rule"]["steps"][0].update(expression=["exec", "x"]),
    "a delay of 0": lambda spec, proof: spec.update(delays=[0]),
    "ranges that are none": lambda spec, proof: spec["ranges"].update(threshold=3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_damaged_document_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    for place, document in zip(("SPEC.json", "PROOF.json"), broken(CHANGES[name]), strict=True):
        if place == "PROOF.json":
            spec = json.loads((tmp_path / "SPEC.json").read_text())
            document |= {"chip": spec.get("chip"), "ranges": spec.get("ranges")}
        (tmp_path / place).write_text(json.dumps(document))
    done = run_checker(tmp_path / "SPEC.json", tmp_path / "PROOF.json")
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("check_proof: ")


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff", b"{}", b"[]", b"9" * 10_000, b"NaN"])
def test_a_file_that_is_no_document_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    done = run_checker(tmp_path / "bad.json", tmp_path / "bad.json")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def run_checker(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the file as a program of its own, without the package on its path."""
    return subprocess.run(
        [sys.executable, "-I", str(CHECKER), *map(str, paths)], capture_output=True, text=True, check=False
    )


def test_a_proof_is_of_one_spec_alone() -> None:
    spec = spec_of(("1 . .", ". 1 ."), ("1 . .", ". . ."))
    proof = refusal(spec)
    assert proof is not None
    other = spec_to_data(spec_of(("1 . .", ". 1 ."), ("1 . .", ". . ."), delays=(1, 2)))
    assert "another specification" in str(check_proof.check(other, proof))


def test_explain_writes_what_the_checker_accepts(command: Command, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "trials.npz",
        inputs=np.array([raster("1 . .")] * 2),
        targets=np.array([raster(". 1 ."), raster(". . .")]),
    )
    (tmp_path / "SPEC.toml").write_text(
        '[[patterns]]\ninputs = "trials.npz:inputs"\ntargets = "trials.npz:targets"\n'
        'layout = "patterns,ticks,neurons"\n'
    )
    spec, proof = tmp_path / "SPEC.json", tmp_path / "P.json"
    words = ["explain", str(tmp_path / "SPEC.toml"), "--proof", str(proof), "--spec-json", str(spec)]
    assert command(*words)[0] == 3
    done = run_checker(spec, proof)
    assert (done.returncode, done.stdout) == (0, "the proof holds: no program satisfies the specification\n")
    assert command(*words[:3], str(tmp_path / "SPEC.toml"))[0] == 2
    assert command(*words[:3], str(spec), "--spec-json", str(spec))[0] == 2


def test_of_several_proofs_the_one_that_is_soonest_checked_is_preferred() -> None:
    priced = NeuronDesign(None, proof=Farkas(1, (BinRow(0, 0, 1),)))
    much, little = (NeuronDesign(None, proof=Exhausted(output), work=work) for output, work in ((0, 500), (2, 100)))
    assert soonest_checked([NeuronDesign(None), much, little]) is little.proof
    assert soonest_checked([much, little, priced]) is priced.proof
    assert soonest_checked([NeuronDesign(None)]) is None
