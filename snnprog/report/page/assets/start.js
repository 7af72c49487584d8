// Unpacks what is drawn first, makes the charts, and ties them to the controls.

import { attachChoice, attachDifferences, attachSpan } from "./controls.js";
import { byId, element } from "./elements.js";
import { describeOutput, NO_TICKS, outputLanes } from "./lanes.js";
import { dashes, entriesOfLanes, fillLegend, swatch, triangle } from "./legend.js";
import { MarginsPlot } from "./margins.js";
import { attachNeuronTable } from "./neurontable.js";
import { PotentialPlot } from "./potential.js";
import { attachPrinting } from "./printing.js";
import { RasterPlot } from "./raster.js";
import { nameOfInput, report } from "./report.js";
import { offerFile, offerPictures, rowsOfTable, spikeRows, spikesInCsv, toCsv } from "./saving.js";
import { includes } from "./sorted.js";
import { attachTheme } from "./theme.js";
import { unpackRaster, unpackSynapses } from "./unpacking.js";
import { View } from "./view.js";
import { synapseRows, WeightsPlot } from "./weights.js";
import { attachWords, spikeTimes } from "./words.js";

/** @typedef {{ lanes: import("./lanes.js").Lanes[], spikes: Int32Array[], held: Int32Array[] | null }} Run */

performance.mark("snnprog-start");
start().catch((/** @type {Error} */ error) => {
  const text = `The charts cannot be drawn (${error.message}); all texts and tables of this page are complete.`;
  byId("main", HTMLElement).prepend(element("p", { className: "note", role: "alert", textContent: text }));
});

async function start() {
  attachTheme();
  const starts = report.starts.length ? report.starts : [0];
  const view = new View({ ticks: report.ticks, starts, rows: report.rows.length });
  attachNeuronTable(view);
  if (report.rows.length && document.getElementById("neuron")) attachChoice(view);
  if (report.ticks) {
    attachSpan(view);
    await drawRun(view);
  }
  if (report.synapses) await drawWeights(view);
  offerFile("neurons.csv", "Table of neurons", () => toCsv(rowsOfTable("neuron-table")));
  offerPictures();
  attachPrinting();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    performance.measure("snnprog-first-draw", "snnprog-start");
    document.documentElement.dataset.ready = "true";
  }));
}

/** @param {View} view */
async function drawRun(view) {
  /**
   * @param {import("./unpacking.js").PackedRaster | null} raster
   * @param {0 | 1} [wanted]
   */
  const unpack = (raster, wanted) => (raster ? unpackRaster(raster, report.ticks, wanted) : null);
  const rasters = [report.inputs, report.spikes, report.targets, report.held].map((raster) => unpack(raster));
  const [inputs, spikes, targets, held, uncounted] = await Promise.all([...rasters, unpack(report.care, 0)]);
  const lanes = outputLanes({ spikes, targets, uncounted });
  view.showPattern(firstToShow(view, lanes));
  drawInputs(view, inputs ?? []);
  drawOutputs(view, lanes);
  if (report.potentials && spikes) await drawPotential(view, { lanes, spikes, held });
  if (document.getElementById("margins")) drawMargins(view);
  offerSpikes(view, lanes, { inputs, spikes, targets });
}

/**
 * Return the first pattern with a wrong bin or a contradiction; else the first in which an output spikes or should.
 * @param {View} view
 * @param {import("./lanes.js").Lanes[]} lanes
 */
function firstToShow(view, lanes) {
  /** @param {import("./lanes.js").KindName[]} names */
  const first = (names) =>
    Math.min(...lanes.flatMap((row) => names.map((name) => row[name]?.[0] ?? view.ticks)));
  const wrong = first(["missing", "extra", "conflict"]);
  const tick = wrong < view.ticks ? wrong : first(["demand", "target", "plain", "right", "free"]);
  return tick < view.ticks ? view.patternAt(tick) : 0;
}

/**
 * @param {View} view
 * @param {import("./lanes.js").Lanes[]} lanes
 * @param {Record<"inputs" | "spikes" | "targets", Int32Array[] | null>} rasters
 */
