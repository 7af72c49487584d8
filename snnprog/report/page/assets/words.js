// What the charts show, in words: tables that are made when they are opened.

import { byId, element, expectKind } from "./elements.js";
import { isShown, KINDS, NO_TICKS } from "./lanes.js";
import { report } from "./report.js";

/**
 * @typedef {import("./lanes.js").Lanes} Lanes
 * @typedef {import("./view.js").Change} Change
 * @typedef {import("./view.js").View} View
 */

/** @typedef {{ columns: string[], rows: () => string[][] }} Words */

const SHOWN = 400; // rows of a table, or ticks of a row: more are slow to lay out, and nobody reads them

/**
 * Fill a table when its details are opened, and again when what it tells changes.
 * @param {string} name
 * @param {View} view
 * @param {Words & { changes: Change[] }} words
 */
export function attachWords(name, view, { changes, columns, rows }) {
  const details = byId(`${name}-words`, HTMLDetailsElement);
  const place = expectKind(details.lastElementChild, HTMLElement);
  const fill = () => {
    if (details.open) place.replaceChildren(...tableOf(columns, rows()));
  };
  details.addEventListener("toggle", fill);
  view.listen(changes, fill);
}

/**
 * @param {string[]} columns
 * @param {string[][]} rows
 */
function tableOf(columns, rows) {
  const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col", textContent: column })));
  const lines = rows.slice(0, SHOWN).map(([first, ...cells]) => {
    const others = cells.map((cell) => element("td", { textContent: cell }));
    return element("tr", {}, element("th", { scope: "row", textContent: first }), ...others);
  });
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  const left = rows.length - SHOWN;
  return left > 0
    ? [table, element("p", { className: "note", textContent: `${left} more rows not shown; zoom in to see them.` })]
    : [table];
}

/**
 * Return the spikes in view of each output and hidden neuron.
 * @param {View} view
 * @param {Lanes[]} lanes
 * @returns {Words}
 */
export function spikeTimes(view, lanes) {
  const kinds = KINDS.filter(({ name }) => name !== "uncounted" && isShown(lanes, name));
  /** @param {Int32Array} [ticks] */
  const list = (ticks = NO_TICKS) => {
    const inView = ticks.filter((tick) => tick >= view.from && tick < view.to);
    const shown = [...inView.slice(0, SHOWN)].map((tick) => view.shortPlaceOf(tick));
    return shown.join(", ") + (inView.length > SHOWN ? ", …" : "") || "none";
  };
  return {
    columns: ["neuron", ...kinds.map(({ text }) => text)],
    rows: () => lanes.map((row, index) => [report.rows[index].name, ...kinds.map(({ name }) => list(row[name]))]),
  };
}
