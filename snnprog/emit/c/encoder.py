"""Adaptive encoders in C: the same integers as `snnprog.coding.adaptive`, one row at a time.

The sums that the fitted encoder has are the state at reset. A negative number is never shifted, and all products are
within 32 bits, as that module shows. The code has no text from the encoder but numbers.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from snnprog.arrays import Integers
from snnprog.coding import AdaptiveFields, Contrast
from snnprog.coding.adaptive import PARTS
from snnprog.coding.following import LIMIT
from snnprog.coding.samples import check_fitted
from snnprog.emit.c.names import checked_header, checked_prefix, prefix_of
from snnprog.emit.c.tables import WIDTH
from snnprog.errors import SpecError
from snnprog.output_files import check_place, write_bytes
from snnprog.version import __version__

SILENT_BYTE = 255

HEADER = """\
/* Made by snnprog {version}: do not edit. An encoder that follows the mean and deviation of its input.

   Value i of a row is round((reading - offset[i]) / unit[i]), with
{units}
*/
#ifndef {P}_H
#define {P}_H

#include <stdint.h>

#define {P}_VALUES {values}
#define {P}_LINES {lines}
#define {P}_TICKS {ticks} /* of a row */
#define {P}_SILENT {silent}

#ifdef __cplusplus
extern "C" {{
#endif

/* Back to the state that the encoder was written with, where it starts. */
void {p}_reset(void);

/* One row: the tick at which each line spikes, {P}_SILENT for none; the mean and the deviation follow the row. */
void {p}_row(const int32_t *values, uint8_t *latencies);

#ifdef __cplusplus
}}
#endif

#endif
"""
SOURCE = """\
/* Made by snnprog {version}: do not edit. C99, no library but stdint.h. */
#include "{header}"

{tables}
static int32_t sums[{P}_VALUES] = {{
{sums}
}};
static int32_t spreads[{P}_VALUES] = {{
{spreads}
}};

/* A number divided by {time}, rounded down. */
static int32_t down(int32_t number)
{{
    return number >= 0 ? number >> {memory} : -1 - ((-1 - number) >> {memory});
}}

void {p}_reset(void)
{{
    for (int32_t i = 0; i < {P}_VALUES; i++) {{
        sums[i] = first_sums[i];
        spreads[i] = first_spreads[i];
    }}
}}

void {p}_row(const int32_t *values, uint8_t *latencies)
{{
    for (int32_t i = 0; i < {P}_VALUES; i++) {{
        const int32_t least = values[i] < -{limit} ? -{limit} : values[i];
        const int32_t value = least > {limit} ? {limit} : least;
        const int32_t spread = down(spreads[i]);
        const int32_t deviation = spread > 1 ? spread : 1;
        const int32_t distance = value - down(sums[i]);
        const int32_t parts = {parts} * distance;
{lines}
        sums[i] += distance;
        spreads[i] += (distance < 0 ? -distance : distance) - spread;
    }}
}}
"""
CONTRAST = """\
        for (int32_t level = 0; level < {levels}; level++) {{
            const int32_t cut = cuts[level] * deviation;
            *latencies = parts > cut ? 0 : {P}_SILENT;
            latencies[{levels}] = -parts > cut ? 0 : {P}_SILENT;
            latencies++;
        }}
        latencies += {levels};"""
FIELDS = """\
        for (int32_t field = 0; field < {fields}; field++) {{
            const int32_t beyond = parts - centres[field] * deviation;
            const int32_t away = beyond < 0 ? -beyond : beyond;
            uint8_t latency = 0;
            while (latency < {radii} && away > radii[latency] * deviation) latency++;
            *latencies = latency < {radii} ? latency : {P}_SILENT;
            latencies++;
        }}"""


def write_encoder(encoder: Contrast | AdaptiveFields, path: Path, *, prefix: str | None = None) -> tuple[Path, Path]:
    """Write a fitted encoder to ``E.c`` and its header beside it; return both.

    Raises
    ------
    SpecError
        If the encoder is not fitted, its latencies do not fit a byte, or a name is not one of C.
    FormatError
        If a file cannot be written.
    """
    check_fitted(encoder, encoder.unit)
    if encoder.ticks > SILENT_BYTE:
        last = encoder.ticks - 1
        raise SpecError(f"last must be at most {SILENT_BYTE - 1} in C, where a latency is a byte, got {last}")
    header = checked_header(path.with_suffix(".h").name)
    name = checked_prefix(prefix_of(path.stem) if prefix is None else prefix)
    words: dict[str, object] = {
        "version": __version__,
        "p": name,
        "P": name.upper(),
        "header": header,
        "values": encoder.unit.size,
        "lines": encoder.n_lines,
        "ticks": encoder.ticks,
        "silent": SILENT_BYTE,
        "memory": encoder.memory,
        "time": 1 << encoder.memory,
        "limit": LIMIT,
        "parts": PARTS,
        "units": "\n".join(
            f"   offset[{each}] = {offset!r}, unit[{each}] = {unit!r}"
            for each, (offset, unit) in enumerate(zip(encoder.offset.tolist(), encoder.unit.tolist(), strict=True))
        ),
    }
    tables, lines = _of(encoder, words)
    tables |= {"first_sums": encoder.sums, "first_spreads": encoder.spreads}
    source = SOURCE.format_map(
        words
        | {
            "tables": "\n".join(
                f"static const int32_t {each}[{numbers.size}] = {{\n{_numbers(numbers)}\n}};"
                for each, numbers in tables.items()
            ),
            "sums": _numbers(encoder.sums),
            "spreads": _numbers(encoder.spreads),
            "lines": lines,
        }
    )
    check_place(path)
    write_bytes(path.with_suffix(".h"), HEADER.format_map(words).encode("ascii"))
    write_bytes(path, source.encode("ascii"))
    return path, path.with_suffix(".h")


def _of(encoder: Contrast | AdaptiveFields, words: dict[str, object]) -> tuple[dict[str, Integers], str]:
    """Return the tables of an encoder, and how a value's lines are found."""
    if isinstance(encoder, Contrast):
        return {"cuts": encoder.thresholds}, CONTRAST.format_map(words | {"levels": encoder.levels})
    sizes = {"fields": encoder.fields, "radii": encoder.radii.size}
    return {"centres": encoder.centres, "radii": encoder.radii}, FIELDS.format_map(words | sizes)


def _numbers(values: Integers) -> str:
    text = ", ".join(map(str, values.tolist()))
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
