// The controls above the charts: pattern, neuron, zoom, and the way from difference to difference.

import { byId } from "./elements.js";
import { report } from "./report.js";

/**
 * @typedef {import("./lanes.js").Lanes} Lanes
 * @typedef {import("./view.js").View} View
 */

/** @param {string} id */
function button(id) {
  return byId(id, HTMLButtonElement);
}

/**
 * The choice of the neuron that the charts inside it show.
 * @param {View} view
 */
export function attachChoice(view) {
  const select = byId("neuron", HTMLSelectElement);
  const heading = document.getElementById("chosen");
  select.append(...report.rows.map((row, index) => new Option(row.name, String(index))));
  select.addEventListener("change", () => view.choose(Number(select.value)));
  const update = () => {
    select.value = String(view.row);
    if (heading) heading.textContent = report.rows[view.row].name;
  };
  view.listen(["row"], update);
  update();
}

/**
 * The choice of a pattern, and the buttons that zoom and pan.
 * @param {View} view
 */
export function attachSpan(view) {
  const select = byId("pattern", HTMLSelectElement);
  const all = new Option(`all ${view.starts.length}`, "");
  select.append(all, ...view.starts.map((_, index) => new Option(`pattern ${index}`, String(index))));
  byId("pattern-label", HTMLElement).hidden = view.starts.length < 2;
  select.addEventListener("change", () => {
    if (select.value === "") view.showAll();
    else view.showPattern(Number(select.value));
  });
  button("zoom-in").addEventListener("click", () => view.zoom(0.5, view.cursor ?? undefined));
  button("zoom-out").addEventListener("click", () => view.zoom(2));
  button("earlier").addEventListener("click", () => view.go(-1));
  button("later").addEventListener("click", () => view.go(1));
  button("reset").addEventListener("click", () => view.showAll());
  view.listen(["span"], () => updateSpan(view, select));
  updateSpan(view, select);
}

/**
 * @param {View} view
 * @param {HTMLSelectElement} select
 */
function updateSpan(view, select) {
  const [first, last] = [Math.floor(view.from), Math.ceil(view.to) - 1];
  const pattern = view.patternAt(first);
  select.value = view.starts.length > 1 ? String(view.wholePattern ?? "") : "";
  const end = view.patternAt(last) === pattern ? last - view.starts[pattern] : view.placeOf(last);
  byId("span", HTMLOutputElement).textContent = `${view.placeOf(first)} to ${end}`;
  button("earlier").disabled = view.from <= 0;
  button("later").disabled = view.to >= view.ticks;
  button("zoom-out").disabled = button("reset").disabled = view.to - view.from >= view.ticks;
}

/**
 * Buttons that go from one wrong bin, or one demand of a contradiction, to the next.
 * @param {View} view
 * @param {Lanes[]} lanes
 */
export function attachDifferences(view, lanes) {
  const places = differencesIn(lanes);
  if (!places.length) return;
  const [group, next, previous] = [byId("differences", HTMLElement), button("next-difference"), button("previous-difference")];
  group.hidden = false;
  if (report.conflicts) {
    next.textContent = "Next demand";
    previous.ariaLabel = "Previous demand";
    group.ariaLabel = "Demands that contradict one another";
  }
  let at = -1;
  /** @param {number} step */
  const go = (step) => {
    at = (at + step + places.length) % places.length;
    view.choose(places[at].row);
    view.centre(places[at].tick);
    view.point(places[at].tick);
  };
  next.addEventListener("click", () => go(1));
  previous.addEventListener("click", () => go(at < 0 ? 0 : -1));
}

/** @param {Lanes[]} lanes */
function differencesIn(lanes) {
  const places = lanes.flatMap(({ missing, extra, conflict }, row) =>
    [missing, extra, conflict].flatMap((ticks) => [...(ticks ?? [])].map((tick) => ({ tick, row }))),
  );
  return places.sort((one, other) => one.tick - other.tick || one.row - other.row);
}
