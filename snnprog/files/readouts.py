"""Files of readouts: the potentials, at each tick, of outputs that are read by their potential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from snnprog.arrays import Bools, Integers
from snnprog.errors import FormatError
from snnprog.files.arrays import write_npz
from snnprog.files.event_rows import NAME
from snnprog.names import Names
from snnprog.output_files import write_bytes

HEADER = "pattern,tick,output,potential"
CHUNK = 1 << 14
"""Number of lines formatted at a time."""


def readout_texts(readouts: Sequence[Integers], is_read: Bools, names: Names | None = None) -> Iterator[str]:
    """Yield the text of a CSV file of readouts, piece by piece: the columns pattern, tick, output, potential, and name.

    Parameters
    ----------
    readouts : sequence of (ticks, outputs) int
        One per pattern; see `snnprog.Trace`.
    is_read : (outputs,) bool
        Which outputs are read by their potential; others have no lines.
    names : tuple of str, optional
        The names of the outputs, for the column ``name``; None omits the column.
    """
    yield f"{HEADER}\n" if names is None else f"{HEADER},{NAME}\n"
    outputs = np.flatnonzero(is_read)
    for pattern, readout in enumerate(readouts):
        tick, output = np.meshgrid(np.arange(len(readout)), outputs, indexing="ij")
        columns = np.full(tick.shape, pattern), tick, output, readout[:, outputs]
        rows = np.stack([column.ravel() for column in columns], axis=1)
        for chunk in np.split(rows, range(CHUNK, len(rows), CHUNK)):
            if names is None:
                yield "%d,%d,%d,%d\n" * len(chunk) % tuple(chunk.ravel().tolist())
            else:
                yield "".join(f"{at},{when},{each},{value},{names[each]}\n" for at, when, each, value in chunk.tolist())


def check_potentials(path: Path, is_read: Bools) -> None:
    """Raise `FormatError` if a file of potentials would be empty."""
    if not is_read.any():
        raise FormatError(
            f"{path} would hold potentials of outputs, but every output of the program is read by its"
            " spikes; sp.run(program, inputs, record='state') returns all potentials, and 'snnprog report' shows them"
        )


def write_readouts(path: Path, readouts: Sequence[Integers], is_read: Bools, names: Names | None = None) -> None:
    """Write readouts to a ``.csv`` or an ``.npz``, whose array is called ``readout``; see `readout_texts`.

    Raises
    ------
    FormatError
        If no output is read by its potential, the suffix is another, or the file cannot be written.
    """
    check_potentials(path, is_read)
    if path.suffix == ".csv":
        write_bytes(path, "".join(readout_texts(readouts, is_read, names)).encode())
    elif path.suffix == ".npz":
        write_npz(path, readouts, key="readout")
    else:
        raise FormatError(f"{path} ends in {path.suffix!r}; readouts are written to .csv and .npz")
