// The table of neurons: a name chooses the neuron, a column's head sorts.

import { byId, expectKind } from "./elements.js";
import { report } from "./report.js";

/** @typedef {import("./view.js").View} View */

/** @param {View} view */
export function attachNeuronTable(view) {
  const table = byId("neuron-table", HTMLTableElement);
  const [body, heads] = [table.tBodies[0], headsOf(table)];
  const mark = () => {
    for (const row of body.rows) {
      row.classList.toggle("chosen", report.synapses !== null && Number(row.dataset.row) === view.row);
    }
  };
  body.addEventListener("click", (event) => {
    const target = expectKind(event.target, Element);
    if (target.matches(".choose")) view.choose(Number(expectKind(target.closest("tr"), HTMLElement).dataset.row));
  });
  heads.forEach((head, column) => {
    head.addEventListener("click", () => sortBy(table, column));
    const cells = [...body.rows].map((row) => row.cells[column]);
    const isNumber = cells.every((cell) => /^[-–+\d]/.test(textOf(cell)));
    for (const cell of [head, ...cells]) cell.classList.toggle("number", isNumber);
  });
  view.listen(["row"], mark);
  mark();
}

/** @param {HTMLTableElement} table */
function headsOf(table) {
  return [...expectKind(table.tHead, HTMLTableSectionElement).rows[0].cells];
}

/** @param {Element} cell */
function textOf(cell) {
  return cell.textContent ?? "";
}

/**
 * @param {HTMLTableElement} table
 * @param {number} column
 */
function sortBy(table, column) {
  const heads = headsOf(table);
  const isDescending = heads[column].ariaSort === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].ariaSort = isDescending ? "descending" : "ascending";
  const rows = [...table.tBodies[0].rows].sort((one, other) =>
    compare(textOf(one.cells[column]), textOf(other.cells[column])),
  );
  table.tBodies[0].append(...(isDescending ? rows.reverse() : rows));
}

/**
 * Compare as numbers where both are, else as texts.
 * @param {string} one
 * @param {string} other
 */
function compare(one, other) {
  const [a, b] = [one, other].map((text) => Number(text.replaceAll(",", "")));
  if (Number.isNaN(a) || Number.isNaN(b)) return one.localeCompare(other, "en", { numeric: true });
  return a - b;
}
