"""English in messages: the words that an unknown one may stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnprog.wording import a_type, did_you_mean, meant_file


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("loihi", "; did you mean 'loihi1' or 'loihi2'?"),
        ("Xylo", "; did you mean 'xylo'?"),
        ("xyl0", "; did you mean 'xylo'?"),
        ("Loihi 2", "; did you mean 'loihi2'?"),
        ("loihi-1", "; did you mean 'loihi1'?"),
        ("chip", "; did you mean 'xylo_chip_of_mine'?"),
        ("tpu", ""),
        ("", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_the_nearest_words(word: object, end: str) -> None:
    assert did_you_mean(word, ["loihi1", "loihi2", "xylo", "xylo_chip_of_mine"]) == end


@pytest.mark.parametrize(
    ("missing", "end"),
    [
        ("nothere.csv", ""),
        ("rasters.csv", "; did you mean 'raster.csv'?"),
        ("raster.npz", ""),
        ("raster.npy", "; did you mean 'raster.csv'?"),
        ("gone/raster.csv", ""),
    ],
)
def test_only_files_of_similar_names_are_meant(tmp_path: Path, missing: str, end: str) -> None:
    for name in ("raster.csv", "program.snnp", "pattern.csv"):
        (tmp_path / name).touch()
    assert meant_file(tmp_path / missing, (".csv",) if missing.endswith(".npy") else ()) == end


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.zeros(1), "an ndarray"), (3, "an int"), ("a", "a str"), (None, "None"), (OSError(), "an OSError")],
)
def test_types_have_their_article(value: object, words: str) -> None:
    assert a_type(value) == words