function offerSpikes(view, lanes, { inputs, spikes, targets }) {
  if (inputs) offerFile("input_spikes.csv", "Input spikes", () => spikesInCsv(view, inputs));
  if (spikes) offerFile("output_spikes.csv", "Output spikes", () => spikesInCsv(view, spikes.slice(0, report.outputs)));
  if (targets) offerFile("target_spikes.csv", "Target spikes", () => spikesInCsv(view, targets));
  const kinds = /** @type {const} */ (["missing", "extra"]);
  if (!lanes.some((row) => kinds.some((kind) => row[kind]?.length))) return;
  /** @param {"missing" | "extra"} kind */
  const rowsOf = (kind) => spikeRows(view, lanes.map((row) => row[kind] ?? NO_TICKS)).map((row) => [...row, kind]);
  const heading = ["pattern", "tick", "neuron", "kind"];
  offerFile("wrong_bins.csv", "Wrong bins", () => toCsv([heading, ...kinds.flatMap(rowsOf)]));
}

/**
 * @param {View} view
 * @param {Int32Array[]} inputs
 */
function drawInputs(view, inputs) {
  new RasterPlot("inputs", view, {
    lanes: inputs.map((ticks) => ({ plain: ticks })),
    describe: (row, tick) => `${nameOfInput(row)}: ${includes(inputs[row], tick) ? "spike" : "silent"}`,
    isChoosing: false,
  }).redraw();
}

/**
 * @param {View} view
 * @param {import("./lanes.js").Lanes[]} lanes
 */
function drawOutputs(view, lanes) {
  new RasterPlot("outputs", view, {
    lanes,
    describe: (row, tick) => describeOutput(lanes, row, tick),
    isChoosing: true,
  }).redraw();
  fillLegend("legend", entriesOfLanes(lanes));
  attachWords("outputs", view, { ...spikeTimes(view, lanes), changes: ["span"] });
  attachDifferences(view, lanes);
}

/**
 * @param {View} view
 * @param {Run} run
 */
async function drawPotential(view, run) {
  const plot = new PotentialPlot(view, run);
  const isJudged = report.targets !== null;
  fillLegend("potential-legend", [
    swatch("potential", "potential", 2),
    dashes("threshold", "threshold"),
    ...(isJudged ? [swatch("margin: no tick that counts lies inside", "band")] : []),
    ...(report.bands?.legend ? [swatch(report.bands.legend, "perturbed")] : []),
    ...(isJudged ? [triangle("nearest spike", "spike-side", -1)] : []),
    ...(isJudged ? [triangle("nearest silence", "silence-side", 1)] : []),
  ]);
  const near = byId("near", HTMLInputElement);
  near.addEventListener("change", () => {
    plot.isNear = near.checked;
    plot.redraw();
  });
  attachWords("potential", view, {
    changes: ["span", "row"],
    columns: [
      ...["tick", "potential (LSB)", "beyond the threshold (LSB)", "spike"],
      ...(report.bands?.legend ? ["all perturbed inputs (LSB)"] : []),
    ],
    rows: () => plot.rowsInWords(),
  });
  offerFile("potential.csv", "Potential of the chosen neuron", () => toCsv(plot.table()));
  await plot.loaded;
}

/** @param {View} view */
async function drawWeights(view) {
  const synapses = await unpackSynapses(/** @type {import("./unpacking.js").PackedSynapses} */ (report.synapses));
  const plot = new WeightsPlot(view, synapses);
  const columns = ["from", "delay (ticks)", "weight (LSB)"];
  attachWords("weights", view, { changes: ["row"], columns, rows: () => plot.rowsInWords() });
  offerFile("synapses.csv", "Synapses", () => toCsv(synapseRows(synapses)));
}

/** @param {View} view */
function drawMargins(view) {
  new MarginsPlot(view);
  fillLegend("margins-legend", [
    swatch("above the threshold, where the target is a spike", "spike-side"),
    swatch("below the threshold, where the target is silence", "silence-side"),
    swatch("on the wrong side", "missing"),
  ]);
}
