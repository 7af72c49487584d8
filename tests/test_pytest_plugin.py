"""The pytest plugin, as other people's projects see it: through its entry point, in a process of its own."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from cases import after
from planted import FAULTS, write_planted

import snnprog as sp
from snnprog import backends, pytest_plugin
from snnprog.pytest_plugin import assert_exact

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "examples" / "ci_check"
OK, FAILED, USAGE = 0, 1, 4


@dataclass(frozen=True)
class Outcome:
    """What became of one test, from the JUnit report."""

    kind: str
    message: str
    backend: str | None


@dataclass(frozen=True)
class Session:
    """One run of pytest."""

    code: int
    output: str
    tests: dict[str, Outcome]

    def kinds(self) -> dict[str, str]:
        return {name: outcome.kind for name, outcome in self.tests.items()}


class Project:
    """A folder with tests, beside an installed snnprog and three backends: two that are ready, one that is not."""

    def __init__(self, parent: Path) -> None:
        self.parent, self.folder = parent, parent / "project"
        self.folder.mkdir()
        write_planted(parent / "backends", "right", ())
        write_planted(parent / "backends", "liar", FAULTS["potential before reset"])
        write_planted(parent / "backends", "sloppy", FAULTS["inputs one tick late"])
        write_planted(parent / "backends", "absent", ())
        description = parent / "backends" / "absent" / "backend.toml"
        text = re.sub(r'python = ".*"', 'python = "2.7"', description.read_text(encoding="utf-8"))
        description.write_text(text, encoding="utf-8")
        self._install()

    def _install(self) -> None:
        """Write what an installer would: the entry points of the project's own metadata."""
        with (ROOT / "pyproject.toml").open("rb") as file:
            entries = tomllib.load(file)["project"]["entry-points"]
        folder = self.parent / "site" / f"snnprog-{sp.__version__}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: snnprog\nVersion: {sp.__version__}\n")
        groups = [
            "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entry.items())])
            for group, entry in entries.items()
        ]
        (folder / "entry_points.txt").write_text("\n\n".join(groups) + "\n")

    def run(self, *words: str) -> Session:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {
            "PYTHONPATH": os.pathsep.join([str(self.parent / "site"), str(ROOT)]),
            "SNNPROG_BACKENDS": str(self.parent / "backends"),
            "SNNPROG_CACHE": str(self.parent / "cache"),
            "COLUMNS": "200",
        }
        report = self.parent / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "--strict-markers", "--junitxml", str(report)]
        command += ["-W", "error", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:zarr", *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return Session(done.returncode, done.stdout + done.stderr, _outcomes(report) if report.exists() else {})


def _outcomes(report: Path) -> dict[str, Outcome]:
    tests = {}
    for case in ElementTree.parse(report).iter("testcase"):
        told = next((case.find(kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        backend = next((each.get("value") for each in case.iter("property")), None)
        kind, message = ("passed", "") if told is None else (told.tag, told.get("message") or "")
        tests[case.get("name") or ""] = Outcome(kind, message, backend)
    return tests


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


NAMES = """\
import sys
import pytest

at_start = [name for name in ("numpy", "scipy", "ortools", "numba", "click", "rich") if name in sys.modules]

def test_nothing_heavy_was_imported():
    assert at_start == []

def test_chosen(snnprog_backend):
    assert isinstance(snnprog_backend, str)

@pytest.mark.snnprog_backend("right", "absent")
def test_marked(snnprog_backend):
    assert snnprog_backend == "right"

@pytest.mark.snnprog_backend("absent")
def test_needs_it():
    assert False

@pytest.mark.snnprog_backend("absent")
class TestAll:
    def test_inherits(self):
        assert False

    @pytest.mark.snnprog_backend("right")
    @pytest.mark.parametrize("value", [1, 2])
    def test_adds(self, snnprog_backend, value):
        assert value
"""
ALWAYS = {
    "test_marked[right]": "passed",
    "test_marked[absent]": "skipped",
    "test_needs_it": "skipped",
    "test_inherits": "skipped",
    "test_adds[absent-1]": "skipped",
    "test_adds[absent-2]": "skipped",
    "test_adds[right-1]": "passed",
    "test_adds[right-2]": "passed",
}


# --------------------------------------------------------------------------------------------- options, marks, header


def test_without_options_the_reference_is_chosen_and_nothing_is_imported(project: Project) -> None:
    (project.folder / "test_names.py").write_text(NAMES)
    session = project.run()
    assert session.code == OK, session.output
    assert f"snnprog {sp.__version__} on reference\n" in session.output
    assert f"snnprog-{sp.__version__}" in session.output  # among the plugins that pytest lists
    chosen = {"test_nothing_heavy_was_imported": "passed", "test_chosen[reference]": "passed"}
    assert session.kinds() == chosen | ALWAYS
    assert session.tests["test_chosen[reference]"].backend == "reference"
    assert session.tests["test_needs_it"].message == (
        "backend absent is not installed; run 'snnprog backends install absent'"
    )


def test_backends_are_chosen_each_once(project: Project) -> None:
    (project.folder / "test_names.py").write_text(NAMES)
    words = [word for name in ("right", "absent", "reference", "right") for word in ("--snnprog-backend", name)]
    session = project.run(*words, "-k", "chosen or marked")
    assert session.code == OK, session.output
    assert f"snnprog {sp.__version__} on right, absent (not installed), reference\n" in session.output
    assert session.kinds() == {
        "test_chosen[right]": "passed",
        "test_chosen[absent]": "skipped",
        "test_chosen[reference]": "passed",
        "test_marked[right]": "passed",
        "test_marked[absent]": "skipped",
    }
    assert session.tests["test_chosen[right]"].backend == "right"


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_what_is_required_and_missing_fails(project: Project, words: tuple[str, ...]) -> None:
    (project.folder / "test_names.py").write_text(NAMES)
    session = project.run(
        "--snnprog-require", "absent", "--deselect", "test_names.py::test_nothing_heavy_was_imported", *words
    )
    assert session.code == FAILED
    told = {name: "error" if kind == "skipped" else kind for name, kind in ALWAYS.items()}
    assert session.kinds() == told | {"test_chosen[reference]": "passed", "test_chosen[absent]": "error"}
    assert "backend absent is not installed" in session.tests["test_needs_it"].message


@pytest.mark.parametrize("option", [pytest_plugin.BACKEND_OPTION, pytest_plugin.REQUIRE_OPTION])
def test_a_name_that_is_no_backends_is_refused(project: Project, option: str) -> None:
    session = project.run(option, "nope")
    assert session.code == USAGE
    assert "unknown backend 'nope'; known backends are kernel, reference, absent, liar, right, sloppy" in session.output


def test_what_is_built_in_is_named_as_in_the_backends() -> None:
    assert pytest_plugin.REFERENCE == backends.REFERENCE
    assert not set(pytest_plugin.BUILT_IN) & set(backends.backend_names())


def test_no_compiled_function_asserts() -> None:
    """An installed package with a pytest plugin has its asserts rewritten, into what Numba cannot compile."""
    compiled = 0
    for path in (ROOT / "snnprog").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            declared = {ast.unparse(each).split("(")[0] for each in getattr(node, "decorator_list", ())}
            if declared & {"compiled", "operation"}:
                compiled += 1
                assert not any(isinstance(each, ast.Assert) for each in ast.walk(node)), f"{path}: {ast.unparse(node)}"
    assert compiled > 0


# ----------------------------------------------------------------------------------------------------- assert_exact

INPUTS = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 0]], dtype=bool)


def relay(weight: int = 90) -> sp.Program:
    """Return two neurons that repeat their inputs one tick later."""
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=2, n_neurons=2, pre=[0, 1], post=[0, 1], weight=[90, weight], threshold=60
    )


