"""English in messages: the words that an unknown one may stand for."""

from __future__ import annotations

import pytest

from snnprog.wording import did_you_mean


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("loihi", "; did you mean 'loihi1' or 'loihi2'?"),
        ("Xylo", "; did you mean 'xylo'?"),
        ("xyl0", "; did you mean 'xylo'?"),
        ("chip", "; did you mean 'xylo_chip_of_mine'?"),
        ("tpu", ""),
        ("", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_the_nearest_words(word: object, end: str) -> None:
    assert did_you_mean(word, ["loihi1", "loihi2", "xylo", "xylo_chip_of_mine"]) == end
