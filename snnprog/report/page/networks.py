"""The page of a trained network: the spikes of the network compared with those of its program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Bools, Raster
from snnprog.conversion import Conversion
from snnprog.display.card import BAD, GOOD
from snnprog.networks import QuantizedNetwork
from snnprog.networks.running import rasters_for, run_network
from snnprog.program import Program
from snnprog.report.conversions import changes_table, fit_table, mismatch_table
from snnprog.report.networks import costs_table, layers_table, scores_table
from snnprog.report.page import words
from snnprog.report.page.gathering import page_of_program
from snnprog.report.page.model import Fact, Headline, Page
from snnprog.spec import Pattern, Spec
from snnprog.table import Table
from snnprog.wording import counted


def page_of_network(
    result: QuantizedNetwork,
    inputs: Sequence[ArrayLike],
    *,
    backends: Sequence[str] | None = None,
    title: str = "",
) -> Page:
    """Return the page that compares a trained network with its program.

    Parameters
    ----------
    result : QuantizedNetwork
    inputs : sequence of (ticks, inputs) bool
        Inputs for both, one pattern each, run from rest.
    backends : sequence of str, optional
        Further backends to run the program on.
    title : str
        The heading of the page.

    Raises
    ------
    SpecError
        If the inputs are not rasters of the network's width, or too many for a page.
    BackendError
        If a backend is missing, or fails.
    """
    rasters = rasters_for(result.network, inputs)
    program, counts = _shown(result)
    targets = [_targets(result, program, trace.spikes) for trace in run_network(result.network, rasters)]
    patterns = [
        Pattern(raster, target, np.broadcast_to(counts, target.shape).copy())
        for raster, target in zip(rasters, targets, strict=True)
    ]
    spec = Spec(patterns, [1], recurrent=True, chip=program.chip)
    name, dt_ms = title or result.network.name, result.network.dt_ms
    page = page_of_program(
        program, spec, backends=backends, title=name, dt_ms=dt_ms, n_outputs=result.program.n_outputs
    )
    bins = sum(target.shape[0] for target in targets) * int(counts.sum())
    return replace(
        page,
        introduction=words.introduction_of_network(program, int(counts.sum())),
        headline=_headline(result, rasters, page, bins=bins),
        facts=(*page.facts, Fact("Tick", f"{dt_ms:g} ms")),
        resources=(*_tables(result), *page.resources),
    )


def page_of_conversion(
    result: Conversion, inputs: Sequence[ArrayLike], *, backends: Sequence[str] | None = None, title: str = ""
) -> Page:
    """Return the page that compares an artificial network with its program: scores, costs and spikes.

    Parameters
    ----------
    result : Conversion
    inputs : sequence of (ticks, inputs) bool
        Samples as spikes (`snnprog.conversion.Conversion.encode`), on which the page shows the spiking network in real
        numbers and the program.
    backends, title
        As in `page_of_network`.

    Raises
    ------
    SpecError, BackendError
        As `page_of_network` does.
    """
    page = page_of_network(result.quantized, inputs, backends=backends, title=title)
    scores, verdict = result.scores, result.costs.verdict
    scored = f"On {counted(scores.samples, 'sample')} held out, {_scores_in_words(result)}."
    sentences = (scored, f"{verdict[:1].upper()}{verdict[1:]}.", *page.headline.sentences)
    return replace(
        page,
        headline=replace(page.headline, sentences=sentences),
        resources=(scores_table(result), costs_table(result), layers_table(result), *page.resources),
    )


def _scores_in_words(result: Conversion) -> str:
    scores = result.scores
    agreement = f"the program and the artificial network agree by {scores.agreement:.4f}"
    if scores.ann is None or scores.program is None:
        return f"{agreement} ({scores.measure})"
    return (
        f"the {scores.measure} of the artificial network is {scores.ann:.4f} and that of the program"
        f" {scores.program:.4f}; {agreement}"
    )


def _tables(result: QuantizedNetwork) -> tuple[Table, ...]:
    fitted = () if result.fit is None else (fit_table(result.fit),)
    return (mismatch_table(result), *fitted, changes_table(result))


def _shown(result: QuantizedNetwork) -> tuple[Program, Bools]:
    """Return the program, with all neurons read out if the chip can, and its outputs that the network has, too."""
    program, network = result.program, result.network
    if not program.chip.is_readout_apart:
        program = replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32))
    spiking = np.zeros(program.n_neurons, dtype=np.bool_)
    spiking[: network.n_neurons] = ~network.is_readout
    return program, spiking[program.outputs]


def _targets(result: QuantizedNetwork, program: Program, spikes: Raster) -> Raster:
    """Return the target of each output; neurons that the network does not have are silent."""
    everything = np.zeros((len(spikes), program.n_neurons), dtype=np.bool_)
    everything[:, : result.network.n_neurons] = spikes
    return everything[:, program.outputs]


def _headline(result: QuantizedNetwork, rasters: Sequence[Raster], page: Page, *, bins: int) -> Headline:
    on = counted(len(rasters), "input")
    classes = [] if result.classes is None else [str(result.classes)]
    sentences = (
        *(f"{each[:1].upper()}{each[1:]}." for each in classes),
        f"{counted(bins, 'bin')} of {counted(result.network.n_neurons, 'neuron')} were compared: real numbers with the"
        f" integers of {result.program.chip.name}, on {on}.",
        *page.headline.sentences[:1],
        *(f"{note[:1].upper()}{note[1:]}." for note in result.notes),
    )
    if page.headline.kind == GOOD:
        return Headline(GOOD, f"The same spikes as the trained network on {on}", sentences)
    return Headline(BAD, f"{page.headline.text} against the trained network", sentences)
