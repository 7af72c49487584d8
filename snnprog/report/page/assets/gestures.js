// Pointer, wheel, fingers and keys on a chart; a chart over ticks is zoomed and panned, too.

import { TimePlot } from "./timeplot.js";

/**
 * @typedef {import("./canvas.js").Plot} Plot
 * @typedef {import("./view.js").View} View
 */

/** @typedef {{ x: number, y: number }} Place */

/** @typedef {{ distance: number, middle: number }} Spread */

/**
 * Where a press began and what was in view then, and how far it has come.
 * @typedef {object} Press
 * @property {number} x
 * @property {number} y
 * @property {number} from
 * @property {number} to
 * @property {string} kind
 * @property {Spread | null} apart
 * @property {number} last
 * @property {boolean} isMoved
 */

const STILL = 5; // px: a press that moves less is a click

/** @param {Plot} plot */
export function attachGestures(plot) {
  const { canvas } = plot;
  const timePlot = plot instanceof TimePlot ? plot : null;
  /** @type {Map<number, Place>} */
  const fingers = new Map();
  /** @type {Press | null} */
  let press = null;

  /** @param {MouseEvent} event */
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const place = placeOf(event);
    fingers.set(event.pointerId, place);
    canvas.setPointerCapture(event.pointerId);
    const { from, to } = timePlot?.view ?? { from: 0, to: 0 };
    const apart = fingers.size === 2 ? spreadOf(fingers) : null;
    press = { ...place, kind: event.pointerType, last: place.x, isMoved: false, from, to, apart };
  });

  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place);
    if (press) {
      if (press.apart || Math.abs(place.x - press.x) > STILL) press.isMoved = true;
      if (timePlot && press.isMoved) follow(timePlot, press, { place, fingers });
    }
    plot.showTip(plot.hover(place.x, place.y), place.x, place.y);
  });

  /** @param {PointerEvent} event */
  const release = (event) => {
    fingers.delete(event.pointerId);
    if (!press || fingers.size) return;
    const { x, y } = placeOf(event);
    const begun = press;
    press = null;
    if (timePlot?.selection) {
      select(timePlot, null);
      if (event.type !== "pointerup") return;
      timePlot.view.show(timePlot.tickAt(Math.min(begun.x, x)), timePlot.tickAt(Math.max(begun.x, x)) + 1);
    } else if (!begun.isMoved && event.type === "pointerup") plot.click(x, y);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    if (press) return;
    plot.showTip(null);
    plot.leave();
  });
  canvas.addEventListener("blur", () => plot.showTip(null));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") canvas.blur();
    else if (plot.key(event) || (timePlot && timeKey(timePlot.view, event))) event.preventDefault();
  });
  if (!timePlot) return;
  canvas.addEventListener("dblclick", () => timePlot.view.showAll());
  canvas.addEventListener("wheel", (event) => turn(timePlot, event, placeOf(event)), { passive: false });
}

/**
 * @param {TimePlot} plot
 * @param {[number, number] | null} span
 */
function select(plot, span) {
  plot.selection = span;
  plot.redrawOverlay();
}

/**
 * @param {Map<number, Place>} fingers
 * @returns {Spread}
 */
function spreadOf(fingers) {
  const [one, other] = [...fingers.values()];
  return { distance: Math.abs(one.x - other.x), middle: (one.x + other.x) / 2 };
}

/**
 * Pinch with two fingers, select with a mouse, pan with one finger.
 * @param {TimePlot} plot
 * @param {Press} press
 * @param {{ place: Place, fingers: Map<number, Place> }} now
 */
function follow(plot, press, { place, fingers }) {
  if (press.apart) {
    if (fingers.size > 1) pinch(plot, press, { before: press.apart, now: spreadOf(fingers) });
  } else if (press.kind === "mouse") select(plot, [press.x, place.x]);
  else {
    plot.view.pan((press.last - place.x) / plot.inner);
    press.last = place.x;
  }
}

/**
 * Zoom so that the ticks stay under the fingers.
 * @param {TimePlot} plot
 * @param {Press} press
 * @param {{ before: Spread, now: Spread }} spreads
 */
function pinch(plot, press, { before, now }) {
  const span = (press.to - press.from) * (before.distance / Math.max(now.distance, 1));
  const about = press.from + ((before.middle - plot.left) / plot.inner) * (press.to - press.from);
  const first = about - ((now.middle - plot.left) / plot.inner) * span;
  plot.view.show(first, first + span);
}

/**
 * The wheel scrolls the page unless the chart is in focus, or Ctrl says that zooming is meant.
 * @param {TimePlot} plot
 * @param {WheelEvent} event
 * @param {Place} place
 */
function turn(plot, event, place) {
  if (!event.ctrlKey && !event.metaKey && document.activeElement !== plot.canvas) return;
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    plot.view.pan((event.deltaX || event.deltaY) / 500);
    return;
  }
  const about = plot.view.from + (place.x - plot.left) / plot.perTick;
  plot.view.zoom(2 ** Math.max(-1, Math.min(1, event.deltaY / 120)), about);
}

/**
 * Return whether a key moved the view or its cursor.
 * @param {View} view
 * @param {KeyboardEvent} event
 */
function timeKey(view, event) {
  const step = event.shiftKey ? 10 : 1;
  const about = view.cursor ?? undefined;
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowLeft: () => view.step(-step),
    ArrowRight: () => view.step(step),
    "+": () => view.zoom(0.5, about),
    "=": () => view.zoom(0.5, about),
    "-": () => view.zoom(2, about),
    0: () => view.showAll(),
    Home: () => view.point(Math.ceil(view.from)),
    End: () => view.point(Math.ceil(view.to) - 1),
    PageUp: () => view.go(-1),
    PageDown: () => view.go(1),
  };
  if (!(event.key in actions)) return false;
  actions[event.key]();
  return true;
}
