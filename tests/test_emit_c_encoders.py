"""Adaptive encoders as C, built and run: the latencies of the encoder, row by row, without a warning."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from emitted_c import COMPILERS, compiled
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.coding import AdaptiveFields, Contrast

MAIN = """\
#include <stdio.h>
#include "sensor.h"

int main(void)
{
    int32_t values[SENSOR_VALUES];
    uint8_t latencies[SENSOR_LINES];
    for (;;) {
        for (int i = 0; i < SENSOR_VALUES; i++) {
            long value;
            if (scanf("%ld", &value) != 1) return 0;
            values[i] = (int32_t)value;
        }
        sensor_row(values, latencies);
        for (int i = 0; i < SENSOR_LINES; i++) printf("%d ", latencies[i]);
        printf("\\n");
    }
}
"""


def jumping() -> Floats:
    rng = np.random.default_rng(0)
    stream = np.exp(np.cumsum(rng.normal(0, 0.1, (400, 3)), axis=0)) * rng.normal(size=(400, 3))
    stream[200:] += np.cumsum(rng.normal(size=(200, 3)), axis=0)
    stream[300:330] = 1e9  # beyond what is not clipped
    stream[330:350] = -1e9
    return stream


def latencies_of(rasters: list[Raster]) -> list[list[int]]:
    return [np.where(each.any(axis=0), each.argmax(axis=0), 255).tolist() for each in rasters]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "encoder",
    [Contrast(), Contrast(memory=10, reach=8.0, levels=3), AdaptiveFields(), AdaptiveFields(1, 6.0, last=254)],
    ids=repr,
)
def test_c_gives_the_same_spikes(compiler: str, encoder: Contrast | AdaptiveFields, tmp_path: Path) -> None:
    stream = jumping()
    fitted = encoder.fit(stream[:50])
    assert sp.export(fitted, tmp_path / "sensor.c") == [tmp_path / "sensor.c", tmp_path / "sensor.h"]
    (tmp_path / "main.c").write_text(MAIN, encoding="ascii")
    checks = ("-fsanitize=undefined", "-fno-sanitize-recover") if compiler == "gcc" else ()
    compiled(compiler, *checks, "sensor.c", "main.c", "-o", "sensor", folder=tmp_path)
    rows = "\n".join(" ".join(map(str, row)) for row in fitted.values_of(stream).tolist())
    done = subprocess.run([tmp_path / "sensor"], input=rows, capture_output=True, text=True, check=True)
    found = [list(map(int, line.split())) for line in done.stdout.splitlines()]
    assert found == latencies_of(fitted.transform(stream))
    assert any(each != 255 for row in found for each in row)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    fitted = AdaptiveFields(last=255).fit(jumping())
    with pytest.raises(sp.SpecError, match="last must be at most 254 in C, where a latency is a byte, got 255"):
        sp.export(fitted, tmp_path / "e.c")
    with pytest.raises(sp.SpecError, match="Contrast must be fitted before it transforms samples"):
        sp.export(Contrast(), tmp_path / "e.c")
    with pytest.raises(sp.SpecError, match=r"encoders are exported to \.c, without dt_ms and board, got .*e\.nir"):
        sp.export(Contrast().fit(jumping()), tmp_path / "e.nir")
    with pytest.raises(sp.SpecError, match="prefix 'while' is a keyword of C"):
        sp.export(Contrast().fit(jumping()), tmp_path / "e.c", prefix="while")
    with pytest.raises(sp.SpecError, match="program must be a Program, got"):
        sp.export(untyped(7), tmp_path / "e.c")
    assert list(tmp_path.iterdir()) == []
