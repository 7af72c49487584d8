// Rasters: input spikes, and output spikes against their targets.

import { colours, niceStep } from "./canvas.js";
import { attachGestures } from "./gestures.js";
import { KINDS, NO_TICKS } from "./lanes.js";
import { report } from "./report.js";
import { firstAtLeast } from "./sorted.js";
import { TimePlot } from "./timeplot.js";

/**
 * @typedef {import("./lanes.js").Kind} Kind
 * @typedef {import("./lanes.js").Lanes} Lanes
 * @typedef {import("./view.js").View} View
 */

const TALLEST = 420; // px of all rows: fits on a screen with the axis
const REACH = 4; // px to an event that a pointer still means

export class RasterPlot extends TimePlot {
  /**
   * @param {string} name
   * @param {View} view
   * @param {object} shown
   * @param {Lanes[]} shown.lanes
   * @param {(row: number, tick: number) => string} shown.describe
   * @param {boolean} shown.isChoosing whether rows are neurons, of which one is chosen
   */
  constructor(name, view, { lanes, describe, isChoosing }) {
    super(name, view);
    this.lanes = lanes;
    this.describe = describe;
    this.isChoosing = isChoosing;
    this.focusRow = 0;
    if (isChoosing) view.listen(["row"], () => this.redraw());
    view.listen(["cursor"], () => this.say());
    attachGestures(this);
  }

  get rowHeight() {
    return Math.max(1.2, Math.min(24, TALLEST / Math.max(this.lanes.length, 1)));
  }

  wantedHeight() {
    return this.top + this.bottom + Math.max(this.rowHeight * this.lanes.length, 12);
  }

  /** @param {number} row */
  y(row) {
    return this.top + row * this.rowHeight;
  }

  /** @param {number} y */
  rowAt(y) {
    return Math.max(0, Math.min(this.lanes.length - 1, Math.floor((y - this.top) / this.rowHeight)));
  }

  get shownRow() {
    return this.isChoosing ? this.view.row : this.focusRow;
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    if (!this.lanes.length) {
      this.message(context, "no lines");
      return;
    }
    context.save();
    if (this.isChoosing) this.paintChosen(context);
    this.paintAxis(context);
    this.clip(context);
    for (const kind of KINDS) this.paintKind(context, kind);
    context.restore();
    this.paintRows(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintChosen(context) {
    const height = Math.max(this.rowHeight, 3);
    context.fillStyle = colours.chosen;
    context.fillRect(this.left, this.y(this.view.row + 0.5) - height / 2, this.inner, height);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintRows(context) {
    const step = Math.max(1, niceStep(14 / this.rowHeight));
    context.fillStyle = colours.axis;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let row = 0; row < this.lanes.length; row += step) {
      const name = this.nameOf(row);
      const isShort = name !== undefined && context.measureText(name).width <= this.left - 8;
      context.fillText(isShort ? name : this.label(row), this.left - 7, this.y(row + 0.5));
    }
  }

  /** @param {number} row */
  nameOf(row) {
    return (this.isChoosing ? report.neuronNames : report.lineNames)?.[row];
  }

  /** @param {number} row */
  label(row) {
    return row < report.outputs || !this.isChoosing ? String(row) : `h${row - report.outputs}`;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Kind} kind
   */
  paintKind(context, kind) {
    context.fillStyle = colours[kind.colour];
    context.strokeStyle = colours[kind.colour];
    const { firstTick, endTick } = this;
    for (let row = 0; row < this.lanes.length; row++) {
      const ticks = this.lanes[row][kind.name] ?? NO_TICKS;
      let last = -Infinity;
      for (let i = firstAtLeast(ticks, firstTick); i < ticks.length && ticks[i] < endTick; i++) {
        const x = this.x(ticks[i]);
        if (x - last < 0.7 && this.perTick < 1) continue;
        last = x;
        kind.draw(context, x, this.y(row), this.perTick, this.rowHeight);
      }
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  hover(x, y) {
    if (!this.lanes.length) return null;
    const tick = this.nearestEvent(this.rowAt(y), this.tickAt(x));
    this.focusRow = this.rowAt(y);
    this.view.point(tick);
    return `${this.view.placeOf(tick)}\n${this.describe(this.focusRow, tick)}`;
  }

  /**
   * Return the nearest tick, of those within reach, with something to tell.
   * @param {number} row
   * @param {number} tick
   */
  nearestEvent(row, tick) {
    let best = tick;
    let least = Math.ceil(REACH / this.perTick) + 1;
    for (const { name } of KINDS) {
      if (name === "uncounted") continue;
      const ticks = this.lanes[row][name] ?? NO_TICKS;
      const after = firstAtLeast(ticks, tick);
      for (const found of [ticks[after - 1], ticks[after]]) {
        if (found === undefined || Math.abs(found - tick) >= least) continue;
        least = Math.abs(found - tick);
        best = found;
      }
    }
    return best;
  }

  /**
   * @param {number} _x
   * @param {number} y
   */
  click(_x, y) {
    if (this.isChoosing) this.view.choose(this.rowAt(y));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return false;
    const step = event.key === "ArrowUp" ? -1 : 1;
    const row = Math.max(0, Math.min(this.lanes.length - 1, this.shownRow + step));
    if (this.isChoosing) this.view.choose(row);
    else this.focusRow = row;
    if (this.view.cursor === null) this.view.step(0);
    this.say();
    return true;
  }

  say() {
    const { cursor } = this.view;
    if (!this.canvas.matches(":focus") || !this.lanes.length) return;
    if (cursor === null) {
      this.tell(null);
      return;
    }
    const text = `${this.view.placeOf(cursor)}\n${this.describe(this.shownRow, cursor)}`;
    this.tell(text, this.x(cursor), this.y(this.shownRow + 0.5));
  }
}
