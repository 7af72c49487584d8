"""What stands around the package: action and workflows, conda recipe, citation, and the commands of make and nox.

None of it has run where it is meant to run. Schemas and libraries of those who read such files check them here, and the
steps of the action run in a stand-in of a hosted runner.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli
from command_line import FILES
from ruamel.yaml import YAML

import snnprog as sp

ROOT = Path(__file__).resolve().parents[1]
ACTION = ROOT / ".github" / "actions" / "verify"
SAMPLE = ROOT / "examples" / "ci_check"
CONDA_NAMES = {"ortools": "ortools-python"}


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def project() -> Any:
    return tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("github-actions", ACTION / "action.yml"),
        ("github-workflows", ROOT / ".github" / "workflows" / "ci.yml"),
        ("github-workflows", SAMPLE / "workflow.yml"),
        ("citation-file-format", ROOT / "CITATION.cff"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_files_follow_their_published_schemas(schema: str, path: Path) -> None:
    """`check-jsonschema` brings the schemas with it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_citation_is_of_this_version() -> None:
    said = read_yaml(ROOT / "CITATION.cff")
    assert (said["version"], said["license"]) == (sp.__version__, project()["license"])


# ---------------------------------------------------------------------------------------------------------- the action


@dataclass(frozen=True)
class Job:
    """What a run of the action did: exit code of the step that ended it, its output, and the job's summary."""

    code: int
    said: str
    summary: str


def run_action(folder: Path, **inputs: str) -> Job:
    """Run the steps of the action as a runner does, in a folder of a project; pip only notes what it is to install."""
    action = read_yaml(ACTION / "action.yml")
    given = {name: inputs.pop(name, told.get("default")) for name, told in action["inputs"].items()}
    assert not inputs, "the action has no such input"
    bin_folder, summary = folder / "bin", folder / "summary"
    bin_folder.mkdir(exist_ok=True)
    commands = {
        "python": '#!/bin/sh\necho "python $*"\n',
        "snnprog": f'#!/bin/sh\necho "snnprog $*"\n[ "$3" = lava ] || exec {sys.executable} -m snnprog "$@"\n',
    }
    for name, text in commands.items():
        (bin_folder / name).write_text(text, encoding="utf-8")
        (bin_folder / name).chmod(0o755)
    runner = {
        **os.environ,
        "PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    said = ""
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "inputs go through the environment, so that none of them is run"
        values = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], text)
            for name, text in step["env"].items()
        }
        words = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(words, cwd=folder, env={**runner, **values}, capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr
        if done.returncode:
            break
    return Job(done.returncode, said, summary.read_text(encoding="utf-8") if summary.exists() else "")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder of a project with two programs, of which the second does not do what its spec says."""
    for path in (*FILES.iterdir(), SAMPLE / "direction.snnp"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    sp.compile(sp.load_spec(tmp_path / "SPEC.toml")).program.save(tmp_path / "good.snnp")
    good = sp.load(tmp_path / "good.snnp")
    silent = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=good.n_inputs,
        n_neurons=1,
        outputs=[0] * good.n_outputs,
        pre=[0],
        post=[0],
        delay=[1],
        weight=[0],
        exponent=[0],
        threshold=[100],
        current_decay=[4095],
        potential_decay=[4095],
        bias=[0],
    )
    silent.save(tmp_path / "bad.snnp")
    return tmp_path


def test_the_action_passes_where_programs_are_exact(place: Path) -> None:
    job = run_action(place, programs="good.snnp SPEC.toml\n\n", backends="kernel reference", state="true")
    assert job.code == 0, job.said
    assert f"python -m pip install --quiet {ACTION}/../../.." in job.said
    assert (ACTION / "../../..").resolve() == ROOT
    assert "snnprog verify good.snnp SPEC.toml --backend kernel --backend reference --state" in job.said
    assert "backends install" not in job.said
    assert "::group::good.snnp SPEC.toml\n" in job.said
    assert "| good.snnp | SPEC.toml |  | exact |" in job.summary


def test_the_action_installs_the_versions_of_a_constraints_file(place: Path) -> None:
    job = run_action(place, programs="good.snnp SPEC.toml", constraints="constraints.txt", snnprog="snnprog")
    assert "python -m pip install --quiet -c constraints.txt snnprog\n" in job.said


def test_the_action_checks_held_out_patterns_and_the_spec_of_a_program(place: Path) -> None:
    job = run_action(place, programs="good.snnp SPEC.toml SPEC.toml", same_spec="true")
    assert job.code == 0, job.said
    assert "verify good.snnp SPEC.toml --backend kernel --same-spec --test SPEC.toml --require-test" in job.said
    spec = (place / "SPEC.toml").read_text(encoding="utf-8")
    (place / "SPEC.toml").write_text(f"weight_bits = 7\n{spec}", encoding="utf-8")
    job = run_action(place, programs="good.snnp SPEC.toml", same_spec="true")
    assert job.code == 1, job.said
    reason = "--same-spec: the program file was compiled from another one; compile the specification again"
    assert f"::error file=SPEC.toml::good.snnp on kernel: {reason}" in job.said
    assert f"| good.snnp | SPEC.toml |  | failed (exit code 1): {reason} |" in job.summary


def test_the_action_fails_after_all_programs_where_one_is_not_exact(place: Path) -> None:
    job = run_action(place, programs="bad.snnp SPEC.toml\ngood.snnp SPEC.toml", snnprog="snnprog==0.1.0")
    assert job.code == 1, job.said
    assert "python -m pip install --quiet snnprog==0.1.0" in job.said
    (first,) = re.findall(
        r"::error file=SPEC.toml::bad.snnp on kernel: (.*) \(snnprog verify ended with code 1\)", job.said
    )
    assert re.match(r"pattern \d+, tick \d+: .*output 0.* is silent, expected a spike", first)
    assert f"| bad.snnp | SPEC.toml |  | failed (exit code 1): {first} |" in job.summary
    assert "| good.snnp | SPEC.toml |  | exact |" in job.summary


def test_the_action_says_which_backend_cannot_be_installed(place: Path) -> None:
    job = run_action(place, programs="good.snnp SPEC.toml", backends="kernel nosuch")
    assert job.code == 5, job.said
    assert "::error::backend nosuch cannot be installed: unknown backend 'nosuch'" in job.said
    assert "| nosuch | failed (exit code 5) |" in job.summary


def test_the_action_installs_backends_that_are_not_built_in(place: Path) -> None:
    job = run_action(place, programs="good.snnp SPEC.toml", backends="kernel lava")
    assert "snnprog backends install lava\n" in job.said
    assert "snnprog verify good.snnp SPEC.toml --backend kernel --backend lava" in job.said


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"programs": "\n"}, "programs is empty"),
        ({"programs": "good.snnp"}, "programs must have a program and a spec on each line"),
        ({"programs": "good.snnp SPEC.toml third fourth"}, "programs must have a program and a spec on each line"),
        ({"programs": "good.snnp SPEC.toml", "state": "yes"}, "state must be true or false, got yes"),
        ({"programs": "good.snnp SPEC.toml", "same_spec": "1"}, "same_spec must be true or false, got 1"),
    ],
)
def test_the_action_refuses_bad_inputs(place: Path, inputs: dict[str, str], told: str) -> None:
    job = run_action(place, **inputs)
    assert (job.code, f"::error::{told}" in job.said) == (2, True), job.said


def test_the_sample_project_uses_the_action(tmp_path: Path) -> None:
    """And its program is exact; the inputs it gives are the action's."""
    workflow = read_yaml(SAMPLE / "workflow.yml")
    (step,) = (step for step in workflow["jobs"]["programs"]["steps"] if "verify" in step.get("uses", ""))
    assert (ROOT / step["uses"].removeprefix("./.snnprog/")).resolve() == ACTION
    assert set(step["with"]) <= set(read_yaml(ACTION / "action.yml")["inputs"])
    versions = [name.rpartition(" ")[2] for name in project()["classifiers"] if re.search(r":: \d\.\d+$", name)]
    assert workflow["jobs"]["programs"]["strategy"]["matrix"]["python"] == versions
    for path in SAMPLE.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert (ROOT / step["with"]["constraints"].removeprefix(".snnprog/")).is_file()
    job = run_action(tmp_path, **{**step["with"], "backends": "kernel"})
    assert job.code == 0, job.said


def test_the_project_runs_its_own_checks_in_the_workflow() -> None:
    steps = read_yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["all"]["steps"]
    assert steps[-1]["run"].endswith("bash .ci/run")


# ---------------------------------------------------------------------------------------------------- the conda recipe


def test_the_recipe_names_what_the_project_needs() -> None:
    """Rendered by rattler-build's own library; it is not built here."""
    rattler_build = pytest.importorskip("rattler_build")
    (variant,) = rattler_build.Stage0Recipe.from_file(ROOT / "recipe" / "recipe.yaml").render()
    recipe = variant.recipe.to_dict()
    assert (recipe["package"]["version"], recipe["about"]["license"]) == (sp.__version__, project()["license"])
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {place}" for name, place in project()["scripts"].items()
    ]
    named = dict(re.findall(r"^([\w.-]+)(\S+?)(?:;.*)?$", line)[0] for line in project()["dependencies"])
    wanted = {CONDA_NAMES.get(name, name): bounds for name, bounds in named.items()}
    run = dict(line.split(" ", 1) for line in recipe["requirements"]["run"])
    assert run.pop("python") == project()["requires-python"]
    assert run == wanted


