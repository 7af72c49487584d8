"""Conventions that NIR does not define: resets, comparison with the threshold, and the length of a step.

NIR describes neurons in continuous time and has no field for the reset. The tool that trained a
network defines a step, and tools differ. `EXPORTERS` has the default convention of each:

======== ======== =========== ======= ============ =====================================================================
exporter reset    reset_delay compare dt_ms        source, and what a step of its neurons is
======== ======== =========== ======= ============ =====================================================================
snntorch subtract 1           ``>``   0.1          ``export_nir.py`` (dt = 1e-4), ``Leaky`` (0.9.4): NIR's Euler steps.
                                                   A ``Leaky`` that is reset to zero is reset at once
norse    zero     0           ``>``   1; .001 (a)  ``export_nir.py``, ``lif_box.py``: NIR's Euler steps; ``lif.py``: a
                                                   spike adds ``w_in`` to the current; ``iaf.py``: ``v + r x``
sinabs   subtract 0           ``>=``  1000 (b)     ``nir.py``, ``lif.py``: ``v = α v + (1 - α) r x``, α = exp(-dt/tau);
                                                   ``IAF``: ``v + r x``; ``ExpLeak``: ``α v + r x``
rockpool subtract 0           ``>=``  from r (c)   ``nir.py``, ``LIFTorch``: ``u = α (u + x)``, ``v = β v + u``, both
                                                   exponential; ``LIFNeuronTorch``: ``v = β v + x``
spyx     subtract 1           ``>``   from r (d)   ``nir.py``, ``LIF``: ``v = β v + x``, β = 1 - dt/tau. ``CuBaLIF`` is
                                                   reset at once
lava-dl  zero     0           ``>=``  1            SLAYER's ``leaky_integrator``; steps of a millisecond (``Ts``)
======== ======== =========== ======= ============ =====================================================================

(a) Norse 1.1 and older multiplied time constants by its dt of .001 s, so that a step is .001 ms of the file's time;
this is assumed if no time constant reaches 1 ms. (b) Time constants count steps. (c) r is ``tau exp(-dt/tau) / dt``.
(d) r is ``1 - dt/tau``, which is not a resistance; a step is 1000 ms if no node defines it.

With ``reset_delay`` 1 the reset takes place a step after the spike: the potential decays after the spike,
and then the threshold is subtracted, or the result of the step is 0. Where snnTorch's ``Leaky`` subtracts at once
(``reset_delay=False``), a neuron that stays above its threshold must reach twice the threshold in the next step
(`Convention.holds_back`); this applies to ``exporter="snntorch", reset_delay=0``.

Properties of their simulations that their files lack and that cannot be imported: sinabs writes
neither ``norm_input`` (taken as its default, for ``LIF`` true, for ``ExpLeak`` false), ``min_v_mem``, ``tau_syn``,
``spike_fn`` nor ``reset_fn``; Rockpool neither the bias, the noise nor the recurrent weights of its neurons; snnTorch
neither ``reset_mechanism``, ``reset_delay``, ``inhibition`` nor ``graded_spikes_factor``; Norse starts potentials at
``v_leak``, here they start at ``v_reset``; Spyx pads pools on all sides instead of one. Neurons of sinabs and
Rockpool spike several times in a step. Each layer of Spyx responds a step later, as on a chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from snnprog.errors import SpecError
from snnprog.wording import did_you_mean

ZERO, SUBTRACT = "zero", "subtract"
ABOVE, AT_LEAST = ">", ">="
NIR, NORSE, SINABS, ROCKPOOL, SPYX = "nir", "norse", "sinabs", "rockpool", "spyx"


@dataclass(frozen=True)
class Convention:
    """The step of a trained network's neurons.

    Attributes
    ----------
    reset : str or None
        "zero" or "subtract": the effect of a spike on the potential; None if unknown.
    reset_delay : int
        0 or 1: the steps between a spike and its reset.
    compare : str
        ">" or ">=": a neuron spikes if its potential is above the threshold, or also if it is equal.
    equations : str
        The equations of potentials and currents: "nir", forward Euler as in NIR's documentation, or those of
        the tools "norse", "sinabs", "rockpool" and "spyx"; see `snnprog.networks.dynamics`.
    many : bool
        Whether a neuron whose potential is several thresholds spikes as many times in a step.
    at_once : tuple of (str, str)
        Resets and NIR types of neurons that are reset immediately for any ``reset_delay``, except those with
        connections to their own population.
    holds_back : bool
        Whether a neuron that a reset leaves above its threshold spikes above twice the threshold in the next step.
    """

    reset: str | None = None
    reset_delay: int = 0
    compare: str = ABOVE
    equations: str = NIR
    many: bool = False
    at_once: tuple[tuple[str, str], ...] = ()
    holds_back: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("reset", (None, ZERO, SUBTRACT)),
            ("reset_delay", (0, 1)),
            ("compare", (ABOVE, AT_LEAST)),
            ("equations", (NIR, NORSE, SINABS, ROCKPOOL, SPYX)),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or value not in allowed:
                listed = " or ".join(repr(each) for each in allowed if each is not None)
                raise SpecError(f"{name} must be {listed}, got {value!r}")

    def reset_delay_of(self, kind: str, *, is_recurrent: bool) -> int:
        """Return the steps between a spike and its reset, for the neurons of a node; a Threshold has no state.

        Parameters
        ----------
        kind : str
            The node's NIR type.
        is_recurrent : bool
            Whether its neurons lead to neurons of the same node.
        """
        if kind == "Threshold":
            return 0
        is_at_once = (str(self.reset), kind) in self.at_once and not (is_recurrent and self.reset == ZERO)
        return 0 if is_at_once else self.reset_delay


@dataclass(frozen=True)
class Exporter:
    """A tool that exports networks, and its convention.

    Attributes
    ----------
    convention : Convention
    dt_ms : float or None
        The usual length of a step in milliseconds; None for an unknown tool.
    is_dt_fixed : bool
        Whether it always writes time constants for steps of that length.
    """

    convention: Convention
    dt_ms: float | None
    is_dt_fixed: bool = False


EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {
        "snntorch": Exporter(Convention(SUBTRACT, reset_delay=1, at_once=((ZERO, "LIF"),)), 0.1, is_dt_fixed=True),
        NORSE: Exporter(Convention(ZERO, equations=NORSE), 1.0),
        SINABS: Exporter(Convention(SUBTRACT, compare=AT_LEAST, equations=SINABS, many=True), 1000.0, is_dt_fixed=True),
        ROCKPOOL: Exporter(Convention(SUBTRACT, compare=AT_LEAST, equations=ROCKPOOL, many=True), 1.0),
        SPYX: Exporter(Convention(SUBTRACT, reset_delay=1, equations=SPYX, at_once=((SUBTRACT, "CubaLIF"),)), 1000.0),
        "lava-dl": Exporter(Convention(ZERO, compare=AT_LEAST), 1.0),
    }
)


def exporter_of(name: str | None) -> Exporter:
    """Return an exporter by name; for None, an unknown one.

    Raises
    ------
    SpecError
        If the exporter is unknown.
    """
    if name is None:
        return Exporter(Convention(), None)
    if name not in EXPORTERS:
        raise SpecError(f"exporter must be one of {', '.join(EXPORTERS)}, got {name!r}{did_you_mean(name, EXPORTERS)}")
    return EXPORTERS[name]


def convention_of(
    exporter: str | None, *, reset: str | None, reset_delay: int | None, compare: str | None
) -> Convention:
    """Return an exporter's convention with given replacements.

    Raises
    ------
    SpecError
        If a value is invalid.
    """
    usual = exporter_of(exporter).convention
    found = replace(
        usual,
        many=usual.many and reset in (None, usual.reset),  # after a reset to 0 no second spike is possible
        reset=usual.reset if reset is None else reset,
        reset_delay=usual.reset_delay if reset_delay is None else reset_delay,
        at_once=usual.at_once if reset_delay is None else (),
        compare=usual.compare if compare is None else compare,
    )
    return replace(found, holds_back=exporter == "snntorch" and found.reset == SUBTRACT and not found.reset_delay)
