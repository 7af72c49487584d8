"""The public face: its names, where they lead, and what importing it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import snnprog as sp

ROOT = Path(__file__).resolve().parents[1]

NAMES = {
    "Activity": type,
    "Automaton": type,
    "BackendError": type,
    "CompileResult": type,
    "Conflict": type,
    "Conversion": type,
    "Convolution": type,
    "Dynamics": type,
    "EventRaster": type,
    "EventRecording": type,
    "EventView": type,
    "Explanation": type,
    "FitError": type,
    "FormatError": type,
    "GradedReadout": type,
    "InfeasibleError": type,
    "JournalProgress": type,
    "LimitError": type,
    "Network": type,
    "PartsProof": type,
    "Pattern": type,
    "Placement": type,
    "PortabilityWarning": type,
    "Program": type,
    "QuantizationError": type,
    "Recall": type,
    "RecallProof": type,
    "Recovery": type,
    "Robust": type,
    "Robustness": type,
    "SharedSynapses": type,
    "Simulator": type,
    "SnnprogError": type,
    "SolverError": type,
    "Spec": type,
    "SpecError": type,
    "SpikingClassifier": type,
    "SpikingRegressor": type,
    "StreamProof": type,
    "System": type,
    "Trace": type,
    "UndecidedError": type,
    "Units": type,
    "Verification": type,
    "activity": "function",
    "at_most": "function",
    "compile": "function",
    "convert": "function",
    "error_bound": "function",
    "explain": "function",
    "export": "function",
    "from_events": "function",
    "from_neo": "function",
    "from_net": "function",
    "from_nir": "function",
    "link": "function",
    "load": "function",
    "load_spec": "function",
    "measure_recall": "function",
    "never": "function",
    "noisy_cue": "function",
    "place": "function",
    "prove": "function",
    "prove_parts": "function",
    "prove_recall": "function",
    "quantize": "function",
    "read_events": "function",
    "read_journal": "function",
    "read_observed": "function",
    "read_rasters": "function",
    "plot_margins": "function",
    "plot_potential": "function",
    "plot_raster": "function",
    "plot_weights": "function",
    "recover": "function",
    "run": "function",
    "save_spec": "function",
    "sweep": "function",
    "ticks_of_events": "function",
    "to_neo": "function",
    "to_nir": "function",
    "units": "function",
    "verify": "function",
    "victor_purpura": "function",
    "with_readout": "function",
    "within": "function",
    "write_nir": "function",
    "write_rasters": "function",
    "write_report": "function",
}


FOLDERS = ("automata", "coding", "specs")


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_names_are_pinned() -> None:
    assert sorted(sp.__all__) == sorted(["__version__", *FOLDERS, *NAMES])


@pytest.mark.parametrize("name", NAMES)
def test_name_leads_to_something_documented(name: str) -> None:
    value = getattr(sp, name)
    assert inspect.isfunction(value) if NAMES[name] == "function" else isinstance(value, type)
    assert value.__name__ == name
    assert value.__module__.startswith("snnprog.")
    assert value.__doc__
    own_init = f"{name}("  # what a dataclass writes by itself is no documentation
    assert not value.__doc__.startswith(own_init)


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_is_loaded_when_it_is_used(name: str) -> None:
    assert (
        python(f"import sys, snnprog; print('snnprog.{name}' in sys.modules, len(snnprog.{name}.__all__) > 0)")
        == "False True"
    )
    assert getattr(sp, name).__doc__


def test_names_are_listed_and_kept() -> None:
    for module in (sp, sp.automata, sp.coding, sp.specs):
        assert dir(module) == sorted(module.__all__)
    assert sp.Spec is sp.Spec
    assert vars(sp)["Spec"] is sp.Spec


def test_version_is_a_text_of_numbers() -> None:
    assert all(part.isdigit() for part in sp.__version__.split(".")[:2])


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'snnprog' has no attribute 'nothing'"):
        sp.nothing  # noqa: B018
    with pytest.raises(ImportError, match="nothing"):
        exec("from snnprog import nothing")


def test_star_import_gives_every_name() -> None:
    names: dict[str, object] = {}
    exec("from snnprog import *", names)
    assert set(NAMES) <= set(names)


def test_functions_stay_functions_when_every_submodule_is_imported() -> None:
    code = """
import importlib, inspect, pkgutil
import snnprog as sp
modules = [info.name for info in pkgutil.walk_packages(sp.__path__, "snnprog.") if not info.name.endswith("__main__")]
for name in modules:
    importlib.import_module(name)
assert "snnprog.compiler" in modules and "snnprog.design.margins.margin" in modules, modules
print(*[inspect.isfunction(getattr(sp, name)) for name in ("verify", "run", "compile", "load", "load_spec")])
"""
    assert python(code) == "True True True True True"


def test_importing_the_package_costs_nothing() -> None:
    heavy = ("numpy", "scipy", "ortools", "click", "rich", "matplotlib", "sklearn")
    assert python(f"import sys, snnprog; print([name for name in {heavy} if name in sys.modules])") == "[]"
