// The data of the page, as snnprog/report/page/charts.py writes them.

import { byId } from "./elements.js";

/**
 * @typedef {import("./unpacking.js").PackedRaster} PackedRaster
 * @typedef {import("./unpacking.js").PackedPotential} PackedPotential
 * @typedef {import("./unpacking.js").PackedBand} PackedBand
 * @typedef {import("./unpacking.js").PackedSynapses} PackedSynapses
 */

/**
 * Places: one tick and one row for each.
 * @typedef {{ ticks: number[], rows: number[] }} Points
 */

/**
 * A neuron; `nearest` are the distances in LSBs of the spike and the silence nearest to the threshold, null where there
 * is none, and `nearestTicks` where they are, -1 where there is none.
 * @typedef {object} Neuron
 * @property {string} name
 * @property {string} kind
 * @property {number} [threshold]
 * @property {(number | null)[]} [nearest]
 * @property {number[]} [nearestTicks]
 */

/**
 * The potentials that all perturbed inputs can reach, by row.
 * @typedef {{ legend: string, note: string, rows: Record<string, PackedBand> }} Bands
 */

/**
 * What the charts show; null is what was not given, or not run.
 * @typedef {object} Report
 * @property {number} ticks of all patterns
 * @property {number[]} starts the first tick of each pattern
 * @property {number} unit units of potential in an LSB
 * @property {Neuron[]} rows outputs first, then hidden neurons
 * @property {number} outputs
 * @property {number} lines the number of input lines
 * @property {string[] | null} lineNames their names
 * @property {string[] | null} neuronNames the names of the neurons, by row
 * @property {PackedRaster | null} inputs
 * @property {PackedRaster | null} targets
 * @property {PackedRaster | null} care
 * @property {PackedRaster | null} spikes
 * @property {PackedRaster | null} held refractory ticks
 * @property {{ missing: Points, extra: Points } | null} wrong
 * @property {Points | null} conflicts
 * @property {Record<string, PackedPotential> | null} potentials by row
 * @property {Bands | null} bands
 * @property {PackedSynapses | null} synapses
 */

/**
 * Return the number of an input line, with its name if it has one.
 * @param {number} line
 */
export function nameOfInput(line) {
  const name = report.lineNames?.[line];
  return name === undefined ? `input ${line}` : `input ${line} (${name})`;
}

/** @type {Report} */
export const report = JSON.parse(byId("report-data", HTMLScriptElement).text);
