"""snnprog: a compiler for spiking neural networks on neuromorphic chips, by linear programming.

::

    Spec ──design──▶ Network (real) ──quantize──▶ Program (integers) ──run──▶ Trace ──verify──▶ Verification

Public names are loaded when they are first used, so that importing the package is fast.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from snnprog.version import __version__

if TYPE_CHECKING:
    from snnprog import automata as automata
    from snnprog import coding as coding
    from snnprog import specs as specs
    from snnprog.automata import Automaton as Automaton
    from snnprog.automata import at_most as at_most
    from snnprog.automata import never as never
    from snnprog.automata import within as within
    from snnprog.backends import Simulator as Simulator
    from snnprog.backends import run as run
    from snnprog.compiler import CompileResult as CompileResult
    from snnprog.compiler import compile as compile
    from snnprog.compiler import sweep as sweep
    from snnprog.conflict import Conflict as Conflict
    from snnprog.conversion import Conversion as Conversion
    from snnprog.conversion import convert as convert
    from snnprog.convolution import Convolution as Convolution
    from snnprog.distance import victor_purpura as victor_purpura
    from snnprog.emit import export as export
    from snnprog.emit import to_nir as to_nir
    from snnprog.emit import write_nir as write_nir
    from snnprog.errors import BackendError as BackendError
    from snnprog.errors import FitError as FitError
    from snnprog.errors import FormatError as FormatError
    from snnprog.errors import InfeasibleError as InfeasibleError
    from snnprog.errors import LimitError as LimitError
    from snnprog.errors import PortabilityWarning as PortabilityWarning
    from snnprog.errors import QuantizationError as QuantizationError
    from snnprog.errors import SnnprogError as SnnprogError
    from snnprog.errors import SolverError as SolverError
    from snnprog.errors import SpecError as SpecError
    from snnprog.errors import UndecidedError as UndecidedError
    from snnprog.estimators import SpikingClassifier as SpikingClassifier
    from snnprog.estimators import SpikingRegressor as SpikingRegressor
    from snnprog.explanation import Explanation as Explanation
    from snnprog.explanation import explain as explain
    from snnprog.exploration import StreamProof as StreamProof
    from snnprog.exploration import prove as prove
    from snnprog.files import read_observed as read_observed
    from snnprog.files import read_rasters as read_rasters
    from snnprog.files import write_rasters as write_rasters
    from snnprog.files.event_files import read_events as read_events
    from snnprog.files.event_raster import EventRaster as EventRaster
    from snnprog.files.event_raster import from_events as from_events
    from snnprog.files.event_recording import EventRecording as EventRecording
    from snnprog.files.event_stream import ticks_of_events as ticks_of_events
    from snnprog.files.event_view import EventView as EventView
    from snnprog.files.neo import from_neo as from_neo
    from snnprog.files.neo import to_neo as to_neo
    from snnprog.integer_bound import error_bound as error_bound
    from snnprog.journal import JournalProgress as JournalProgress
    from snnprog.journal import read_journal as read_journal
    from snnprog.linking import GradedReadout as GradedReadout
    from snnprog.linking import PartsProof as PartsProof
    from snnprog.linking import System as System
    from snnprog.linking import link as link
    from snnprog.linking import prove_parts as prove_parts
    from snnprog.linking import with_readout as with_readout
    from snnprog.network import Network as Network
    from snnprog.networks import from_net as from_net
    from snnprog.networks import from_nir as from_nir
    from snnprog.networks import quantize as quantize
    from snnprog.placement import Placement as Placement
    from snnprog.placement import place as place
    from snnprog.program import Program as Program
    from snnprog.program import load as load
    from snnprog.recall import Recall as Recall
    from snnprog.recall import RecallProof as RecallProof
    from snnprog.recall import measure_recall as measure_recall
    from snnprog.recall import noisy_cue as noisy_cue
    from snnprog.recall import prove_recall as prove_recall
    from snnprog.recovery import Recovery as Recovery
    from snnprog.recovery import recover as recover
    from snnprog.report.page import write_report as write_report
    from snnprog.report.plots import plot_margins as plot_margins
    from snnprog.report.plots import plot_potential as plot_potential
    from snnprog.report.plots import plot_raster as plot_raster
    from snnprog.report.plots import plot_weights as plot_weights
    from snnprog.robustness.verdict import Robustness as Robustness
    from snnprog.spec import Dynamics as Dynamics
    from snnprog.spec import Pattern as Pattern
    from snnprog.spec import Robust as Robust
    from snnprog.spec import Spec as Spec
    from snnprog.spec_file import load_spec as load_spec
    from snnprog.spec_writing import save_spec as save_spec
    from snnprog.synapses import SharedSynapses as SharedSynapses
    from snnprog.trace import Trace as Trace
    from snnprog.unit_fits import units as units
    from snnprog.unit_results import Units as Units
    from snnprog.verification import Verification as Verification
    from snnprog.verification import verify as verify
    from snnprog.workload import Activity as Activity
    from snnprog.workload import activity as activity

_HOMES = {
    "Activity": "workload",
    "Automaton": "automata",
    "BackendError": "errors",
    "CompileResult": "compiler",
    "Conflict": "conflict",
    "Conversion": "conversion",
    "Convolution": "convolution",
    "Dynamics": "spec",
    "EventRaster": "files.event_raster",
    "EventRecording": "files.event_recording",
    "EventView": "files.event_view",
    "Explanation": "explanation",
    "FitError": "errors",
    "FormatError": "errors",
    "GradedReadout": "linking",
    "InfeasibleError": "errors",
    "JournalProgress": "journal",
    "LimitError": "errors",
    "Network": "network",
    "PartsProof": "linking",
    "Pattern": "spec",
    "Placement": "placement",
    "PortabilityWarning": "errors",
    "Program": "program",
    "QuantizationError": "errors",
    "Recall": "recall",
    "RecallProof": "recall",
    "Recovery": "recovery",
    "Robust": "spec",
    "Robustness": "robustness.verdict",
    "SharedSynapses": "synapses",
    "Simulator": "backends",
    "SnnprogError": "errors",
    "SolverError": "errors",
    "Spec": "spec",
    "SpecError": "errors",
    "SpikingClassifier": "estimators",
    "SpikingRegressor": "estimators",
    "StreamProof": "exploration",
    "System": "linking",
    "Trace": "trace",
    "UndecidedError": "errors",
    "Units": "unit_results",
    "Verification": "verification",
    "activity": "workload",
    "at_most": "automata",
    "compile": "compiler",
    "convert": "conversion",
    "error_bound": "integer_bound",
    "explain": "explanation",
    "export": "emit",
    "from_events": "files.event_raster",
    "from_neo": "files.neo",
    "from_net": "networks",
    "from_nir": "networks",
    "link": "linking",
    "load": "program",
    "load_spec": "spec_file",
    "measure_recall": "recall",
    "never": "automata",
    "noisy_cue": "recall",
    "place": "placement",
    "plot_margins": "report.plots",
    "plot_potential": "report.plots",
    "plot_raster": "report.plots",
    "plot_weights": "report.plots",
    "prove": "exploration",
    "prove_parts": "linking",
    "prove_recall": "recall",
    "quantize": "networks",
    "read_events": "files.event_files",
    "read_journal": "journal",
    "read_observed": "files",
    "read_rasters": "files",
    "recover": "recovery",
    "run": "backends",
    "save_spec": "spec_writing",
    "sweep": "compiler",
    "ticks_of_events": "files.event_stream",
    "to_neo": "files.neo",
    "to_nir": "emit",
    "units": "unit_fits",
    "verify": "verification",
    "victor_purpura": "distance",
    "with_readout": "linking",
    "within": "automata",
    "write_nir": "emit",
    "write_rasters": "files",
    "write_report": "report.page",
}

_FOLDERS = ("automata", "coding", "specs")

_EXTRA = {name for name, home in _HOMES.items() if home == "estimators" and find_spec("sklearn") is None}

__all__ = ["__version__", *_FOLDERS, *(name for name in _HOMES if name not in _EXTRA)]


def __getattr__(name: str) -> object:
    if name in _FOLDERS:
        return import_module(f"snnprog.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'snnprog' has no attribute {name!r}")
    value = getattr(import_module(f"snnprog.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
