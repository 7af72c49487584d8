"""Files that exporters wrote: their conventions, and their graphs without any code of the package."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import nir
import numpy as np

EXPORTED: Mapping[str, tuple[str, dict[str, Any], float]] = {
    "norse_iaf.nir": ("norse", {}, 0.001),
    "norse_lif.nir": ("norse", {}, 1e-6),
    "norse_lif_li.nir": ("norse", {}, 1e-6),
    "norse_lifbox.nir": ("norse", {}, 1e-6),
    "rockpool_lif.nir": ("rockpool", {"reset": "subtract", "compare": ">="}, 0.001),
    "sinabs_conv.nir": ("sinabs", {"reset": "subtract", "compare": ">="}, 1.0),
    "sinabs_iaf_lin.nir": ("sinabs", {"reset": "subtract", "compare": ">="}, 1.0),
    "sinabs_lif_lin.nir": ("sinabs", {"reset": "subtract", "compare": ">="}, 1.0),
    "snntorch_leaky_vector.nir108.nir": ("snntorch", {"reset": "subtract", "reset_delay": 1}, 1e-4),
    "snntorch_rleaky.nir108.nir": ("snntorch", {"reset": "subtract", "reset_delay": 1}, 1e-4),
    "spyx_lif.nir": ("spyx", {"reset": "subtract", "reset_delay": 1}, 0.001),
}
"""Of each file: its tool, the convention of its neurons, and its step in seconds."""


def graph_in(path: Path) -> Any:
    """Return a file's graph: as `nir` reads it, or, where it is half-written, the chain of what there is."""
    try:
        return nir.read(path, type_check=False)
    except (KeyError, AttributeError):
        pass
    nodes: dict[str, Any] = {}
    with h5py.File(path) as file:
        for key, group in file["node/nodes"].items():
            fields = {name: value[()] for name, value in group.items()}
            kind = fields.pop("type", b"LIF" if "tau" in fields else b"CubaLIF" if "tau_mem" in fields else b"IF")
            if kind == b"Input":
                nodes[key] = nir.Input(fields["shape"])
            elif kind == b"Flatten":
                nodes[key] = nir.Flatten({"input": np.array([1])}, **fields)
            else:
                arrays = {name: np.asarray(value) for name, value in fields.items()}
                nodes[key] = getattr(nir, kind.decode())(**arrays)
    names = ["input", *sorted((key for key in nodes if key.isdigit()), key=int), "output"]
    nodes["output"] = nir.Output(np.array([1]))
    return SimpleNamespace(nodes=nodes, edges=list(itertools.pairwise(names)))
