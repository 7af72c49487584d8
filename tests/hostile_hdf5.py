"""Hostile HDF5 files: good ones with members exchanged, retyped, reshaped, linked or left out.

`hostile_hdf5` is a function of its seed alone, and changes files through the HDF5 library, so that they stay whole.
Files that are damaged in their bytes are `Mutator.splice`'s; the library is not safe with those.
"""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import Any

import h5py
import nir
import numpy as np
from cases import random_raster
from net_files import cuba, write_net

import snnprog as sp

KINDS = ("sonata", "nwb", "nir", "net", "cochlea", "camera")
FILE_NAMES = {
    "sonata": "s.h5",
    "nwb": "r.nwb",
    "nir": "n.nir",
    "net": "n.net",
    "cochlea": "c.h5",
    "camera": "e.h5",
}
NUMBERS = (-(2**63), -1, 0, 1, 2, 3, 7, 255, 2**31, 2**53, 2**63 - 1)
FLOATS = (np.nan, np.inf, -np.inf, -1e-300, 0.0, 1e-3, 0.5, 1.0, 1e300)
TYPES = ("i1", "u1", ">i2", "i4", "u8", "f2", ">f4", "f8", "longdouble", "c16", "?", "S3", "V8")
SHAPES = ((), (0,), (1,), (4,), (5,), (6, 6), (2, 3), (0, 3), (1, 1, 1), (1 << 14,))
WORDS = (
    "",
    "ms",
    "s",
    "by_time",
    "NIRGraph",
    "LIF",
    "Linear",
    "Conv2d",
    "SumPool2d",
    "Delay",
    "Output",
    "same",
    "input",
    "\x1b[2J",
    "é" * 300,
    "n",
)


