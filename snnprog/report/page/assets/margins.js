// The margin of each neuron: its nearest spike above the threshold, and its nearest silence below.

import { colours, decimal, niceStep, Plot } from "./canvas.js";
import { attachGestures } from "./gestures.js";
import { report } from "./report.js";

/** @typedef {import("./view.js").View} View */

const HEIGHT = 200; // px
const WIDEST_COLUMN = 72; // px
const CUT_AT = 3; // bars longer than this many times the median are cut, or the others would all look alike

export class MarginsPlot extends Plot {
  /** @param {View} view */
  constructor(view) {
    super("margins");
    this.view = view;
    this.top = 16;
    this.bottom = 26;
    this.most = 1;
    view.listen(["row"], () => this.redraw());
    attachGestures(this);
    this.redraw();
  }

  wantedHeight() {
    return HEIGHT;
  }

  get count() {
    return report.rows.length;
  }

  get column() {
    return Math.min(WIDEST_COLUMN, this.inner / this.count);
  }

  /** Find the longest bar that is shown in full. */
  measure() {
    const found = report.rows.flatMap((row) => row.nearest ?? []).filter((value) => value !== null);
    const sorted = found.map(Math.abs).sort((one, other) => one - other);
    const greatest = sorted.at(-1) ?? 1;
    const median = sorted[Math.floor(sorted.length / 2)] ?? 1;
    this.most = Math.max(Math.min(greatest, CUT_AT * median), 1e-6) * 1.08;
  }

  get zero() {
    return (this.top + this.height - this.bottom) / 2;
  }

  /** @param {number} value */
  length(value) {
    return Math.min(1, Math.abs(value) / this.most) * (this.zero - this.top);
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    this.measure();
    this.paintScale(context);
    const chosen = this.left + this.view.row * this.column;
    context.fillStyle = colours.chosen;
    context.fillRect(chosen, this.top - 8, Math.max(this.column, 2), this.height - this.bottom - this.top + 16);
    report.rows.forEach((row, index) => {
      const [spike, silence] = row.nearest ?? [null, null];
      if (spike !== null) this.paintBar(context, index, { isSpike: true, value: spike });
      if (silence !== null) this.paintBar(context, index, { isSpike: false, value: silence });
    });
    context.strokeStyle = colours.axis;
    context.beginPath();
    context.moveTo(this.left, Math.round(this.zero) + 0.5);
    context.lineTo(this.left + this.inner, Math.round(this.zero) + 0.5);
    context.stroke();
    this.paintNames(context);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} index
   * @param {{ isSpike: boolean, value: number }} bar
   */
  paintBar(context, index, { isSpike, value }) {
    const gap = this.column > 6 ? this.column * 0.18 : this.column > 2 ? 0.5 : 0;
    const length = Math.max(1, this.length(value));
    const x = this.left + index * this.column + gap;
    const y = isSpike ? this.zero - length : this.zero;
    context.fillStyle = colours[value < 0 ? "missing" : isSpike ? "spike-side" : "silence-side"];
    context.fillRect(x, y, Math.max(0.8, this.column - 2 * gap), length);
    if (Math.abs(value) <= this.most || this.column < 6) return;
    context.fillStyle = colours.card;
    context.fillRect(x, isSpike ? y + 8 : y + length - 10, this.column - 2 * gap, 2);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintScale(context) {
    context.textAlign = "right";
    context.textBaseline = "middle";
    const step = niceStep((this.most * 30) / (this.zero - this.top));
    for (let value = 0; value <= this.most; value += step) {
      for (const sign of value ? [-1, 1] : [1]) {
        const y = this.zero - sign * this.length(value);
        context.strokeStyle = colours.grid;
        context.beginPath();
        context.moveTo(this.left, Math.round(y) + 0.5);
        context.lineTo(this.left + this.inner, Math.round(y) + 0.5);
        context.stroke();
        context.fillStyle = colours.axis;
        context.fillText(decimal(value), this.left - 6, y, this.left - 8);
      }
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  paintNames(context) {
    context.fillStyle = colours.axis;
    context.textAlign = "center";
    context.textBaseline = "top";
    const step = Math.max(1, niceStep(34 / this.column));
    for (let row = 0; row < this.count; row += step) {
      const text = row < report.outputs ? String(row) : `h${row - report.outputs}`;
      context.fillText(text, this.left + (row + 0.5) * this.column, this.height - this.bottom + 8);
    }
  }

  /** @param {number} row */
  describe(row) {
    const { name, nearest } = report.rows[row];
    const sides = (nearest ?? []).map((value, side) => {
      const what = side === 0 ? "spike" : "silence";
      if (value === null) return `no ${what} in the target`;
      return value < 0 ? `${what} missed by ${decimal(-value)} LSB` : `nearest ${what} ${decimal(value)} LSB away`;
    });
    return `${name}\n${sides.join(", ")}`;
  }

  /** @param {number} x */
  rowAt(x) {
    const row = Math.floor((x - this.left) / this.column);
    return row >= 0 && row < this.count ? row : null;
  }

  /** @param {number} x */
  hover(x) {
    const row = this.rowAt(x);
    return row === null ? null : this.describe(row);
  }

  /** @param {number} x */
  click(x) {
    const row = this.rowAt(x);
    if (row !== null) this.view.choose(row);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -this.count, End: this.count };
    if (!(event.key in steps)) return false;
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    this.view.choose(Math.max(0, Math.min(this.count - 1, this.view.row + step)));
    this.tell(this.describe(this.view.row), this.left + (this.view.row + 0.5) * this.column, this.zero);
    return true;
  }
}
