"""``snnprog convert``: files in, a program and its spikes out, and one sentence for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from onnx_models import cnn, evaluated, model, node, saved

import snnprog as sp
from snnprog import cli
from snnprog.conversion.samples import read_samples
from snnprog.errors import FormatError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which holds a convolutional network and samples."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(4)
    found = cnn(rng)
    samples = rng.random((24, 1, 8, 8))
    saved(found, tmp_path / "m.onnx")
    np.savez("data.npz", data=samples, labels=evaluated(found, samples).argmax(axis=1))
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_model_becomes_a_program(command: Command) -> None:
    words = ("convert", "m.onnx", "--data", "data.npz", "-o", "p.snnp", "--ticks", "32")
    code, out, err = command(*words, "--spikes", "inputs.npz", "--adjust", "l4", "--code", "latency")
    assert (code, err) == (0, "")
    for text in ("relu_c", "multiply-accumulates", "synaptic operations", "6 samples held out", "wrote p.snnp"):
        assert text in out
    program = sp.load("p.snnp")
    assert program.n_outputs == 3
    rasters = sp.read_rasters("inputs.npz", key="inputs")
    assert (len(rasters), rasters[0].shape[1]) == (24, 64)


@pytest.mark.usefixtures("folder")
def test_the_report_as_json(command: Command) -> None:
    code, out, err = command("convert", "m.onnx", "--data", "data.npz", "-o", "p.snnp", "--ticks", "16", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["program"] == "p.snnp"
    assert report["ticks"] == 16
    assert [layer["is_shared"] for layer in report["layers"]] == [True, True, False]
    assert report["scores"]["ann"] == 1.0
    assert report["costs"]["multiplications"] == 4 * 64 * 9 + 4 * 4 * 36 + 16 * 3


@pytest.mark.usefixtures("folder")
def test_the_page(command: Command) -> None:
    code, out, err = command(
        "convert", "m.onnx", "--data", "data.npz", "-o", "p.snnp", "--ticks", "12", "--report", "r.html"
    )
    assert (code, err) == (0, "")
    assert "wrote r.html" in out
    page = Path("r.html").read_text(encoding="utf-8")
    for text in ("m.onnx", "6 samples held out", "Work for one sample", "relu_c", "Spikes on the given inputs"):
        assert text in page
    assert "On 6 samples held out, the accuracy of the artificial network is 1.0000" in page


@pytest.mark.usefixtures("folder")
def test_what_is_wrong_gets_a_sentence(command: Command) -> None:
    words = ("--data", "data.npz", "-o", "p.snnp")
    assert "m.onnx is not an .npz of samples; " in command("convert", "m.onnx", "--data", "m.onnx", "-o", "p.snnp")[2]
    assert "data.npz is not an ONNX model" in command("convert", "data.npz", *words)[2]
    saved(model([node("Tanh", "x", "y")], {}, shape=(1, 8, 8)), Path("tanh.onnx"))
    code, out, err = command("convert", "tanh.onnx", *words)
    assert (code, out) == (cli.BAD_USAGE, "")
    assert "node 'tanh_y' (Tanh) of tanh.onnx is not supported; supported operations are Add, AveragePool" in err
    np.savez("other.npz", samples=np.zeros((2, 2)))
    with pytest.raises(FormatError, match=r"other\.npz"):
        read_samples(Path("other.npz"))
    np.savez("texts.npz", data=np.array(["a", "b"]))
    with pytest.raises(FormatError, match="must hold an array 'data' of numbers"):
        read_samples(Path("texts.npz"))
