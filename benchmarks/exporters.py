"""Files that exporters wrote: bins that differ from a plain run of their equations, and what the command costs.

The folder holds the files that the suite knows (``tests/exported_files.py``) and lava-dl's PilotNet. A further file is
given with its tool, ``--file TOOL:PATH``; the tool ``nir`` stands for NIR's own equations with a reset to zero and
steps of a second. Spike counts of every neuron, on random inputs, are compared with those of ``tests/plain_nir.py``,
which shares no code with the package. PilotNet is compared in the suite (``tests/test_lava_dl.py``).

Processor time and peak memory are those of ``snnprog quantize --no-fit`` as a command of its own, its start included.
Networks that reset by subtraction go to the chip ``fpga-subtract``, the others to ``loihi1``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from scale import measured

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from exported_files import EXPORTED, graph_in
from plain_nir import PlainGraph

import snnprog as sp
from snnprog.networks import run_network
from snnprog.report.terminal import print_table
from snnprog.table import Table

OWN: dict[str, Any] = {"reset": "zero", "dt_ms": 1000.0}
"""Of a file that is read by NIR's own equations."""
CONVENTIONS = {tool: convention for tool, convention, _ in EXPORTED.values()}
PILOTNET = "lavadl_pilotnet_lif.net"
COLUMNS = ("file", "read", "neurons", "synapses", "bins", "differ", "run (s)", "plain (s)", "command (s)", "MiB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the exporters' files")
    parser.add_argument("--file", action="append", default=[], metavar="TOOL:PATH", help="a further file")
    parser.add_argument("--ticks", type=int, default=500)
    parser.add_argument("--rate", type=float, default=0.1, help="input spikes per line and tick")
    given = parser.parse_args(arguments)
    files = [(EXPORTED[name][0], given.folder / name) for name in EXPORTED]
    files += [(tool, Path(path)) for tool, path in (each.split(":", 1) for each in given.file)]
    rows = []
    for tool, path in files:
        rows.append(row(path, tool, ticks=given.ticks, rate=given.rate))
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    if (path := given.folder / PILOTNET).is_file():
        rows.append((path.name, "lava-dl", "", "", "", "", "", "", *command(path, "--from", "lava-dl")))
    print_table(Console(width=200), Table.plain("Files of exporters", columns=COLUMNS, rows=rows))
    return 0


def row(path: Path, tool: str, *, ticks: int, rate: float) -> tuple[str, ...]:
    """Return one row of the table."""
    network = sp.from_nir(path, **({"exporter": tool} if tool != "nir" else OWN))
    (source,) = network.inputs
    convention = CONVENTIONS.get(tool, {})
    # snnTorch's exporter writes taus with which NIR's equations are its own.
    plain = PlainGraph(
        graph_in(path),
        network.dt_ms / 1000.0,
        tool="nir" if tool == "snntorch" else tool,
        shapes={source: network.inputs[source]},
        **convention,
    )
    inputs = np.random.default_rng(0).random((ticks, network.n_inputs)) < rate
    run_network(network, [inputs[:2]])  # compiles
    start = time.process_time()
    (trace,) = run_network(network, [inputs])
    middle = time.process_time()
    plain.run({source: inputs})
    end = time.process_time()
    bins = differ = 0
    for population in network.populations:
        if population.is_readout:
            continue
        sent = np.array([each.ravel() for each in plain.sent[population.name]])[: ticks - population.start]
        bins += sent.size
        differ += int((trace.counts[population.start :, network.neurons_of(population.name)] != sent).sum())
    words = ("--from", tool) if tool != "nir" else ("--reset", OWN["reset"], "--dt-ms", OWN["dt_ms"])
    chip = "fpga-subtract" if convention.get("reset") == "subtract" else "loihi1"
    return (
        path.name,
        tool,
        *(f"{count:,}" for count in (network.n_neurons, network.n_synapses, bins, differ)),
        *(f"{seconds:.2f}" for seconds in (middle - start, end - middle)),
        *command(path, *words, "--chip", chip),
    )


def command(path: Path, *words: object) -> tuple[str, str]:
    """Return the processor time and the peak memory of the command that rounds a file."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "program.snnp"
        memory, seconds = measured("-m", "snnprog", "quantize", path, *words, "--no-fit", "-o", output)
    return f"{seconds:.1f}", f"{memory:.0f}"


if __name__ == "__main__":
    sys.exit(main())