def good_hdf5(folder: Path) -> dict[str, bytes]:
    """Return a good file of each kind, made in a folder."""
    sp.write_rasters(folder / "s.h5", [random_raster(1, 9, 2, 0.4)], key="cells", dt_ms=1.0)
    with h5py.File(folder / "r.nwb", "w") as file:  # what of an NWB file is read
        units = file.create_group("units")
        units["id"], units["spike_times_index"] = np.arange(3), np.array([2, 2, 5], dtype="u1")
        units["spike_times"] = np.array([0.001, 0.004, 0.0, 0.002, 0.008])
        units["obs_intervals_index"] = np.array([1, 3, 3], dtype="u1")
        units["obs_intervals"] = np.array([[0.0, 0.009], [0.0, 0.003], [0.005, 0.02]])
    with h5py.File(folder / "c.h5", "w") as file:  # as SHD has it
        for name, kind, rows in (
            ("times", "f2", [[0.001, 0.002], [], [0.004, 0.0085]]),
            ("units", "u2", [[1, 0], [], [0, 1]]),
        ):
            lists = file.create_dataset(f"spikes/{name}", (3,), dtype=h5py.vlen_dtype(np.dtype(kind)))
            for row, values in enumerate(rows):
                lists[row] = np.array(values, dtype=kind)
    with h5py.File(folder / "e.h5", "w") as file:  # as Tonic caches it
        table = np.zeros(5, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
        table["x"], table["t"] = [0, 1, 1, 0, 1], [0, 1000, 2500, 3000, 8999]
        file["data/0"], file["target/0"] = table, 3
    nodes: dict[str, Any] = {
        "input": nir.Input(np.array([2])),
        "w": nir.Affine(np.array([[3.0, -1.0], [2.0, 2.0]]), np.zeros(2)),
        "d": nir.Delay(np.array([0.001, 0.002])),
        "n": nir.CubaLIF(*np.full((5, 2), 0.01), w_in=np.ones(2), v_reset=np.zeros(2)),
        "output": nir.Output(np.array([2])),
        "image": nir.Input(np.array([1, 4, 4])),
        "c": nir.Conv2d((4, 4), np.ones((2, 1, 3, 3)), (1, 1), (1, 1), (1, 1), 1, np.zeros(2)),
        "p": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "f": nir.Flatten({"input": np.array([2, 2, 2])}, start_dim=0, end_dim=-1),
        "l": nir.LIF(*np.full((4, 8), 0.01)),
        "li": nir.LI(*np.full((3, 8), 0.01)),
        "seen": nir.Output(np.array([8])),
    }
    edges = [("input", "w"), ("w", "d"), ("d", "n"), ("n", "d"), ("n", "output"), ("image", "c"), ("c", "p")]
    edges += [("p", "f"), ("f", "l"), ("l", "li"), ("li", "seen")]
    nir.write(folder / "n.nir", nir.NIRGraph(nodes, edges))
    write_net(folder / "n.net", good_layers())
    return {kind: (folder / name).read_bytes() for kind, name in FILE_NAMES.items()}


def good_layers() -> list[dict[str, Any]]:
    """Return a lava-dl network with a layer of each type that is read."""
    ones, shape = np.ones((2, 2, 2, 2)), np.array([2, 4, 6])
    kernel = {"kernelSize": np.array([2, 2]), "padding": np.array([0, 0]), "dilation": np.array([1, 1])}
    return [
        {"type": "input", "shape": shape, "weight": 64.0, "bias": 2.0, **cuba()},
        {"type": "conv", "shape": np.array([2, 3, 5]), "weight": 8 * ones, "stride": np.array([1, 1]), **kernel}
        | {"groups": 1, "bias": np.array([2.0, -4.0]), "delay": np.array([0.0, 3.0]), **cuba()},
        {"type": "pool", "shape": np.array([2, 2, 3]), "weight": 20 * ones[:1, :1], "stride": np.array([2, 2])}
        | {**kernel, **cuba([1024, 512], [128, 64])},
        {"type": "flatten", "shape": np.array([12, 1, 1])},
        {"type": "dense_rec", "shape": np.array([3]), "weight": np.full((3, 12), 6.0), "weight_rec": -4 * np.eye(3)}
        | {"delay": np.array([1.0, 0.0, 2.0]), **cuba()},
        {"type": "dense", "shape": np.array([1]), "weight": np.array([4.0, 2.0, -2.0]), **cuba(threshold=131071)},
    ]


def hostile_hdf5(good: bytes, seed: int) -> bytes:
    """Return a changed copy of a good file."""
    random, buffer = Random(seed), io.BytesIO(good)
    with h5py.File(buffer, "r+") as file:
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            names: list[str] = []
            file.visit(names.append)
            if names:
                change(random, file, random.choice(sorted(names)))
    return buffer.getvalue()


def change(random: Random, file: h5py.File, name: str) -> None:
    """Change one member."""
    choice = random.randrange(8)
    found = file[name]
    if choice == 0:
        del file[name]
    elif choice == 1:
        value = random.choice([random.choice(WORDS[:-3]), random.choice(NUMBERS), [1, 2]])
        found.attrs[random.choice(["units", "sorting", "x"])] = value
    elif choice == 2:
        del file[name]
        links = (h5py.SoftLink("/"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("/dev/zero", "/x"))
        file[name] = random.choice([*links, file["/"]])
    elif choice == 3 or not isinstance(found, h5py.Dataset):
        place = f"{name.rpartition('/')[0]}/{random.choice(['again', 'n', 'units', 'timestamps'])}"
        if place not in file:
            file[place] = found
    elif choice < 6 and found.dtype.kind in "iuf" and found.size:
        values = found[()].reshape(-1).astype(object)
        values[random.randrange(values.size)] = random.choice(FLOATS if found.dtype.kind == "f" else NUMBERS)
        replace(file, name, wrapped(values, found.dtype).reshape(found.shape))
    elif choice < 6 and isinstance(h5py.check_vlen_dtype(found.dtype), np.dtype) and found.size:
        kind = h5py.check_vlen_dtype(found.dtype)
        values = [random.choice(FLOATS if kind.kind == "f" else NUMBERS) for _ in range(random.randrange(4))]
        found[random.randrange(found.size)] = wrapped(np.array(values, dtype=object), kind)
    elif choice < 6 and found.dtype.names and found.size:
        table = found[()]
        field = random.choice(found.dtype.names)
        table[field][random.randrange(table.size)] = random.choice((-(1 << 15), -1, 0, 1, 2, 7, (1 << 15) - 1))
        replace(file, name, table)
    else:
        replace(file, name, stranger_array(random))


def wrapped(values: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.array([min(max(int(value), limits.min), limits.max) for value in values], dtype=dtype)


def stranger_array(random: Random) -> Any:
    """Return an array of some type and shape, or a text, or a list of texts."""
    if random.random() < 0.3:
        return random.choice(WORDS)
    if random.random() < 0.2:
        return np.array([[b"n", b"w"]] * random.choice([1, 4, 900]))
    return np.ones(random.choice(SHAPES), dtype=random.choice(TYPES))


def replace(file: h5py.File, name: str, values: Any) -> None:
    del file[name]
    file[name] = values
