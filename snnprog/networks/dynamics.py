"""Neurons of NIR nodes per tick: decays, gains, biases and thresholds.

The equations are those of `snnprog.networks.network`. Tools that write NIR have different steps: `EQUATIONS` has,
for each, the effect of an arriving spike on a potential or a current; see `snnprog.networks.convention` for sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from snnprog.arrays import Floats
from snnprog.errors import FormatError
from snnprog.fixed_order import exponential
from snnprog.networks.convention import NIR, NORSE, ROCKPOOL, SINABS, SPYX, Convention
from snnprog.networks.graph import Graph
from snnprog.networks.nodes import READOUTS, Node
from snnprog.networks.shapes import Shape

Gain = Callable[[Floats, Floats, Floats], Floats]


@dataclass(frozen=True)
class Integration:
    """The step of a tool's neurons.

    Attributes
    ----------
    is_exponential : bool
        Whether a step keeps ``exp(-dt/tau)``, or ``1 - dt/tau``.
    membrane, readout, synapse : function of three arrays
        The amount that an arriving unit adds to a potential of a spiking and of a non-spiking (LI) neuron, and to a
        current: from dt/tau, the share that a step keeps, and ``r`` or ``w_in``.
    adds_dt : bool
        Whether a neuron without leak (IF, I) adds ``dt r``, or ``r``, for an arriving unit.
    """

    is_exponential: bool
    membrane: Gain
    readout: Gain
    synapse: Gain
    adds_dt: bool = False


def _euler(step: Floats, kept: Floats, factor: Floats) -> Floats:
    return step * factor


def _exact(step: Floats, kept: Floats, factor: Floats) -> Floats:
    return (1.0 - kept) * factor


def _factor(step: Floats, kept: Floats, factor: Floats) -> Floats:
    return factor


def _unit(step: Floats, kept: Floats, factor: Floats) -> Floats:
    return np.ones_like(kept)


def _kept(step: Floats, kept: Floats, factor: Floats) -> Floats:
    return kept * factor


def _rockpool_membrane(step: Floats, kept: Floats, factor: Floats) -> Floats:
    """Return 1 for the ``r`` that Rockpool writes, ``tau exp(-dt/tau) / dt``, in single precision."""
    gain = step * factor / kept
    return np.where(np.abs(gain - 1.0) < SINGLE, 1.0, gain)


SINGLE = 1e-4
"""Tolerance for recognising the ``r`` of Rockpool: a thousand times the error of single precision."""

EQUATIONS: Mapping[str, Integration] = MappingProxyType(
    {
        NIR: Integration(False, membrane=_euler, readout=_euler, synapse=_euler, adds_dt=True),
        NORSE: Integration(False, membrane=_euler, readout=_euler, synapse=_factor),
        SINABS: Integration(True, membrane=_exact, readout=_factor, synapse=_exact),
        ROCKPOOL: Integration(True, membrane=_rockpool_membrane, readout=_euler, synapse=_kept),
        SPYX: Integration(False, membrane=_unit, readout=_unit, synapse=_unit),
    }
)


@dataclass(frozen=True, eq=False)
class NodeRule:
    """The neurons of a node; all fields are (neurons,) float.

    Attributes
    ----------
    gain : factor of weights
    bias, late_bias, threshold, current_kept, potential_kept : as in `Population`
    """

    gain: Floats
    bias: Floats
    late_bias: Floats
    threshold: Floats
    current_kept: Floats
    potential_kept: Floats


def rule_of(
    graph: Graph, name: str, *, shape: Shape, constant: Floats, tick_s: float, convention: Convention
) -> NodeRule:
    """Return the neurons of a node.

    Parameters
    ----------
    graph : Graph
    name : str
        Of the node.
    shape : tuple of int
        Shape of its output.
    constant : (neurons,) float
        Constant input.
    tick_s : float
        Seconds of a tick.
    convention : Convention

    Raises
    ------
    FormatError
        If a time constant is shorter than a tick, or the threshold is not above the reset.
    """
    node = graph.nodes[name]
    fields = {field: _spread(graph, name, field, shape) for field in node.values}
    zero, one = np.zeros(constant.size), np.ones(constant.size)
    threshold = _threshold(graph, name, node, fields)
    if node.kind == "Threshold":
        return NodeRule(one, constant, zero, threshold, zero, zero)
    equations = EQUATIONS[convention.equations]
    if node.kind in ("IF", "I"):
        gain = fields["r"] * (tick_s if equations.adds_dt else 1.0)
        return NodeRule(gain, gain * constant, zero, threshold, zero, one)
    steps = _Steps(graph, name, fields, tick_s=tick_s, equations=equations)
    kept, drive = steps.membrane("tau" if "tau" in fields else "tau_mem", is_readout=node.kind in READOUTS)
    rest = (1.0 - kept) * (fields["v_leak"] - fields.get("v_reset", zero))
    if "tau" in fields:
        return NodeRule(drive, rest + drive * constant, zero, threshold, zero, kept)
    current_kept, arriving = steps.synapse("tau_syn")
    gain = arriving * drive
    return NodeRule(gain, rest, gain * constant, threshold, current_kept, kept)


def readout_rule(constant: Floats) -> NodeRule:
    """Return neurons whose potential is the input of the tick."""
    zero, one = np.zeros(constant.size), np.ones(constant.size)
    return NodeRule(one, constant, zero, np.full(constant.size, np.inf), zero, zero)


@dataclass(frozen=True, eq=False)
class _Steps:
    """The step of the potential and the current of a node."""

    graph: Graph
    name: str
    fields: dict[str, Floats]
    tick_s: float
    equations: Integration

    def membrane(self, field: str, *, is_readout: bool) -> tuple[Floats, Floats]:
        """Return the share of the potential that a step keeps, and what it adds for each unit of current."""
        step, kept = self._shares(field)
        gain = self.equations.readout if is_readout else self.equations.membrane
        return kept, gain(step, kept, self.fields["r"])

    def synapse(self, field: str) -> tuple[Floats, Floats]:
        """Return the share of the current that a step keeps, and what a spike adds to it."""
        step, kept = self._shares(field)
        return kept, self.equations.synapse(step, kept, self.fields["w_in"])

    def _shares(self, field: str) -> tuple[Floats, Floats]:
        """Return dt / tau, and the share that a step keeps."""
        step = self._step(field)
        return step, _exponentials(-step) if self.equations.is_exponential else 1.0 - step

    def _step(self, field: str) -> Floats:
        """Return dt / tau: above 0, and at most 1 except for rounding, if a step keeps ``1 - dt/tau``."""
        taus = self.fields[field]
        if taus.min() <= 0.0 or (not self.equations.is_exponential and taus.min() < self.tick_s * (1.0 - 1e-6)):
            raise FormatError(
                f"node {self.name!r} of {self.graph.name} has {field} = {taus.min() * 1000:g} ms, less than a tick of"
                f" {self.tick_s * 1000:g} ms; take a shorter tick (dt_ms=, or exporter=, the tool that wrote it)"
            )
        step: Floats = self.tick_s / taus
        return step if self.equations.is_exponential else np.minimum(step, 1.0)


def _exponentials(values: Floats) -> Floats:
    distinct, index = np.unique(values, return_inverse=True)
    return np.array([exponential(float(value)) for value in distinct])[index]


def _threshold(graph: Graph, name: str, node: Node, fields: dict[str, Floats]) -> Floats:
    """Return thresholds above the reset; infinite ones for neurons that do not spike."""
    if node.kind in READOUTS:
        return np.full(next(iter(fields.values())).size, np.inf)
    threshold = fields["threshold"] if node.kind == "Threshold" else fields["v_threshold"] - fields["v_reset"]
    if threshold.min() <= 0.0:
        raise FormatError(f"node {name!r} of {graph.name} has a threshold that is not above its reset; it never rests")
    return threshold


def _spread(graph: Graph, name: str, field: str, shape: Shape) -> Floats:
    """Return a field of each neuron."""
    values = graph.nodes[name].values[field]
    if values.size == np.prod(shape):
        return values.ravel()
    try:
        return np.broadcast_to(values, shape).ravel()
    except ValueError as error:
        raise FormatError(
            f"{field} of node {name!r} of {graph.name} has shape {values.shape}, and its neurons have shape {shape}"
        ) from error