# ------------------------------------------------------------------------------------------------------------- the map


def test_the_map_is_drawn_from_the_imports() -> None:
    drawing = runpy.run_path(str(ROOT / "docs" / "write_architecture.py"))
    named = [name for modules in drawing["PARTS"].values() for name in modules.split()]
    assert sorted(named) == sorted(drawing["module_imports"]()), "each module belongs to one of PARTS"
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| ([a-zA-Z ]+) \|", page.partition("## Map")[2], re.MULTILINE)) == {
        "part",
        *drawing["PARTS"],
    }
    assert drawing["PICTURE"].read_text(encoding="utf-8") == drawing["picture"](), (
        "run python docs/write_architecture.py"
    )


# -------------------------------------------------------------------------------------------------------- make and nox


def test_make_calls_nox() -> None:
    """Each command stands once, in noxfile.py; the Makefile makes the environment that nox runs in."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--list"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    sessions = set(re.findall(r"^[-*] (\w+)", done.stdout, re.MULTILINE))
    listed = re.search(r"^SESSIONS := (.*)$", makefile, re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split()) | {"backends", "clean"} == sessions
    usual = [
        re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
        for name, pattern in (("Makefile", r"BACKENDS \?= (.*)"), ("noxfile.py", r'"BACKENDS": "(.*?)"'))
    ]
    assert len({found and found[1] for found in usual}) == 1, "make names backends to install them side by side"
    recipes = re.findall(r"^\t(.*)$", makefile, re.MULTILINE)
    others = [recipe for recipe in recipes if not recipe.startswith("@$(NOX) -s ")]
    assert len(others) == 4, "the check of Python's version, venv, pip and touch"
