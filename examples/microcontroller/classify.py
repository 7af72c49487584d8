"""Fisher's Iris on a micro:bit: design a network, export it as C, and let the sketch around it name flowers.

It writes ``flowers.c``, ``flowers.h`` and ``ranges.h`` to a folder, compiles them with ``sketch.c``, and runs that on
QEMU's micro:bit: all 150 flowers go in by its serial port, and the species that come out are compared with those of the
simulator.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

import snnprog as sp
from snnprog.coding import Levels, Questions
from snnprog.figures import microcontroller_figures

HERE = Path(__file__).resolve().parent
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
FLAGS = ("-mcpu=cortex-m0", "-mthumb", "-std=c99", "-Os", "-ffreestanding", "-fno-tree-loop-distribute-patterns")
MACHINE = ("-M", "microbit", "-display", "none", "-monitor", "none", "-serial", "stdio")


def millimetres(centimetres: ArrayLike) -> list[int]:
    """Return lengths, which Fisher gave to the millimetre, as integers."""
    return np.rint(10.0 * np.asarray(centimetres)).astype(int).ravel().tolist()


def compiled(folder: Path) -> Path:
    """Compile the sketch with what was exported to a folder."""
    sources = [HERE / "sketch.c", HERE / "start.c", folder / "flowers.c"]
    image = folder / "flowers.elf"
    linked = ("-nostdlib", f"-T{HERE / 'microbit.ld'}", "-lgcc", "-o", str(image))
    subprocess.run([COMPILER, *FLAGS, f"-I{folder}", *map(str, sources), *linked], check=True)
    return image


def answers(image: Path, lengths: list[int]) -> list[str]:
    """Return the species that the micro:bit names for the lengths of flowers, four each."""
    with subprocess.Popen(
        [EMULATOR, *MACHINE, "-kernel", image], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as board:
        assert board.stdin is not None
        assert board.stdout is not None
        board.stdin.write(bytes(lengths))
        board.stdin.flush()
        lines = [board.stdout.readline().decode().strip() for _ in range(len(lengths) // 4)]
        board.kill()
    return lines


def main(folder: Path) -> None:
    """Design, verify, export, compile and run."""
    missing = [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found; apt install gcc-arm-none-eabi qemu-system-arm")
    iris, questions = load_iris(), Questions.one_vs_one(3)
    train, test, kinds, test_kinds = train_test_split(
        iris.data, iris.target, train_size=0.7, stratify=iris.target, random_state=0
    )
    encoder = Levels(levels=16).fit(train)
    spec = sp.specs.classifier(train, kinds, encoder, questions=questions, clarity=0.2)
    program = sp.compile(spec).program
    os.environ["SNNPROG_C_TARGET"] = "cortex-m0"
    print("exact on kernel and Cortex-M0:", sp.verify(program, spec, ["kernel", "c"], record="state").exact)
    figures = microcontroller_figures(program, "cortex-m0")
    assert figures.active is not None
    print(
        f"{figures.flash_bytes} bytes of flash, {figures.ram_bytes} of RAM, {figures.active.mean} instructions a tick"
    )

    sp.export(program, folder / "flowers.c")
    low, high = (", ".join(map(str, millimetres(ends))) for ends in (encoder.low, encoder.high))
    text = f"#define LOW {{{low}}} /* millimetres */\n#define HIGH {{{high}}}\n"
    (folder / "ranges.h").write_text(text, encoding="ascii")
    named = answers(compiled(folder), millimetres(np.concatenate([train, test])))
    inputs = [sp.coding.with_rest(raster) for raster in encoder.transform(np.concatenate([train, test]))]
    found = questions.decide([trace.spikes for trace in sp.run(program, inputs)])
    same = sum(name == iris.target_names[kind] for name, kind in zip(named, found, strict=True))
    right = sum(name == iris.target_names[kind] for name, kind in zip(named[len(train) :], test_kinds, strict=True))
    print(f"the micro:bit names {same} of {len(named)} flowers as the simulator does")
    print(f"{right / len(test):.1%} of {len(test)} unseen flowers are right")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name))
