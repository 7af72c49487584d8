"""The step in a program's C is proved to equal the rule, and faults in it are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardware_tools import need

import snnprog as sp
from snnprog.errors import FormatError

need("pycparser", "bitwuzla", "amaranth")

from snnprog.proving.c_step import prove_c  # noqa: E402
from snnprog.proving.step import StepProof  # noqa: E402

PROGRAM = sp.Program.from_arrays(
    chip="loihi1",
    n_inputs=3,
    n_neurons=2,
    pre=[0, 1, 2, 3],
    post=[0, 1, 0, 1],
    delay=[1, 2, 1, 3],
    weight=[40, 30, -6, 20],
    threshold=[20, 30],
    current_decay=[4000, 3000],
    potential_decay=[3500, 4095],
    bias=[5, 0],
    refractory=[3, 1],
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("c") / "p.c"
    sp.export(PROGRAM, path)
    return path.read_text(encoding="utf-8")


def failed(source: str) -> list[StepProof]:
    return [proof for _, proof in prove_c(PROGRAM, source, prefix="p") if not proof.holds]


def test_the_c_of_a_program_equals_its_rule(source: str) -> None:
    proofs = dict(prove_c(PROGRAM, source, prefix="p"))
    assert list(proofs) == [0, 1]
    assert all(proof.holds for proof in proofs.values())
    for proof in proofs.values():
        shown = {lemma.name for lemma in proof.lemmas}
        assert {"current is the same", "potential is the same", "held is the same", "spikes is the same"} <= shown


FAULTS = {
    "comparison": ("potential > threshold * 64", "potential >= threshold * 64"),
    "refractory period": ("? from_refractory :", "? from_refractory + 1 :"),
    "rounding": ("/ 4096 + arrivals", ">> 12 + arrivals"),
    "reset": ("spikes != 0 ? 0 : potential;", "spikes != 0 ? potential - threshold * 64 : potential;"),
    "bias": ("+ current + bias", "+ current"),
    "width": ("const int32_t arrivals = arriving * 64;", "const int32_t arrivals = (int8_t)(arriving * 64);"),
    "overflow": ("+ current + bias", "+ current * 2147483647 / 2147483647 + bias"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, source: str) -> None:
    right, wrong = FAULTS[fault]
    changed = source.replace(right, wrong)
    assert changed != source
    proofs = failed(changed)
    assert proofs
    assert all(proof.counterexample is not None for proof in proofs)


def test_what_is_not_defined_is_found(source: str) -> None:
    """The shift of a negative number is left to the compiler, whatever it makes of it."""
    proofs = failed(
        source.replace("/ 4096 + arrivals", "* 1 / 4096 + (was_current >> 31) - (was_current >> 31) + arrivals")
    )
    names = {lemma.name for proof in proofs for lemma in proof.lemmas if not lemma.holds}
    assert names == {"nothing in C is undefined, or left to the compiler"}


def test_code_without_a_loop_over_neurons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has no loop over neurons that proofs cover"):
        list(prove_c(PROGRAM, "void p_tick(void) { int x; }", prefix="p"))
