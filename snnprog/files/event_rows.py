"""Headers and rows of events in CSV files and streams, and their errors."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from snnprog.errors import FormatError, SpecError
from snnprog.names import Names, find
from snnprog.wording import not_utf8

LINE_LIMIT = 1 << 16
INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
DECIMAL = re.compile(r"(\d{1,18}\.?\d{0,18}|\.\d{1,18})([eE][+-]?\d{1,3})?", re.ASCII)
GREATEST = 1 << 40
TIME_UNITS: Mapping[str, float] = MappingProxyType({"time_ms": 1e3, "time_s": 1.0})  # of a second
TICK_HEADER = ("tick", "neuron")
HEADERS = (TICK_HEADER, ("pattern", "tick", "neuron"), *((unit, "neuron") for unit in TIME_UNITS))

NAME = "name"
"""A last column for people, which readers skip: the name of the neuron whose number stands before it."""

RASTERS = "a .csv lists events; write a raster of 0 and 1 as an array: sp.write_rasters('x.npz', [raster])"
"""What messages say about a text file of rows of 0 and 1.
Few numbers may also be an event without a header."""

Header = tuple[str, ...]


def header_of(name: Path | str, content: bytes, *, allowed: Sequence[Header]) -> Header:
    """Return the names of the columns, from the first line.

    Raises
    ------
    FormatError
        If it is not a valid header.
    """
    try:
        text = content[:LINE_LIMIT].decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name} cannot be read: {not_utf8(error)}") from error
    header = tuple(field.strip() for field in fields_of(name, 1, line=text))
    if header not in allowed and not (header[-1:] == (NAME,) and header[:-1] in allowed):
        known = " or ".join(repr(",".join(names)) for names in allowed)
        raise FormatError(
            f"the header of {name} must be {known}, got {','.join(header)!r}{_cause(header, text, allowed)}"
        )
    return header


def _cause(header: Header, text: str, allowed: Sequence[Header]) -> str:
    """Return what is wrong with a header, as the end of a message; nothing if it is unknown."""
    if not text.strip():
        return "; the first line is empty: a file without events has a header, too"
    bins = re.split(r"[,;\s]+", text.strip())
    is_raster = all(DECIMAL.fullmatch(each) and float(each) in (0.0, 1.0) for each in bins)
    if is_raster and len(bins) > max(map(len, allowed)):
        return f"; {RASTERS}"
    if all(DECIMAL.fullmatch(field) for field in header):
        return f"; the first line must be a header, and the numbers follow it{f' ({RASTERS})' if is_raster else ''}"
    small = tuple(field.lower() for field in header)
    if small in allowed:
        return "; write it in small letters"
    if sorted(small) in [sorted(names) for names in allowed]:
        return "; write the columns in that order"
    return "; separate the columns by commas" if tuple(re.split(r"[;\s]+", text.strip().lower())) in allowed else ""


def fields_of(name: Path | str, number: int, *, line: str) -> list[str]:
    """Return the fields of a line; empty for an empty line."""
    if len(line) == LINE_LIMIT:
        raise FormatError(f"{name}, line {number}: it must have fewer than {LINE_LIMIT} characters")
    try:
        return next(csv.reader([line]), [])
    except csv.Error as error:
        raise FormatError(f"{name} cannot be read: {error}") from error


def is_mark(row: Sequence[str], header: Header) -> bool:
    """Return whether a row marks the end of a tick: it has no neuron."""
    if header != TICK_HEADER or len(row) != 2 or row[1].strip() or not INTEGER.fullmatch(row[0].strip()):
        return False
    return abs(int(row[0])) <= GREATEST


def numbers_in(header: Header) -> Header:
    """Return the columns that hold numbers: all but the names."""
    return header[:-1] if header[-1] == NAME else header


def values_of(
    name: Path | str, line: int, *, row: Sequence[str], header: Header, names: Names | None = None
) -> list[int | float]:
    """Return the numbers of a row, without the column of names.

    Parameters
    ----------
    names : tuple of str, optional
        The names of the neurons, which may stand in place of their numbers.

    Raises
    ------
    FormatError
        If they do not match the header, or a name is unknown.
    """
    texts = [field.strip() for field in row]
    if header[-1] == NAME and len(texts) == len(header):
        header, texts = header[:-1], texts[:-1]
    if names is not None and len(texts) == len(header) and not INTEGER.fullmatch(texts[-1]):
        try:
            texts[-1] = str(find("line", texts[-1], names, len(names)))
        except SpecError as error:
            raise FormatError(f"{name}, line {line}: {error}") from error
    forms = [DECIMAL if column in TIME_UNITS else INTEGER for column in header]
    if len(texts) == len(forms) and all(form.fullmatch(text) for form, text in zip(forms, texts, strict=True)):
        values = [float(text) if form is DECIMAL else int(text) for form, text in zip(forms, texts, strict=True)]
        if all(abs(value) <= GREATEST for value in values):
            return values
    numbers = numbers_in(header)
    wanted = f"{len(numbers)} integers" if numbers[-2] == "tick" else "a non-negative time and an integer"
    raise FormatError(f"{name}, line {line}: must have {wanted}, got {','.join(row)!r}{_remedy(texts, numbers, names)}")


def _remedy(texts: Sequence[str], header: Header, names: Names | None) -> str:
    """Return what to do about a row that is not of numbers as the header says, as the end of a message, or nothing."""
    if len(texts) != len(header):
        return ""
    times = header.index("tick") if "tick" in header else None
    if times is not None and not INTEGER.fullmatch(texts[times]) and DECIMAL.fullmatch(texts[times]):
        return "; for times, write the header time_ms,neuron"
    if names is None and texts[-1][:1].isalpha():
        return "; the lines have no names: write their numbers, from 0"
    return ""
