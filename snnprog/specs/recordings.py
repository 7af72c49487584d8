"""Back-engineering: the spec of a network that reproduces a recording."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.raster import as_raster, turned
from snnprog.spec import Dynamics, Pattern, Spec
from snnprog.spec.options import as_delays
from snnprog.wording import counted

USUAL_LONGEST = 16
"""Default delays: each is one more unknown per line and neuron, and few recordings need more."""


@call_checked
def from_raster(
    raster: ArrayLike,
    *,
    inputs: ArrayLike | None = None,
    delays: Iterable[int] | None = None,
    given: int | None = None,
    dynamics: Dynamics | None = None,
    chip: str | Chip = "loihi1",
) -> Spec:
    """Return the spec of a recurrent network that reproduces a recorded raster: back-engineering.

    The neurons feed each other, and nothing is known of their spikes before the recording. There are two cases:

    - The recording starts from rest: choose ``given=0``. The inputs of the network are the lines of ``inputs``, and
      its ticks are those of the recording.
    - It starts in the middle of activity (the default). Then its first ``given`` ticks are sent to the network as
      input: each neuron has one more input line, which spikes one tick before the neuron must. After these ticks the
      neurons only receive each other's spikes, and ``inputs``. So that there is a tick before the first, the spec is
      one tick longer: tick t of the recording is tick t + 1 of the spec.

    A synapse with delay 1 carries a spike to the next tick. The chip's own rule decides what neurons do (on Loihi, a
    potential is reset to zero after a spike), with the decays of ``dynamics``. The method is that of
    Rostro-Gonzalez, Cessac, Vasquez and Viéville (2009), arXiv:0905.4810; nothing is guaranteed beyond the recording.

    Parameters
    ----------
    raster : (ticks, neurons) bool
        The spikes of all neurons.
    inputs : (ticks, lines) bool, optional
        Spikes that were sent to the neurons in the recording, if any; these lines follow those of the given ticks.
    delays : iterable of int, optional
        The delays that synapses may have; by default 1 to 16, as far as the chip supports them.
    given : int, optional
        Number of given ticks; the longest delay by default, and 0 for a recording that starts from rest.
    dynamics : Dynamics, optional
        The decays of every neuron; the chip's usual ones, unless given.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If a raster is malformed, or ``given`` exceeds its ticks.
    """
    recorded = as_raster(raster, "raster")
    offered = _usual_delays(find_chip(chip)) if delays is None else as_delays(delays)
    ticks = len(recorded)
    given = min(ticks, max(offered)) if given is None else as_integer("given", given)
    if not 0 <= given <= ticks:
        raise SpecError(f"given must be from 0 to {ticks}, the ticks of the recording, got {given}")
    sent = np.zeros((ticks, 0), dtype=np.bool_) if inputs is None else as_raster(inputs, "inputs")
    if len(sent) != ticks:
        hint = turned("inputs", sent.shape, ticks=ticks) or turned("raster", recorded.shape, ticks=len(sent))
        raise SpecError(f"inputs must have {counted(ticks, 'tick')}, as the raster has, got {len(sent)}{hint}")
    pattern = _given(recorded, sent, given) if given else Pattern(sent, recorded)
    return Spec([pattern], offered, recurrent=True, dynamics=dynamics, chip=chip)


def _given(recorded: Raster, sent: Raster, given: int) -> Pattern:
    """Return a recording, a tick later, with a further input line for each neuron, which carries its first ticks."""
    ticks, neurons = recorded.shape
    first = np.zeros((1, neurons + sent.shape[1]), dtype=np.bool_)
    beginning = np.zeros((ticks + 1, neurons), dtype=np.bool_)
    beginning[:given] = recorded[:given]
    later = np.concatenate([first[:, neurons:], sent])
    return Pattern(np.concatenate([beginning, later], axis=1), np.concatenate([first[:, :neurons], recorded]))


def _usual_delays(chip: Chip) -> tuple[int, ...]:
    shortest, longest = chip.delays
    return tuple(range(shortest, min(longest, USUAL_LONGEST) + 1))
