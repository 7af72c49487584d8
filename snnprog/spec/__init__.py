"""Specifications: patterns of input and target spikes, and the options of the network to build.

A `Spec` is checked when it is created, for consistency and against the ranges of its chip, so that later steps can
rely on it. Values that the chip stores as integers (decays, bias, threshold) are those integers.

Decisions
---------
- A don't-care bin is one that does not count. The design still needs to know whether the neuron resets there; it first
  tries to follow the target in that bin, so write your best guess of the neuron's behaviour into the target.
- Every pattern starts from rest: no current, no potential, no spike in transit.
- A sign belongs to a presynaptic neuron (Dale's law) and applies to all synapses that leave it.
- With windows, the n-th spike of an output in a pattern belongs to its n-th target spike, and must lie in the window of
  that spike, in a bin that counts; windows may overlap, two spikes never share a tick, and every other bin is silent.
  If outputs feed outputs, the chosen ticks are fed back.
"""

from __future__ import annotations

from snnprog.spec.dynamics import Dynamics
from snnprog.spec.mantissas import Mantissas
from snnprog.spec.options import AUTO, FREE
from snnprog.spec.pattern import Pattern
from snnprog.spec.robust import Robust
from snnprog.spec.spec import Spec, presynaptic_raster, with_targets

__all__ = ["AUTO", "FREE", "Dynamics", "Mantissas", "Pattern", "Robust", "Spec", "presynaptic_raster", "with_targets"]
