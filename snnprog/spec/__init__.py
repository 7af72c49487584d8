"""What is asked for: patterns, and what may be built to realise them.

A `Spec` is checked when it is made, against itself and against the ranges of its chip, so that every later step can
take it at its word. Values that the chip counts in integers (decays, bias, threshold) are those integers.

Decisions
---------
- A don't-care bin is one that does not count. The design still needs to know whether the neuron resets there; it first
  tries to do what the target says in that bin, so write your best guess of the neuron's behaviour into the target.
- Every pattern starts from rest: no current, no potential, no spike on its way.
- Signs are those of the presynaptic neuron (Dale's law): all synapses that leave it obey.
- With windows, the n-th spike of an output in a pattern belongs to its n-th target spike, and must lie in that one's
  window, in a bin that counts; windows may overlap, two spikes never share a tick, and every other bin is silent. What
  feeds back, if outputs feed outputs, are the ticks that were chosen.
"""

from __future__ import annotations

from snnprog.spec.dynamics import Dynamics
from snnprog.spec.mantissas import Mantissas
from snnprog.spec.options import AUTO, FREE
from snnprog.spec.pattern import Pattern
from snnprog.spec.spec import Spec, presynaptic_raster, with_targets

__all__ = ["AUTO", "FREE", "Dynamics", "Mantissas", "Pattern", "Spec", "presynaptic_raster", "with_targets"]
