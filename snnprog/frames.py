"""Tables for pandas and xarray, which are imported only when they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from snnprog.errors import SpecError

if TYPE_CHECKING:
    import pandas
    import xarray

    from snnprog.arrays import Bools, Integers

    Column = Sequence[object] | Bools | Integers
    Coordinate = Integers | tuple[str, Sequence[str]]

EXTRA = "install it with: pip install 'snnprog[tables]'"


def data_frame(columns: Mapping[str, Column]) -> pandas.DataFrame:
    """Return columns of equal length as a data frame.

    Raises
    ------
    SpecError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise SpecError(f"to_pandas needs pandas; {EXTRA}") from error
    return pandas.DataFrame(dict(columns))


def data_frame_of_rows(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> pandas.DataFrame:
    """Return rows, each by the names of the columns, as a data frame; none of them makes one of no rows.

    Raises
    ------
    SpecError
        If pandas is not installed.
    """
    return data_frame({name: [row[name] for row in rows] for name in names})


def data_set(
    variables: Mapping[str, tuple[tuple[str, ...], Bools | Integers]], coordinates: Mapping[str, Coordinate]
) -> xarray.Dataset:
    """Return arrays by name, each with the names of its axes, as a data set; coordinates of texts, with their axis.

    Raises
    ------
    SpecError
        If xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise SpecError(f"to_xarray needs xarray; {EXTRA}") from error
    return xarray.Dataset(dict(variables), coords=dict(coordinates))