def test_assert_exact_takes_a_spec_patterns_or_one_and_a_program_or_its_file(tmp_path: Path) -> None:
    pattern = sp.Pattern(INPUTS, after(INPUTS, 1))
    relay().save(tmp_path / "relay.snnp")
    for program in (relay(), tmp_path / "relay.snnp", str(tmp_path / "relay.snnp")):
        for patterns in (pattern, [pattern], sp.Spec([pattern])):
            assert assert_exact(program, patterns).exact


def test_assert_exact_says_where_and_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_exact(relay(50), sp.Pattern(INPUTS, after(INPUTS, 1)), record="state")
    first, second = str(caught.value).splitlines()
    assert first.startswith("reference differs from the target first at tick 2 of pattern 0: output 1 is silent,")
    assert "At tick 2 neuron 1 heard input 1 of tick 1 (synapse 1, weight 50)" in first
    assert second == "1 of 12 bins that count are wrong"


def test_assert_exact_compares_two_backends(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_BACKENDS", str(project.parent / "backends"))
    pattern = sp.Pattern(INPUTS, after(INPUTS, 1))
    assert assert_exact(relay(), pattern, "right", record="state", against="reference").against == "reference"
    assert_exact(relay(), pattern, "liar")
    with pytest.raises(
        AssertionError, match=r"liar differs from right first at tick 1 .* liar records the potential before"
    ):
        assert_exact(relay(), pattern, "liar", record="state", against="right")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((relay(), sp.Pattern(INPUTS[:, :1], INPUTS)), sp.SpecError), (("nothing.snnp", []), sp.FormatError)],
)
def test_assert_exact_raises_what_verify_does(arguments: tuple[sp.Program, sp.Pattern], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        assert_exact(*arguments)
    assert [Path(str(entry.path)).name for entry in caught.traceback][1:] == ["pytest_plugin.py"]  # which pytest hides
    assert caught.value.__suppress_context__


def test_assert_exact_names_the_file_that_is_wrong(tmp_path: Path) -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[1] = True
    spec = sp.Spec([sp.Pattern(inputs, np.roll(inputs, 1, axis=0))], delays=[1])
    sp.compile(spec).program.save(tmp_path / "relay.snnp")
    assert assert_exact(tmp_path / "relay.snnp", spec).same_spec
    other = sp.Spec([sp.Pattern(inputs, np.roll(inputs, 2, axis=0))], delays=[1])
    with pytest.raises(AssertionError) as caught:
        assert_exact(tmp_path / "relay.snnp", other)
    assert str(caught.value).startswith(f"{tmp_path / 'relay.snnp'}: reference differs from the target first at")
    assert str(caught.value).endswith("the program was compiled from another specification (the digests differ)")


def test_assert_exact_can_require_the_spec_of_the_program() -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[1] = True
    spec = sp.Spec([sp.Pattern(inputs, np.roll(inputs, 1, axis=0))], delays=[1])
    program = sp.compile(spec).program
    assert assert_exact(program, spec, same_spec=True).exact
    other = sp.Spec(spec.patterns, delays=[1, 2])
    assert assert_exact(program, other).exact
    with pytest.raises(AssertionError, match=r"^the program was compiled from another specification .*; compile"):
        assert_exact(program, other, same_spec=True)
    with pytest.raises(AssertionError, match=r"^the program names no specification; compile"):
        assert_exact(replace(program, provenance={}), spec, same_spec=True)
    with pytest.raises(sp.SpecError, match="same_spec compares the program with a Spec"):
        assert_exact(program, spec.patterns, same_spec=True)


# ------------------------------------------------------------------------------------------------ the sample project

LAVA = "test_lava_agrees_in_every_state"
DIRECTION = [
    "test_every_spike_comes_out[{0}]",
    *(f"test_a_trial_that_was_not_compiled_for[{{0}}-{first}]" for first in (1, 4, 9)),
]
OF_THIS_SPEC = "test_the_program_is_of_this_spec"
WRONG = """\
from dataclasses import replace

from snnprog.pytest_plugin import assert_exact


def test_wrong_program(program, spec):
    assert_exact(replace(program, threshold=[131071, *program.threshold[1:]]), spec)
"""


@pytest.fixture
def sample(project: Project) -> Project:
    shutil.copytree(SAMPLE, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return project


def test_the_sample_project_passes(sample: Project) -> None:
    session = sample.run("--snnprog-backend", "reference", "--snnprog-backend", "right")
    assert session.code == OK, session.output
    kinds = session.kinds()
    assert kinds.pop(LAVA) in ("passed", "skipped")
    assert kinds.pop(OF_THIS_SPEC) == "passed"
    assert kinds == {name.format(backend): "passed" for name in DIRECTION for backend in ("reference", "right")}


def test_the_sample_project_tells_that_its_program_is_out_of_date(sample: Project) -> None:
    spec = sample.folder / "SPEC.toml"
    spec.write_text("weight_bits = 7\n" + spec.read_text(encoding="utf-8"), encoding="utf-8")
    session = sample.run("-k", "of_this_spec")
    assert session.code == FAILED
    assert "compile SPEC.toml again" in session.tests[OF_THIS_SPEC].message


def test_the_sample_project_tells_on_what_is_wrong_or_missing(sample: Project) -> None:
    """A runtime with a fault, a backend that is required and not there, and a program that does not do its spec."""
    (sample.folder / "test_wrong.py").write_text(WRONG, encoding="utf-8")
    session = sample.run("--snnprog-backend", "sloppy", "--snnprog-require", "absent", "-k", "every_spike or wrong")
    assert session.code == FAILED
    assert session.kinds() == {
        "test_every_spike_comes_out[sloppy]": "failure",
        "test_every_spike_comes_out[absent]": "error",
        "test_wrong_program": "failure",
    }
    told = session.tests["test_every_spike_comes_out[sloppy]"].message
    assert re.match(
        r"AssertionError: sloppy differs from the reference first at tick \d+ of pattern 0: output 0 is silent", told
    )
    assert "sloppy delivers spikes of inputs one tick late, which gives all that it recorded" in told
    assert re.search(r"At tick \d+ neuron \d heard input", told)
    told = session.tests["test_wrong_program"].message
    assert told.startswith(
        "AssertionError: reference differs from the target first at tick 7 of pattern 0: output 0 is silent,"
        " expected a spike. At tick 7 neuron 0 heard input"
    )
    assert "input 0 of tick 2 (synapse" in told
    assert told.endswith("a spike needs more than 8388544\n2 of 288 bins that count are wrong")
    assert "pytest_plugin.py:" not in session.output  # the traceback ends in the test


def test_the_sample_uses_nothing_but_the_package() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SAMPLE.glob("*.py"))
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert imported == {"__future__", "numpy", "pathlib", "pytest", "snnprog"}
