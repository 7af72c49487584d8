// Files of what the page shows: CSV of its spikes, potentials, synapses and neurons, and PNG of its charts.
//
// The CSV of spikes is what `snnprog` reads. A file is made when its button is clicked, and nothing leaves the browser.

import { colours, plots } from "./canvas.js";
import { byId, element } from "./elements.js";

/** @typedef {import("./view.js").View} View */

/**
 * Add a button that saves a text.
 * @param {string} name of the file
 * @param {string} label
 * @param {() => string} make
 */
export function offerFile(name, label, make) {
  offer("csv-files", label, async () => save(name, new Blob([make()], { type: "text/csv" })));
}

/** Add a button for the picture of each chart. */
export function offerPictures() {
  for (const plot of plots) {
    const { id } = plot.canvas;
    offer("png-files", id[0].toUpperCase() + id.slice(1), async () => save(`${id}.png`, await pictureOf(plot.canvas)));
  }
  byId("png-files", HTMLElement).hidden = !plots.length;
}

/**
 * @param {string} group
 * @param {string} label
 * @param {() => Promise<void>} action
 */
function offer(group, label, action) {
  const button = element("button", { type: "button", textContent: label });
  button.addEventListener("click", action);
  byId(group, HTMLElement).append(button);
}

/**
 * @param {string} name
 * @param {Blob} content
 */
function save(name, content) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * Return a chart as PNG, on the page's background instead of none.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
function pictureOf(canvas) {
  const copy = element("canvas", { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d");
  if (!context) throw new Error("this browser draws no canvas");
  context.fillStyle = colours.card;
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  return new Promise((done, fail) => copy.toBlob((blob) => (blob ? done(blob) : fail(new Error("the chart is empty")))));
}

/** @param {(string | number)[][]} rows */
export function toCsv(rows) {
  return rows.map((row) => `${row.map(cellInCsv).join(",")}\n`).join("");
}

/** @param {string | number} value */
function cellInCsv(value) {
  const text = String(value).replaceAll("−", "-");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {View} view
 * @param {Int32Array[]} raster the ticks of each row
 */
export function spikesInCsv(view, raster) {
  return toCsv([["pattern", "tick", "neuron"], ...spikeRows(view, raster)]);
}

/**
 * Return the pattern, the tick inside it and the row of each event, in the order of ticks.
 * @param {View} view
 * @param {Int32Array[]} raster the ticks of each row
 * @returns {number[][]}
 */
export function spikeRows(view, raster) {
  const events = raster.flatMap((ticks, row) => Array.from(ticks, (tick) => [tick, row]));
  events.sort(([tick, row], [otherTick, otherRow]) => tick - otherTick || row - otherRow);
  return events.map(([tick, row]) => {
    const pattern = view.patternAt(tick);
    return [pattern, tick - view.starts[pattern], row];
  });
}

/** @param {string} id */
export function rowsOfTable(id) {
  const { rows } = byId(id, HTMLTableElement);
  return [...rows].map((row) => [...row.cells].map((cell) => (cell.textContent ?? "").trim()));
}
