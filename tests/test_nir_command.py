"""``snnprog export`` and ``snnprog quantize``, and what ``run`` does with times."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest
from by_hand import by_hand, synapses_of
from cases import random_raster
from command_line import Command
from nir_graphs import deep, lif

import snnprog as sp
from snnprog.cli.quantize import EXPORTER_NAMES
from snnprog.networks.convention import EXPORTERS


def test_export_and_quantize(command: Command, tmp_path: Path) -> None:
    by_hand(outputs=[0, 1, 2, 3], delay=[1] * 7).save(tmp_path / "p.snnp")
    code, out, _ = command("export", tmp_path / "p.snnp", "-o", tmp_path / "p.nir", "--dt-ms", 1)
    assert (code, out) == (0, f"wrote {tmp_path / 'p.nir'}; its spikes come 1 tick before the program's\n")
    sp.write_rasters(tmp_path / "x.h5", [random_raster(2, 50, 2, 0.3)], dt_ms=1.0)
    words = ("quantize", tmp_path / "p.nir", "-o", tmp_path / "q.snnp", "--dt-ms", 1)
    code, out, _ = command(*words, "--inputs", tmp_path / "x.h5", "--ticks", 50)
    assert code == 0
    assert "potential kept" in out
    assert "4 neurons, 7 synapses; outputs come 1 tick later than in the graph" in out
    assert "Spikes on the given inputs: 0 wrong bins of 200" in out
    assert synapses_of(sp.load(tmp_path / "q.snnp")) == synapses_of(sp.load(tmp_path / "p.snnp"))
    code, out, _ = command(*words, "--json")
    answer = json.loads(out)
    assert (code, answer["neurons"], answer["wrong_bins"], len(answer["changes"])) == (0, 4, None, 6)
    assert {change["changed"] for change in answer["changes"]} == {0}
    assert (answer["mismatch"]["inputs"], answer["mismatch"]["wrong_bins"]) == ("random", 0)


def test_an_exporter_sets_what_is_not_given(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "deep.nir", deep())
    words = ("quantize", tmp_path / "deep.nir", "-o", tmp_path / "q.snnp")
    code, out, _ = command(*words, "--from", "norse", "--json")
    assert (code, json.loads(out)["latency_ticks"]) == (0, [2, 2, 2])
    code, _, err = command(*words, "--from", "snntorch")
    assert code == 2
    assert "are reset by subtraction of the threshold, a tick after the spike, and those of loihi1 to 0: on 8" in err
    code, out, _ = command(*words, "--from", "snntorch", "--dt-ms", 1, "--reset", "zero", "--compare", ">=")
    assert code == 0
    assert "Spikes on random inputs" in out


def test_wrong_bins_are_not_exact(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "deep.nir", deep())
    sp.write_rasters(tmp_path / "x.npz", [random_raster(seed, 300, 4, 0.2) for seed in range(4)])
    words = ("quantize", tmp_path / "deep.nir", "-o", tmp_path / "q.snnp", "--dt-ms", 1, "--reset", "zero")
    code, out, _ = command(*words, "--inputs", tmp_path / "x.npz", "--bits", 3, "--json")
    answer = json.loads(out)
    assert (code, answer["wrong_bins"] > 0) == (1, True)
    assert answer["wrong_bins"] == sum(each["wrong_bins"] for each in answer["mismatch"]["populations"])


def test_the_command_knows_all_exporters() -> None:
    assert tuple(EXPORTERS) == EXPORTER_NAMES


def test_run_reads_and_writes_times(command: Command, tmp_path: Path) -> None:
    by_hand().save(tmp_path / "p.snnp")
    inputs = random_raster(2, 50, 2, 0.3)
    sp.write_rasters(tmp_path / "x.h5", [inputs], key="a", dt_ms=0.5)
    sp.write_rasters(tmp_path / "x.npz", [inputs])
    np.savez(tmp_path / "turned.npz", spikes=inputs.T)
    shown = command("run", tmp_path / "p.snnp", tmp_path / "x.npz")
    assert command("run", tmp_path / "p.snnp", f"{tmp_path}/x.h5:a", "--dt-ms", 0.5, "--ticks", 50) == shown
    assert command("run", tmp_path / "p.snnp", tmp_path / "turned.npz", "--layout", "neurons,ticks") == shown
    words = ("run", tmp_path / "p.snnp", tmp_path / "x.h5", "--dt-ms", 0.5, "--ticks", 10)
    _, out, _ = command(*words, "--ids", "1,0", "--starts-ms", "0,12.5")
    sp.write_rasters(tmp_path / "two.npz", [inputs[:10, ::-1], inputs[25:35, ::-1]])
    assert out == command("run", tmp_path / "p.snnp", tmp_path / "two.npz")[1]
    assert out.count("\n") > 2
    code, _, err = command("run", tmp_path / "p.snnp", tmp_path / "x.npz", "-o", tmp_path / "y.h5")
    assert (code, "give dt_ms, the milliseconds of one" in err) == (2, True)
    assert command("run", tmp_path / "p.snnp", tmp_path / "x.npz", "-o", tmp_path / "y.h5", "--dt-ms", 2)[0] == 0
    (spikes,) = sp.read_rasters(tmp_path / "y.h5", dt_ms=2, ticks=50, neurons=2)
    assert [f"0,{tick},{neuron}" for tick, neuron in np.argwhere(spikes)] == shown[1].splitlines()[1:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "p.snnp", "-o", "p.txt", "--dt-ms", "1"), "p.txt ends in '.txt'; this command writes .nir"),
        (
            ("export", "p.snnp", "-o", "p.nir"),
            "a NIR graph is in seconds; give the length of a tick as dt_ms (--dt-ms)",
        ),
        (("export", "p.snnp", "-o", "p.nir", "--dt-ms", "0"), "'0' must be a number above 0"),
        (
            ("quantize", "p.snnp", "-o", "q.snnp", "--dt-ms", "1"),
            "p.snnp is not a trained network (.nir or .net); 'snnprog inspect",
        ),
        (
            ("quantize", "n.nir", "-o", "q.snnp"),
            "dt_ms must be given: the milliseconds of a tick, or exporter=, the to",
        ),
        (
            ("quantize", "n.nir", "-o", "q.snnp", "--dt-ms", "1"),
            "reset must be 'zero' or 'subtract': NIR does not define the effect of a spike on the potential. Give",
        ),
        (("quantize", "n.nir", "-o", "q.snnp", "--from", "keras"), "Invalid value for '--from': 'keras' is not one of"),
        (("quantize", "n.nir", "-o", "q.snnp", "--from", "snnTorch"), "; did you mean 'snntorch'?"),
        (
            ("quantize", "n.pt", "-o", "q.snnp"),
            "export that network as .nir with the tool that trained it, or nirtorch",
        ),
        (
            ("quantize", "n.nir", "-o", "q.snnp", "--reset-delay", "2"),
            "Invalid value for '--reset-delay': '2' must be an integer from 0 to 1",
        ),
        (
            ("quantize", "n.nir", "-o", "q.snnp", "--from", "norse", "--bits", "12"),
            "bits must be 1 to 8 on loihi1, got 12; the sign is one of the bits",
        ),
        (
            ("run", "p.snnp", "x.npz", "--ids", "a"),
            "Invalid value for '--ids': 'a' must be integers with commas between them, such as 4,7",
        ),
        (("run", "p.snnp", "x.npz", "--dt-ms", "1"), "dt_ms does not apply to x.npz; omit it"),
    ],
)
def test_bad_words(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    by_hand().save("p.snnp")
    sp.write_rasters("x.npz", [random_raster(2, 50, 2, 0.3)])
    nodes = {"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))}
    nir.write("n.nir", nir.NIRGraph(nodes, [("in", "n"), ("n", "out")]))
    Path("n.pt").write_bytes(b"PK")
    code, _, err = command(*words)
    assert code in (2, 4)
    assert message in " ".join(err.split())
