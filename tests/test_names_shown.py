"""Names in everything that people read: messages, tables, pages, files, C, Verilog, NIR, data frames."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Command
from emitted_c import COMPILER, needs_compiler
from emitted_c import compiled as build_c
from stand_in import write_backend

import snnprog as sp
from snnprog import cli
from snnprog.backends import find_backend
from snnprog.backends.execution import write_program
from snnprog.check_proof import BadFileError, check
from snnprog.coding import Questions
from snnprog.emit.c import to_c
from snnprog.emit.c.names import KEYWORDS
from snnprog.emit.constants import constants_of, identifiers
from snnprog.emit.hardware.special_file import RESERVED
from snnprog.errors import FormatError
from snnprog.files.readouts import readout_texts
from snnprog.pytest_plugin import assert_exact
from snnprog.report.page import html_of, page_of_program, page_of_spec
from snnprog.report.readouts import readouts_table
from snnprog.report.trains import classes_table, trains_table
from snnprog.spec.document import spec_to_data

INPUTS = np.zeros((12, 2), dtype=bool)
INPUTS[[1, 4], [0, 1]] = True
TARGETS = np.roll(INPUTS, 2, axis=0)
NAMES: dict[str, Any] = {"input_names": ("left arm", "right"), "output_names": ("go", "stop")}


def spec(targets: np.ndarray[Any, Any] = TARGETS, **options: Any) -> sp.Spec:
    return sp.Spec([sp.Pattern(INPUTS, targets)], [1, 2], **(NAMES | options))


@cache
def compiled() -> sp.CompileResult:
    return sp.compile(spec())


def program() -> sp.Program:
    return compiled().program


def relays() -> sp.Program:
    """Return a program by hand: each output repeats its own input line two ticks later, whatever the other does."""
    every: dict[str, Any] = {"pre": [0, 1], "post": [0, 1], "delay": 2, "weight": [100, 100]}
    names = {"input_names": NAMES["input_names"], "neuron_names": NAMES["output_names"]}
    return sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=2, threshold=1, **every, **names)


def impossible() -> sp.Spec:
    targets = TARGETS.copy()
    targets[0, 1] = True
    return spec(targets)


def test_an_infeasible_output_is_named() -> None:
    with pytest.raises(sp.InfeasibleError, match=r"^infeasible: output 1 \(stop\) must spike at tick 0 of pattern 0"):
        sp.compile(impossible())
    explanation = sp.explain(impossible())
    assert "output 1 (stop): infeasible: must spike at tick 0 of pattern 0" in str(explanation)
    assert explanation.verdicts[1].as_dict()["label"] == "stop"
    assert "output 1 (stop) is infeasible" in repr(explanation.verdicts[1])


def test_conflicts_of_two_spikes_are_named() -> None:
    inputs, targets = np.zeros((8, 1), dtype=bool), np.zeros((8, 1), dtype=bool)
    inputs[[0, 4]] = targets[1] = True
    reason = r"^infeasible: output 0 \(go\) must spike at tick 1 .* and be silent at"
    with pytest.raises(sp.InfeasibleError, match=reason):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], output_names=["go"]))
    with pytest.raises(
        sp.InfeasibleError, match=r"^infeasible: output 1 \(stop\) must spike at tick 0 .* hidden neurons"
    ):
        sp.compile(replace(impossible(), hidden="auto"))


def test_undecided_outputs_are_named() -> None:
    with pytest.raises(sp.UndecidedError, match=r"^outputs 0 \(go\), 1 \(stop\) are undecided after 0 s"):
        sp.compile(spec(), time_limit_s=0)
    with pytest.raises(sp.UndecidedError, match=r"^output 0 \(x\) is undecided after 0 s"):
        sp.compile(sp.Spec([sp.Pattern(INPUTS, TARGETS[:, :1])], [1, 2], output_names=["x"]), time_limit_s=0)


def test_a_report_has_names() -> None:
    report = compiled().report
    assert [neuron.name for neuron in report.neurons] == ["output 0 (go)", "output 1 (stop)"]
    assert report.to_pandas()["name"].tolist() == ["output 0 (go)", "output 1 (stop)"]
    closest = sp.compile(impossible(), on_infeasible="closest").report
    (deviation,) = closest.deviations
    assert (deviation.label, repr(deviation).count("output 1 (stop)")) == ("stop", 1)


def test_a_divergence_has_names() -> None:
    wrong = program().with_synapses(weight=np.where(program().post == 1, 0, program().weight))
    first = sp.verify(wrong, spec()).first_divergence
    assert first is not None
    assert "first at tick 6 of pattern 0: output 1 (stop) is silent, expected a spike" in str(first)
    assert "neuron 1 (stop) heard input 1 (right) of tick 4 (synapse" in str(first)
    assert (first.as_dict()["label"], first.label) == ("stop", "stop")
    assert first.diagnosis is not None
    assert first.diagnosis.label == "stop"
    unnamed = replace(wrong, input_names=None, neuron_names=None)
    assert "output 1 (stop) is silent" in str(sp.verify(unnamed, spec()).first_divergence)
    assert "output 1 is silent" in str(sp.verify(unnamed, spec(input_names=None, output_names=None)).first_divergence)


def test_the_message_of_a_pytest_assertion_has_names() -> None:
    wrong = program().with_synapses(weight=np.where(program().post == 1, 0, program().weight))
    with pytest.raises(AssertionError, match=r"output 1 \(stop\) is silent, expected a spike"):
        assert_exact(wrong, spec())


def test_a_refuted_proof_has_names() -> None:
    claim = sp.Automaton(n_inputs=2, n_outputs=2, start=0, step=lambda state, row: (0, [False, False]))
    proof = sp.prove(program(), claim)
    assert "the input stream (tick 0: line 0 (left arm))" in str(proof)
    assert "expected output 0 (go): silence, output 1 (stop): silence" in str(proof)
    assert "found output 0 (go): spike, output 1 (stop): silence" in str(proof)


def test_the_checker_of_proofs_has_names() -> None:
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(impossible())
    document, proof = (json.loads(json.dumps(each)) for each in (spec_to_data(impossible()), caught.value.proof))
    assert check(document, proof) is None
    proof["nodes"][0]["output"] = 0
    assert "about output 0 (go): " in str(check(document, proof))
    unnamed = {name: value for name, value in document.items() if not name.endswith("_names")}
    assert "about output 0: " in str(check(unnamed, proof))
    for names in (["go"], ["go", 3], ["go", "\x1b[2J"]):
        with pytest.raises(BadFileError, match="output_names must be"):
            check(document | {"output_names": names}, proof)


def test_claims_take_lines_by_name() -> None:
    by_name = sp.within(2, after="right", answers=["stop"]), sp.at_most(1, ticks=1, output="stop")
    by_number = sp.within(2, after=1, answers=[1]), sp.at_most(1, ticks=1, output=1)
    for claims in zip(by_name, by_number, strict=True):
        assert [sp.prove(relays(), claim).verdict for claim in claims] == ["proved", "proved"]
    proof = sp.prove(relays(), sp.within(1, after="right", answers=["stop"]))
    assert proof.expected == "a spike of input right is answered within 1 tick"
    assert sp.prove(relays(), sp.within(2, after="right", answers=["go"])).verdict == "refuted"
    for claim, message in (
        (sp.within(2, after="rihgt"), "there is no input line 'rihgt'; did you mean 'right'?"),
        (sp.within(2, after=0, answers=["g0"]), "there is no output 'g0'; known are go, stop"),
        (sp.at_most(1, ticks=1, output=2), "output must be 0 to 1, or a name, got 2"),
    ):
        with pytest.raises(sp.SpecError, match=re.escape(message)):
            sp.prove(relays(), claim)


def test_a_claim_about_a_system_takes_lines_by_name() -> None:
    spec = sp.specs.delay_line(2)
    relay = replace(sp.compile(spec).program, input_names=("arm",), neuron_names=("go",))
    system = sp.System({"first": relay, "second": relay}, wires=[("first.go", "second.arm")])
    assert spec.automaton is not None
    automata = dict.fromkeys(system.parts, spec.automaton)
    (name,) = system.program.input_names or ()
    for ticks, verdict in ((4, "proved"), (3, "refuted")):
        assert sp.prove_parts(system, automata, claim=sp.within(ticks, after=name)).verdict == verdict


def test_traces_have_names() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    trace = sp.run(program(), INPUTS, record="state")
    assert trace.to_pandas().to_dict("list") == {"tick": [3, 6], "output": [0, 1], "name": ["go", "stop"]}
    assert trace.to_pandas("states")["name"].tolist()[:4] == ["go", "stop", "go", "stop"]
    data = trace.to_xarray()
    assert (data["output_name"].values.tolist(), data["neuron_name"].values.tolist()) == (["go", "stop"],) * 2
    plain = sp.run(replace(program(), neuron_names=None), INPUTS, backend="reference")
    assert list(plain.to_pandas()) == ["tick", "output"]
    assert list(plain.to_xarray().coords) == ["tick", "output"]


@pytest.mark.parametrize("backend", ["kernel", "reference"])
def test_a_simulator_takes_lines_by_name(backend: str) -> None:
    with sp.Simulator(relays(), backend) as simulator:
        steps: list[list[int | str]] = [["left arm"], [], [1, "left arm"], ["right"], [], []]
        spikes = [simulator.step(lines) for lines in steps]
        assert [trace.spikes[0].nonzero()[0].tolist() for trace in spikes] == [[], [], [0], [], [0, 1], [1]]
        assert spikes[0].output_names == ("go", "stop")
        with pytest.raises(sp.SpecError, match=r"there is no input line 'rigth'; did you mean 'right'\?$"):
            simulator.step(["rigth"])
        with pytest.raises(sp.SpecError, match="inputs lists line 0 more than 1 times"):
            simulator.step([0, "left arm"])
    with sp.Simulator(replace(relays(), input_names=None)) as simulator, pytest.raises(sp.SpecError, match="no names"):
        simulator.step(["right"])
    assert list(sp.ticks_of_events([(0, "a"), (1, None), (2, "b")])) == [["a"], [], ["b"]]


HOSTILE = "<script>alert('x')</script>"


def test_the_page_has_names() -> None:
    page = page_of_program(program(), spec())
    html = html_of(page)
    assert "<td>output 1 (stop)</td>" in html or "output 1 (stop)" in html
    assert "left arm, right" in html
    assert (page.charts["lineNames"], page.charts["neuronNames"]) == (("left arm", "right"), ("go", "stop"))
    assert '"lineNames":["left arm","right"]' in html
    why_not = page_of_spec(impossible(), sp.explain(impossible()))
    assert why_not.contradictions[0].heading == "Output 1 (stop)"
    assert "<h3>Output 1 (stop)</h3>" in html_of(why_not)
    bare = html_of(page_of_program(replace(program(), input_names=None, neuron_names=None)))
    assert '"lineNames":null' in bare
    assert "Input names" not in bare


def test_markup_never_reaches_a_page() -> None:
    """Names cannot hold any; if one got past the checks, the page would escape it."""
    with pytest.raises(sp.SpecError, match="must begin with a letter"):
        spec(input_names=[HOSTILE, "x"])
    smuggled = replace(program())
    object.__setattr__(smuggled, "input_names", (HOSTILE, "b"))
    object.__setattr__(smuggled, "neuron_names", (HOSTILE, "b"))
    html = html_of(page_of_program(smuggled, spec()))
    assert HOSTILE not in html
    assert "&lt;script&gt;alert" in html
    assert "\\u003cscript\\u003ealert" in html


def saved(folder: Path) -> Path:
    program().save(folder / "p.snnp")
    return folder / "p.snnp"


def test_csv_has_a_column_of_names(tmp_path: Path) -> None:
    sp.write_rasters(tmp_path / "named.csv", [TARGETS], names=["go", "über"])
    sp.write_rasters(tmp_path / "plain.csv", [TARGETS])
    assert (tmp_path / "named.csv").read_text("utf-8") == "pattern,tick,neuron,name\n0,3,0,go\n0,6,1,über\n"
    assert (tmp_path / "plain.csv").read_text("utf-8") == "pattern,tick,neuron\n0,3,0\n0,6,1\n"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "named.csv").read_text("utf-8"))))
    assert [(row["neuron"], row["name"]) for row in rows] == [("0", "go"), ("1", "über")]
    for file in ("named.csv", "plain.csv"):
        (read,) = sp.read_rasters(tmp_path / file, ticks=12, neurons=2)
        assert (read == TARGETS).all()


def test_csv_lists_lines_by_name(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("tick,neuron\n1,left arm\n4, right\n", encoding="utf-8")
    (read,) = sp.read_rasters(path, ticks=12, neurons=2, names=NAMES["input_names"])
    assert (read == INPUTS).all()
    path.write_text("time_ms,neuron\n1,left arm\n4,1\n", encoding="utf-8")
    (read,) = sp.read_rasters(path, ticks=12, neurons=2, dt_ms=1.0, names=NAMES["input_names"])
    assert (read == INPUTS).all()
    for text, names, message in (
        ("tick,neuron\n1,left\n", NAMES["input_names"], "line 2: there is no line 'left'; did you mean 'left arm'"),
        ("tick,neuron\n1,left arm\n", None, "line 2: must have 2 integers, got '1,left arm'"),
        ("tick,neuron\nleft arm,1\n", NAMES["input_names"], "line 2: must have 2 integers"),
        ("tick,neuron\n1,=cmd()\n", NAMES["input_names"], "line 2: there is no line '=cmd\\(\\)'"),
        ("tick,name\n1,right\n", NAMES["input_names"], "the header of .* must be"),
        ("pattern,tick,neuron,name\n0,1\n", NAMES["input_names"], "line 2: must have 3 integers"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FormatError, match=message):
            sp.read_rasters(path, ticks=12, neurons=2, names=names)


def test_a_spec_file_lists_lines_by_name(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("tick,neuron\n1,left arm\n4,right\n")
    (tmp_path / "out.csv").write_text("tick,neuron\n3,go\n6,stop\n")
    names = "".join(f"{key} = {json.dumps(list(value))}\n" for key, value in NAMES.items())
    pattern = '[[patterns]]\ninputs = "in.csv"\ntargets = "out.csv"\nticks = 12\nn_inputs = 2\nn_outputs = 2\n'
    (tmp_path / "SPEC.toml").write_text(f"delays = [1, 2]\n{names}{pattern}")
    read = sp.load_spec(tmp_path / "SPEC.toml")
    assert (read.patterns[0].inputs == INPUTS).all()
    assert (read.patterns[0].targets == TARGETS).all()
    assert read.output_names == ("go", "stop")


def test_the_commands_show_names(command: Command, tmp_path: Path) -> None:
    path = saved(tmp_path)
    (tmp_path / "in.csv").write_text("tick,neuron\n1,left arm\n4,right\n")
    code, out, _ = command("inspect", path)
    assert code == cli.EXACT
    assert "left arm, right" in out
    assert "output 1 (stop)" in out
    told = json.loads(command("inspect", path, "--json")[1])
    assert (told["input_names"], told["output_names"], told["neuron_names"]) == (
        ["left arm", "right"],
        ["go", "stop"],
        ["go", "stop"],
    )
    code, out, _ = command("run", path, tmp_path / "in.csv", "--ticks", 12)
    assert (code, out) == (cli.EXACT, "pattern,tick,neuron,name\n0,3,0,go\n0,6,1,stop\n")
    code, out, _ = command("run", path, tmp_path / "in.csv", "--stream", "--ticks", 12)
    assert (code, out) == (cli.EXACT, "tick,neuron\n3,0\n6,1\n")
    assert json.loads(command("run", path, tmp_path / "in.csv", "--ticks", 12, "--json")[1])["output_names"] == [
        "go",
        "stop",
    ]
    relays().save(path)
    assert command("prove", path, "--within", 2, "--after", "right")[0] == cli.EXACT
    assert command("prove", path, "--fires-when", "b|{ab}", "--for-output", "stop", "--latency", 2)[0] == cli.EXACT
    code, out, _ = command("prove", path, "--fires-when", "b", "--for-output", "stop", "--latency", 2)
    assert code == cli.NOT_EXACT
    assert "lines 0 (left arm), 1 (right)" in out
    assert "output 1 (stop): silence" in out
    code, _, err = command("prove", path, "--within", 2, "--after", "rigth")
    assert (code, "there is no input line 'rigth'; did you mean 'right'?" in err) == (cli.BAD_USAGE, True)


@pytest.mark.parametrize("number", [2, 10**30, -1, True, 1.0, "1", None, [1], {"a": 1}])
def test_numbers_of_neurons_in_a_hostile_file_have_no_names(command: Command, tmp_path: Path, number: object) -> None:
    told = {"neurons": [{"output": number, "status": "exact"}], "hidden": [{"output": number, "status": "exact"}]}
    replace(program(), provenance=told).save(tmp_path / "p.snnp")
    code, out, _ = command("inspect", tmp_path / "p.snnp")
    assert code == cli.EXACT
    assert not re.search(r"\((go|stop)\)", out)


def test_tables_show_names() -> None:
    names = ("go", "stop")
    assert [row[1] for row in trains_table([TARGETS], backend="kernel", names=names).rows] == ["0 (go)", "1 (stop)"]
    assert classes_table([1, -1], backend="kernel", names=names).rows == ((0, "1 (stop)"), (1, "none"))
    readouts = readouts_table([np.array([[3, 5]])], np.array([False, True]), names)
    assert readouts.rows == ((0, "1 (stop)", 5, 5, 0),)


def test_files_of_potentials_have_names(tmp_path: Path) -> None:
    readouts, is_read = [np.array([[3, 5], [4, 6]])], np.array([False, True])
    assert "".join(readout_texts(readouts, is_read, ("go", "stop"))) == (
        "pattern,tick,output,potential,name\n0,0,1,5,stop\n0,1,1,6,stop\n"
    )
    assert "".join(readout_texts(readouts, is_read)) == "pattern,tick,output,potential\n0,0,1,5\n0,1,1,6\n"


def test_backends_are_given_no_names(folders: Path, tmp_path: Path) -> None:
    write_backend(folders, "plain")
    write_program(program(), find_backend("plain"), folder=tmp_path)
    given = sp.load(tmp_path / "program.snnp")
    assert (given.input_names, given.neuron_names) == (None, None)


CLASHING = ("arm", "Arm", "arm 2", "ärm", "arm-2", "a.b", "a b", "int", "θ", "名", "ß", "x" * 64)


def test_identifiers_are_different_and_ascii() -> None:
    words = identifiers(CLASHING)
    assert words[:7] == ("ARM", "ARM_2", "ARM_2_2", "ARM_3", "ARM_2_3", "A_B", "A_B_2")
    assert words[7:11] == ("INT", "U398", "U540D", "SS")
    assert len(set(words)) == len(CLASHING)
    assert all(re.fullmatch("[A-Z][A-Z0-9_]*", word) for word in words)


def named(names: tuple[str, ...]) -> sp.Program:
    count = len(names)
    every = np.arange(count)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=count,
        n_neurons=count,
        pre=every,
        post=every,
        weight=np.full(count, 100),
        threshold=1,
        input_names=names,
        neuron_names=names,
    )


def test_c_has_constants() -> None:
    header = to_c(program(), prefix="net").header
    assert "#define NET_INPUT_LEFT_ARM 0\n#define NET_INPUT_RIGHT 1\n#define NET_OUTPUT_GO 0\n" in header
    assert "#define NET_NEURON_STOP 1\n#endif" in header
    plain = replace(program(), input_names=None, neuron_names=None)
    assert "by name" not in to_c(plain, prefix="net").header
    assert to_c(plain, prefix="net").source == to_c(program(), prefix="net").source


@needs_compiler
def test_names_that_are_keywords_compile_as_c(tmp_path: Path) -> None:
    names = (*sorted(KEYWORDS), *(name for name in CLASHING if name != "int"))
    sp.export(named(names), tmp_path / "p.c")
    constants = enumerate(constants_of(named(names)).items())
    checks = "".join(f"char c{number}[P_{name} == {value} ? 1 : -1];\n" for number, (name, value) in constants)
    (tmp_path / "main.c").write_text(f'#include "p.h"\n{checks}')
    build_c(COMPILER, "-c", "main.c", "p.c", folder=tmp_path)


def test_verilog_has_constants(tmp_path: Path) -> None:
    pytest.importorskip("amaranth")
    names = (*CLASHING, *RESERVED.split()[:4])
    sp.export(named(names), tmp_path / "p.v")
    text = (tmp_path / "p.v").read_text("ascii")
    assert "  localparam INPUT_ARM = 0;\n  localparam INPUT_ARM_2 = 1;\n" in text
    assert "  localparam OUTPUT_ACCEPT_ON = 12;\n" in text
    plain = replace(named(names), input_names=None, neuron_names=None)
    sp.export(plain, tmp_path / "q.v", prefix="p")
    without = [line for line in text.splitlines() if "localparam" not in line and "by name" not in line]
    assert len(without) - len((tmp_path / "q.v").read_text("ascii").splitlines()) == 1  # an empty comment before them
    if shutil.which("iverilog") is not None:
        words = ["iverilog", "-t", "null", "p.v"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nir_keeps_names(tmp_path: Path) -> None:
    pytest.importorskip("nir")
    sp.export(program(), tmp_path / "p.nir", dt_ms=1.0)
    network = sp.from_nir(tmp_path / "p.nir", dt_ms=1.0)
    assert (network.input_names, network.neuron_names) == (("left arm", "right"), ("go", "stop"))
    again = sp.quantize(tmp_path / "p.nir", chip="loihi1", dt_ms=1.0).program
    assert (again.input_names, again.output_names) == (("left arm", "right"), ("go", "stop"))
    plain = replace(program(), input_names=None, neuron_names=None)
    assert "names" not in sp.to_nir(plain, dt_ms=1.0).metadata


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "no JSON": ("[", "the names in the metadata of the graph are not valid"),
        "list": ("[]", "must be an object, got a list"),
        "number": ('{"input": 3}', "names of 'input' must be a list of names, got 3"),
        "markup": ('{"input": ["<b>", "x"]}', r"names of 'input'\[0\] must begin with a letter"),
        "twice": ('{"readout": ["a", "a"]}', "must be different, got 'a' at 0 and 1"),
        "twice in two": ('{"readout": ["a", "b"], "other": ["a"]}', "names must be different, got 'a'"),
    }.values(),
)
def test_hostile_names_of_nir_are_refused(text: str, message: str) -> None:
    pytest.importorskip("nir")
    graph = sp.to_nir(program(), dt_ms=1.0)
    graph.metadata["names"] = text
    with pytest.raises(FormatError, match=message):
        sp.from_nir(graph, dt_ms=1.0)


def test_names_of_nir_that_do_not_fit_are_omitted() -> None:
    pytest.importorskip("nir")
    graph = sp.to_nir(program(), dt_ms=1.0)
    graph.metadata["names"] = '{"input": ["a"], "nowhere": ["b", "c"]}'
    network = sp.from_nir(graph, dt_ms=1.0)
    assert (network.input_names, network.neuron_names) == (None, None)


def test_specs_by_name_have_names() -> None:
    table = {"locked": {"coin": "open"}, "open": {"push": "locked"}}
    machine = sp.specs.finite_state_machine(table)
    assert machine.input_names == ("coin", "push")
    states = ("open", "locked on coin", "locked on push", "open on silence", "open on coin", "open on push")
    assert machine.output_names == states
    assert sp.specs.truth_table([0, 1, 1, 0], clock=True).input_names == ("a", "b", "clock")
    assert sp.specs.delay_line([5, 70]).output_names == ("after 5", "after 70", "relay 1")
    assert sp.specs.counter(3, reset=True).output_names == ("spike 1", "spike 2", "carry", "count 1", "count 2")
    assert sp.specs.winner_take_all(2, reset=True).input_names == ("line 0", "line 1", "reset")
    assert sp.specs.sequence([0, None, None, 1], tolerance=1).output_names == ("sequence", "recent 0")
    assert sp.specs.coincidence(2, within=1).output_names == ("coincidence", "trigger", "recent 0", "recent 1")
    assert sp.specs.frequency_divider(3).output_names == ("divided",)
    generator = sp.specs.pattern_generator(np.eye(2, dtype=bool), stop=True)
    assert (generator.input_names, generator.output_names) == (
        ("start 0", "stop"),
        ("output 0", "output 1", "phase 0", "phase 1"),
    )


def test_questions_have_names() -> None:
    assert Questions.one_vs_rest(3).output_names(["a", 1, "<b>"]) == ("a", "class 1", "class _b_")
    assert Questions.one_vs_one(3).output_names(["a", "b", "c"]) == ("b not a", "c not a", "c not b")
    assert Questions.one_vs_one(2, 2).output_names(["a", "b"]) == ("b", "b 2")
    with pytest.raises(sp.SpecError, match="there must be 3 names of classes, got 2"):
        Questions.one_vs_one(3).output_names(["a", "b"])


def test_a_classifier_has_the_classes_as_names() -> None:
    pytest.importorskip("sklearn")
    samples = np.array([[0.0], [0.1], [1.0], [1.1], [2.0], [2.1]])
    labels = np.array(["low", "low", "mid/dle", "mid/dle", "high", "high"])
    fitted = sp.SpikingClassifier(multi_class="ovr").fit(samples, labels)
    assert fitted.program_.output_names == ("high", "low", "mid_dle")


def test_cards_have_names() -> None:
    assert "left arm, right" in program()._repr_html_()
    assert "go, stop" in spec()._repr_html_()
    many = sp.Program.from_arrays(
        chip="loihi1", n_inputs=0, n_neurons=20, threshold=1, neuron_names=[f"n{number}" for number in range(20)]
    )
    assert "n0, n1, n2, n3, n4, n5, n6, n7 and 12 more" in many._repr_html_()


def test_a_perturbed_input_is_named() -> None:
    robustness = sp.verify(program(), spec(), robust=sp.Robust(missing=1)).robustness
    wrong = "output 1 (stop) is wrong at tick 6 of pattern 0 with input 1 (right) missing at tick 4"
    assert wrong in str(robustness)


def test_recovered_programs_have_names() -> None:
    inputs = np.random.default_rng(0).random((200, 2)) < 0.4
    lines: dict[str, Any] = {"pre": [0, 1, 0], "post": [0, 1, 1], "delay": [1, 2, 1], "weight": [10, 9, 8]}
    hidden = sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=2, threshold=25, **lines)
    trace = sp.run(hidden, inputs, record="state")
    assert trace.potentials is not None
    seen = sp.Spec([sp.Pattern(inputs, trace.spikes)], [1, 2], threshold=25, **NAMES)
    found = sp.recover(seen, [trace.potentials]).program
    assert found is not None
    assert (found.input_names, found.output_names) == (("left arm", "right"), ("go", "stop"))
    wrong = trace.potentials.copy()
    wrong[np.flatnonzero(~trace.spikes[:, 1])[50], 1] += 1
    assert str(sp.recover(seen, [wrong]).obstacle).startswith("neuron 1 (stop): no integer weights fit")
