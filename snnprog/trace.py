"""The result of a run: spikes, and states if they were recorded.

Every backend's result becomes a `Trace`, so that results of different backends can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from snnprog.arrays import Integers, Raster
from snnprog.calls import call_checked
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.errors import SpecError
from snnprog.frames import data_frame, data_set
from snnprog.names import Names, labelled
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True)
class Excursion:
    """The first place where a state left the range in which all runtimes of the chip agree.

    Attributes
    ----------
    tick, neuron : int
        Where.
    quantity : str
        "arrivals" (the weighted spikes of one tick, shifted as the chip adds them), "current" or "potential".
    value, limit : int
        The value found, and the magnitude that it had to stay below.
    """

    tick: int
    neuron: int
    quantity: str
    value: int
    limit: int

    def __str__(self) -> str:
        return self.in_words(None)

    def in_words(self, neuron_names: Names | None) -> str:
        """Return where which state left the range, with the name of its neuron if there are names."""
        name = labelled("neuron", self.neuron, neuron_names)
        reached = f"{self.quantity} of {name} reached {self.value:,} at tick {self.tick}"
        return f"{reached}; from {self.limit:,} on, other runtimes and the chip may give other spikes"


def as_states(values: Integers) -> Integers:
    """Return recorded states in 32 bits if all fit, else in 64."""
    limits = np.iinfo(np.int32)
    fits = values.size == 0 or (limits.min <= values.min() and values.max() <= limits.max)
    return values.astype(np.int32 if fits else np.int64, copy=False)


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Trace(Displayed):
    """The run of one pattern, from rest.

    Attributes
    ----------
    spikes : (ticks, outputs) bool
        The spikes of the outputs.
    currents, potentials : (ticks, neurons) int32 or int64, or None
        u and v after each tick (v after the reset), if the state was recorded: in 64 bits if they may exceed
        32. Zeros for currents on a chip whose neurons have no current.
    readout : (ticks, outputs) int32 or int64, or None
        The potential after each tick of the outputs that are read by it (`Program.readout`), 0 for all others; None
        if all outputs are read by their spikes.
    excursions : tuple of Excursion
        Where the reference simulator left the portable range: the first place of each neuron, in order of ticks.
    output_names, neuron_names : tuple of str or None
        The names of the program's outputs and neurons, if it has any.
    """

    spikes: Raster
    currents: Integers | None = None
    potentials: Integers | None = None
    excursions: tuple[Excursion, ...] = ()
    readout: Integers | None = None
    output_names: Names | None = None
    neuron_names: Names | None = None

    @property
    def excursion(self) -> Excursion | None:
        """The first place where the run left the portable range, or None."""
        return self.excursions[0] if self.excursions else None

    def to_pandas(self, table: Literal["events", "states"] = "events") -> pandas.DataFrame:
        """Return the run as a data frame.

        Parameters
        ----------
        table : {"events", "states"}
            A row for each output spike, with ``tick`` and ``output``; or for each tick and neuron, with ``tick``,
            ``neuron``, ``current`` and ``potential``. If the program has names, a last column ``name`` has them.

        Raises
        ------
        SpecError
            If pandas is not installed, or states were not recorded.
        """
        if table == "events":
            tick, output = np.nonzero(self.spikes)
            return data_frame({"tick": tick, "output": output, **_named(output, self.output_names)})
        if table != "states":
            raise SpecError(f"table must be 'events' or 'states', got {table!r}")
        if self.currents is None or self.potentials is None:
            raise SpecError("states were not recorded; run the program with record='state'")
        tick, neuron = (axis.ravel() for axis in np.indices(self.potentials.shape))
        states = {"current": self.currents.ravel(), "potential": self.potentials.ravel()}
        return data_frame({"tick": tick, "neuron": neuron, **states, **_named(neuron, self.neuron_names)})

    def to_xarray(self) -> xarray.Dataset:
        """Return what was recorded as a data set over ``tick``, ``output`` and ``neuron``.

        If the program has names, ``output_name`` and ``neuron_name`` are coordinates, too.

        Raises
        ------
        SpecError
            If xarray is not installed.
        """
        axes = {"spikes": "output", "readout": "output", "currents": "neuron", "potentials": "neuron"}
        found = {name: array for name in axes if (array := getattr(self, name)) is not None}
        sizes = {"tick": len(self.spikes)} | {axes[name]: array.shape[1] for name, array in found.items()}
        variables = {name: (("tick", axes[name]), array) for name, array in found.items()}
        names = {"output": self.output_names, "neuron": self.neuron_names}
        named = {f"{axis}_name": (axis, list(given)) for axis, given in names.items() if given and axis in sizes}
        return data_set(variables, {**{axis: np.arange(size) for axis, size in sizes.items()}, **named})

    def _summary(self) -> str:
        ticks, outputs = self.spikes.shape
        states = "" if self.potentials is None else f", states of {counted(self.potentials.shape[1], 'neuron')}"
        readouts = ", readouts" if self.readout is not None else ""
        left = ", left the portable range" if self.excursion is not None else ""
        spikes = counted(int(np.count_nonzero(self.spikes)), "spike")
        return f"{counted(ticks, 'tick')}, {counted(outputs, 'output')}, {spikes}{states}{readouts}{left}"

    def _card(self) -> Card:
        label = f"output spikes, {counted(len(self.spikes), 'tick')} from left to right"
        svg = pictures.raster([(self.spikes, pictures.RIGHT)], label=label)
        drawn = [Picture(svg, label + pictures.merging(self.spikes.shape))]
        if self.potentials is not None and self.potentials.size:
            shown, count = min(self.potentials.shape[1], pictures.MOST_LINES), self.potentials.shape[1]
            of = counted(count, "neuron") if shown == count else f"neurons 0 to {shown - 1} of {count}"
            caption = f"potentials of {of}, {'each on its own scale' if shown > 1 else 'after each tick'}"
            drawn.append(Picture(pictures.lines(self.potentials, label=caption), caption))
        return Card(
            pictures=drawn, notes=[] if self.excursion is None else [self.excursion.in_words(self.neuron_names)]
        )


def _named(numbers: Integers, names: Names | None) -> dict[str, list[str]]:
    """Return a column of the names of numbered neurons, or none if there are no names."""
    return {} if names is None else {"name": [names[number] for number in numbers.tolist()]}
