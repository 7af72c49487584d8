"""The emitted C as text: names, warnings, memory, and programs that are refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shared_programs
from by_hand import by_hand
from emitted_c import COMPILER, build, compiled, needs_compiler
from made_up_chips import KINDS, chip_of
from test_emit_c import small

import snnprog as sp
from snnprog.chips import Chip, find_chip
from snnprog.conformance.golden import golden_programs
from snnprog.conformance.trials import random_trial
from snnprog.emit.c import to_c
from snnprog.rules.building import clip, greatest, select
from snnprog.rules.expressions import Expression, Ref, rebuilt
from snnprog.rules.rule import Rule, Step

LOIHI = find_chip("loihi1")


def forgetful() -> sp.Program:
    """Return a program whose potentials nothing reads: what its reset reads is needed only where states are shown."""
    u, v, spikes = Ref("current"), Ref("potential"), Ref("spikes")
    rule = LOIHI.rule.with_step("potential", clip(u + Ref("bias"), -(2**23), 2**23 - 1))
    rule = rule.with_step("reset", select(spikes, Ref("refractory"), v))
    chip = replace(LOIHI, name="forgetful", rule=replace(rule, name="forgetful-rule"))
    return replace(small(refractory=[3, 1, 9]), chip=chip)


@cache
def programs() -> dict[str, sp.Program]:
    """Return programs of every sort: sums and ordered gatherings, with and without delays, convolutions, readouts."""
    found = {each.name: each.trial.program for each in golden_programs("loihi1")[::3]}
    found |= {"xylo": random_trial(0, "xylo").program, "convolution": shared_programs.random_program(3)}
    found["readout"] = small(threshold=[5, 131071, 131071], readout=[0, 1, 1], outputs=[2, 0])
    found["forgetful"] = forgetful()
    return found | {kind.name: random_trial(0, chip_of(kind)).program for kind in KINDS}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("has_state", [False, True])
def test_compilers_take_it_without_a_warning(compiler: str, *, has_state: bool, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed here")
    for prefix, program in programs().items():
        sp.export(program, tmp_path / f"{prefix}.c")
    states = [f"-D{prefix.upper()}_STATE" for prefix in programs()] if has_state else []
    compiled(compiler, "-O3", *states, "-c", *(f"{prefix}.c" for prefix in programs()), folder=tmp_path)


@needs_compiler
def test_cpp_reads_the_header(tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed here")
    sp.export(by_hand(), tmp_path / "net.c")
    (tmp_path / "main.cpp").write_text(
        '#define NET_STATE\n#include "net.h"\nint main() { net_reset(); return net_potential[0]; }\n', encoding="ascii"
    )
    compiled(COMPILER, "-DNET_STATE", "-c", "net.c", folder=tmp_path)
    done = subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "main.cpp", "net.o"], cwd=tmp_path, check=False)
    assert done.returncode == 0


@needs_compiler
def test_the_memory_that_is_told_is_the_memory_that_is_taken(tmp_path: Path) -> None:
    if not shutil.which("nm"):
        pytest.skip("nm is not installed here; it belongs to binutils")
    for prefix, program in programs().items():
        told = to_c(program, prefix=prefix)
        sp.export(program, tmp_path / f"{prefix}.c")
        compiled(COMPILER, "-O0", "-c", f"{prefix}.c", folder=tmp_path)
        listed = subprocess.run(["nm", "-S", f"{prefix}.o"], cwd=tmp_path, capture_output=True, text=True, check=True)
        sizes = {"b": 0, "r": 0, "d": 0}
        for _, size, kind, _ in re.findall(r"^(\w+) (\w+) (\w) (\w+)$", listed.stdout, flags=re.MULTILINE):
            sizes[kind.lower()] = sizes.get(kind.lower(), 0) + int(size, 16)
        assert (sizes["r"], sizes["b"], sizes["d"]) == (told.flash_bytes, told.ram_bytes, 0)
        assert f"{told.flash_bytes} bytes of constant tables" in told.source
        assert f"{told.ram_bytes} bytes of RAM" in told.source


@pytest.mark.parametrize("name", programs())
def test_no_library_no_floating_point_no_allocation(name: str) -> None:
    emitted = to_c(programs()[name], prefix="net")
    code = re.sub(r"/\*.*?\*/", "", emitted.source + emitted.header, flags=re.DOTALL)
    assert set(re.findall(r"#include (.*)", code)) == {'"net.h"', "<stdint.h>"}
    assert not re.search(
        r"\b(float|double|malloc|free|long|short|unsigned)\b|\d\.\d|<<",
        code.replace("(int32_t)1 << bits", "").replace("(int64_t)1 << bits", ""),
    )


def test_equal_programs_give_equal_texts() -> None:
    assert to_c(by_hand(), prefix="net") == to_c(by_hand(), prefix="net")
    other = to_c(by_hand().with_synapses(delay=[2] * 7), prefix="net")
    digests = [re.search(r"Program (\w+):", each.source) for each in (to_c(by_hand(), prefix="net"), other)]
    assert len({found[1] for found in digests if found}) == 2


def renamed(rule: Rule, names: dict[str, str]) -> Rule:
    """Return a rule with other names for its registers and steps."""

    def change(node: Expression) -> Expression:
        return Ref(names.get(node.name, node.name)) if isinstance(node, Ref) else node

    steps = [
        Step(
            f"step_{names.get(step.target, step.target)}_{number}",
            names.get(step.target, step.target),
            rebuilt(step.expression, change),
        )
        for number, step in enumerate(rule.all_steps)
    ]
    registers = tuple(names.get(name, name) for name in rule.registers)
    return replace(rule, name="renamed", registers=registers, gather=steps[0], steps=tuple(steps[1:]), watched=())


@needs_compiler
def test_no_text_of_a_rule_gets_into_the_code(tmp_path: Path) -> None:
    """Names that mean something in C, or to the preprocessor, become names of the emitter."""
    names = {"held": "while", "arriving": "__LINE__", "arrivals": "main", "current": "current"}
    chip = replace(LOIHI, name="renamed", rule=renamed(LOIHI.rule, names))
    trial = random_trial(1)
    program = replace(trial.program, chip=chip)
    source = to_c(program, prefix="net").source
    assert not re.search(r"while|__LINE__|main|step_", source)
    assert "value_1" in source
    built = build({"usual": trial.program, "net": program}, tmp_path)
    usual, other = (built.run(prefix, trial.inputs) for prefix in ("usual", "net"))
    assert all((one.potentials == two.potentials).all() for one, two in zip(usual, other, strict=True))


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("net.c", "net"), ("my net-2.c", "my_net_2"), ("3layers.c", "p3layers"), ("_a.c", "p_a")],
)
def test_the_files_stem_becomes_the_prefix(name: str, prefix: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert sp.export(by_hand(), path) == [path, path.with_suffix(".h")]
    source, header = path.read_text(encoding="ascii"), path.with_suffix(".h").read_text(encoding="ascii")
    assert f"void {prefix}_tick(const uint8_t *inputs, uint8_t *outputs)" in source
    assert f'#include "{path.with_suffix(".h").name}"' in source
    assert f"#define {prefix.upper()}_INPUTS {by_hand().n_inputs}" in header


@pytest.mark.parametrize("name", ["int.c", "while.c", "class.c", "main.c", f"{'a' * 40}.c"])
def test_stems_that_make_no_prefix(name: str, tmp_path: Path) -> None:
    message = r"(is a keyword of C or C\+\+|makes no prefix for C .*); name the file otherwise, or give prefix="
    with pytest.raises(sp.SpecError, match=message):
        sp.export(by_hand(), tmp_path / name)
    assert not list(tmp_path.iterdir())
    sp.export(by_hand(), tmp_path / name, prefix="net")
    assert "void net_tick(" in (tmp_path / name).read_text(encoding="ascii")


@pytest.mark.parametrize("name", ["Ünet.c", 'a"b.c', "a\\b.c", "a\nb.c"])
def test_names_that_no_include_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(sp.SpecError, match="C code includes its header by name, so the name must be of letters"):
        sp.export(by_hand(), tmp_path / name, prefix="net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("prefix", ["", "3a", "a-b", "_a", "ä", "a b", "a;b", "x" * 32])
def test_prefixes_that_are_no_identifiers(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(sp.SpecError, match="prefix must be a C identifier of at most 31 letters"):
        sp.export(by_hand(), tmp_path / "net.c", prefix=prefix)


def without_ends() -> Chip:
    """Return Loihi with a potential that neither leaks nor ends, and is never reset."""
    u, v = Ref("current"), Ref("potential")
    rule = LOIHI.rule.with_step("potential", v + u + Ref("bias")).with_step("reset", v)
    return replace(LOIHI, name="endless", rule=replace(rule, name="endless-rule"))


def test_values_beyond_64_bits_are_refused() -> None:
    program = replace(by_hand(), chip=without_ends())
    with pytest.raises(sp.LimitError, match=r"the values of step 'potential' .*give the register ends") as caught:
        to_c(program, prefix="net")
    assert caught.value.allowed == "within 64 bits for every input"


def test_outputs_of_more_than_255_spikes_are_refused() -> None:
    rule = find_chip("xylo").rule.with_step("fire", greatest(Ref("potential"), 0) // Ref("threshold"))
    chip = replace(find_chip("xylo"), name="loud", rule=replace(rule, name="loud-rule", constants=()))
    trial = random_trial(0, "xylo")
    loud = replace(trial.program, chip=chip, threshold=np.ones(trial.program.n_neurons, np.int32))
    with pytest.raises(
        sp.LimitError, match=r"the spikes of output 0 in one tick must be at most 255 .*, got 32767"
    ) as caught:
        to_c(loud, prefix="net")
    assert caught.value.allowed == "at most 255 (exported C uses one byte for each output)"


@needs_compiler
def test_more_spikes_than_a_line_can_have_count_as_the_most(tmp_path: Path) -> None:
    program = by_hand()
    raster = np.random.default_rng(0).random((60, program.n_inputs)) < 0.5
    built = build({"net": program}, tmp_path)
    once, often = built.run("net", [raster, raster * 200])
    assert (once.potentials == often.potentials).all()
    assert once.counts.any()


def test_options_of_other_forms(tmp_path: Path) -> None:
    with pytest.raises(sp.SpecError, match=r"dt_ms does not apply to C source \(.c\); omit it"):
        sp.export(by_hand(), tmp_path / "p.c", dt_ms=1.0)
    with pytest.raises(sp.FormatError, match="cannot be written"):
        sp.export(by_hand(), tmp_path / "none" / "p.c")
