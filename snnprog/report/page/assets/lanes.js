// What each row of a raster shows: ticks by kind, and how each kind is marked by colour and shape.

import { report } from "./report.js";
import { includes } from "./sorted.js";

/** @typedef {import("./canvas.js").Colour} Colour */

/**
 * @typedef {"uncounted" | "target" | "plain" | "demand" | "right" | "free" | "missing" | "extra" | "conflict"} KindName
 */

/**
 * The ticks of one row, by kind; a kind that does not apply is left out.
 * @typedef {Partial<Record<KindName, Int32Array>>} Lanes
 */

/**
 * Paint a mark: its middle, the row's upper edge, the width of a tick and the height of a row, in pixels.
 * @typedef {(context: CanvasRenderingContext2D, x: number, y: number, perTick: number, height: number) => void} Draw
 */

/** @typedef {{ name: KindName, colour: Colour, text: string, draw: Draw }} Kind */

export const NO_TICKS = new Int32Array(0);

/** @type {Draw} */
function bar(context, x, y, perTick, height) {
  const width = Math.max(1, Math.min(5, perTick * 0.4));
  const inset = height > 6 ? height * 0.14 : 0;
  context.fillRect(x - width / 2, y + inset, width, Math.max(1, height - 2 * inset));
}

/** @type {Draw} */
function slot(context, x, y, perTick, height) {
  const width = Math.max(1, Math.min(11, perTick * 0.9));
  context.fillRect(x - width / 2, y + (height > 6 ? 1 : 0), width, Math.max(1, height - (height > 6 ? 2 : 0)));
}

/** @type {Draw} */
function cross(context, x, y, perTick, height) {
  const reach = Math.max(3, Math.min(5, height * 0.36, Math.max(perTick, 6) * 0.6));
  const middle = y + height / 2;
  context.lineWidth = reach > 3 ? 2 : 1.5;
  context.beginPath();
  context.moveTo(x - reach, middle - reach);
  context.lineTo(x + reach, middle + reach);
  context.moveTo(x - reach, middle + reach);
  context.lineTo(x + reach, middle - reach);
  context.stroke();
}

/** @type {Draw} */
function diamond(context, x, y, perTick, height) {
  const reach = Math.max(3, Math.min(6, height * 0.42, Math.max(perTick, 6) * 0.7));
  const middle = y + height / 2;
  context.beginPath();
  context.moveTo(x, middle - reach);
  context.lineTo(x + reach, middle);
  context.lineTo(x, middle + reach);
  context.lineTo(x - reach, middle);
  context.fill();
}

/** @type {Draw} */
function ring(context, x, y, _perTick, height) {
  const reach = Math.max(2.5, Math.min(8, height * 0.46));
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y + height / 2, reach, 0, 2 * Math.PI);
  context.stroke();
}

/** @type {Draw} */
function shade(context, x, y, perTick, height) {
  context.fillRect(x - perTick / 2, y, perTick + 0.5, height);
}

/**
 * All kinds, in the order in which they are painted.
 * @type {Kind[]}
 */
export const KINDS = [
  { name: "uncounted", colour: "uncounted", text: "don't care", draw: shade },
  { name: "target", colour: "slot", text: "target", draw: slot },
  { name: "plain", colour: "input", text: "spike", draw: bar },
  { name: "demand", colour: "right", text: "target spike", draw: bar },
  { name: "right", colour: "right", text: "output spike, as in the target", draw: bar },
  { name: "free", colour: "free", text: "output spike in a don't-care bin", draw: bar },
  { name: "missing", colour: "missing", text: "missing", draw: cross },
  { name: "extra", colour: "extra", text: "extra", draw: diamond },
  { name: "conflict", colour: "missing", text: "in a contradiction", draw: ring },
];

/**
 * Return whether any row shows a kind.
 * @param {Lanes[]} lanes
 * @param {KindName} name
 */
export function isShown(lanes, name) {
  return lanes.some((row) => row[name]?.length);
}

/**
 * @param {import("./report.js").Points | null | undefined} points
 * @param {number} rows
 */
function byRow(points, rows) {
  /** @type {number[][]} */
  const found = Array.from({ length: rows }, () => []);
  if (points) points.ticks.forEach((tick, index) => found[points.rows[index]].push(tick));
  return found.map((ticks) => Int32Array.from(ticks).sort());
}

/**
 * Return what each output and hidden neuron shows.
 * @param {Record<"spikes" | "targets" | "uncounted", Int32Array[] | null>} rasters
 * @returns {Lanes[]}
 */
export function outputLanes({ spikes, targets, uncounted }) {
  const rows = report.rows.length;
  const missing = byRow(report.wrong?.missing, rows);
  const extra = byRow(report.wrong?.extra, rows);
  const conflict = byRow(report.conflicts, rows);
  return report.rows.map((_, row) => {
    const target = targets?.[row];
    const blank = uncounted?.[row] ?? NO_TICKS;
    const lanes = { uncounted: blank, conflict: conflict[row], missing: missing[row], extra: extra[row] };
    if (!spikes) return { ...lanes, demand: target };
    if (!target) return { ...lanes, plain: spikes[row] };
    const counted = spikes[row].filter((tick) => !includes(blank, tick));
    return {
      ...lanes,
      target,
      right: counted.filter((tick) => !includes(extra[row], tick)),
      free: spikes[row].filter((tick) => includes(blank, tick)),
    };
  });
}

/**
 * @param {Lanes[]} lanes
 * @param {number} row
 * @param {number} tick
 */
export function describeOutput(lanes, row, tick) {
  /** @param {KindName} name */
  const has = (name) => includes(lanes[row][name] ?? NO_TICKS, tick);
  return `${report.rows[row].name}: ${outcome(lanes[row], has)}`;
}

/**
 * @param {Lanes} lanes
 * @param {(name: KindName) => boolean} has
 */
function outcome(lanes, has) {
  if (has("missing")) return "missing spike";
  if (has("extra")) return "extra spike";
  if (lanes.demand) {
    const demand = has("demand") ? "target is a spike" : has("uncounted") ? "don't care" : "target is silence";
    return has("conflict") ? `${demand}, in a contradiction` : demand;
  }
  if (lanes.plain) return has("plain") ? "spike" : "silent";
  if (has("uncounted")) return `${has("free") ? "spike" : "silent"} (don't care)`;
  return `${has("right") ? "spike" : "silent"}, as in the target`;
}
