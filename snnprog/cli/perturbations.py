"""The options of commands that check a program under perturbations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from snnprog.cli.numbers import IntegerOption, LineList, NumberOption

if TYPE_CHECKING:
    from snnprog.spec import Robust, Spec

PERTURBATION_OPTIONS = (
    click.option(
        "--jitter", type=IntegerOption(min=0), help="Also check every input that moves spikes by so many ticks."
    ),
    click.option(
        "--missing", type=IntegerOption(min=0), help="Number of input spikes that may be missing in a pattern."
    ),
    click.option("--extra", type=IntegerOption(min=0), help="Number of input spikes that may be added in a pattern."),
    click.option(
        "--weight-error",
        "weights",
        type=NumberOption(min=0.0, max=1.0),
        help="Share of itself by which each weight may change.",
    ),
    click.option("--exempt", type=LineList(), help="Input lines that are not perturbed, as in 0,clock."),
)


def perturbation_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of `snnprog.Robust`: ``perturbed`` maps the parameters that are given to values."""

    @wraps(command)
    def with_perturbations(**given: object) -> object:
        names = ("jitter", "missing", "extra", "weights", "exempt")
        said = {name: value for name in names if (value := given.pop(name)) is not None}
        return command(**given, perturbed=said)

    for option in reversed(PERTURBATION_OPTIONS):
        with_perturbations = option(with_perturbations)
    return with_perturbations


def robust_of(spec: Spec, perturbed: Mapping[str, object], *, needed_by: Sequence[str] = ()) -> Robust | None:
    """Return the perturbations of the command line in place of those of the spec, as far as they are given.

    Raises
    ------
    click.UsageError
        If nothing is perturbed, and ``--exempt`` or an option of ``needed_by`` is given.
    """
    from snnprog.spec import Robust

    given: dict[str, Any] = ({} if spec.robust is None else spec.robust.to_data()) | dict(perturbed)
    robust = Robust(**given)
    names = (*(["--exempt"] if "exempt" in perturbed else []), *needed_by)
    if names and robust.is_nothing:
        raise click.UsageError(
            f"{names[0]} belongs to perturbations; add --jitter, --missing, --extra or --weight-error, or give the"
            " specification a table [robust]."
        )
    return robust if perturbed else None  # also if nothing is perturbed: --jitter 0 takes back what the spec says
