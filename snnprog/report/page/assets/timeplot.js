// A chart over ticks: its axis, the patterns, the cursor, and a span that is being selected.

import { colours, niceStep, Plot } from "./canvas.js";

/** @typedef {import("./view.js").View} View */

const TICKS_FROM = 110; // px of a pattern from which on its ticks are numbered

export class TimePlot extends Plot {
  /**
   * @param {string} name
   * @param {View} view
   */
  constructor(name, view) {
    super(name);
    this.view = view;
    this.top = view.starts.length > 1 ? 20 : 14;
    this.bottom = 24;
    /** @type {[number, number] | null} */
    this.selection = null;
    view.listen(["span"], () => this.redraw());
    view.listen(["cursor"], () => this.redrawOverlay());
  }

  /**
   * @param {CanvasRenderingContext2D} _context
   * @param {number} _cursor
   */
  paintCursor(_context, _cursor) {}

  get perTick() {
    return this.inner / (this.view.to - this.view.from);
  }

  /** @param {number} tick */
  x(tick) {
    return this.left + (tick + 0.5 - this.view.from) * this.perTick;
  }

  /** @param {number} tick */
  edge(tick) {
    return this.left + (tick - this.view.from) * this.perTick;
  }

  /** @param {number} x */
  tickAt(x) {
    const tick = Math.floor(this.view.from + (x - this.left) / this.perTick);
    return Math.max(0, Math.min(this.view.ticks - 1, tick));
  }

  get firstTick() {
    return Math.max(0, Math.floor(this.view.from));
  }

  get endTick() {
    return Math.min(this.view.ticks, Math.ceil(this.view.to));
  }

  leave() {
    this.view.point(null);
  }

  /** @param {CanvasRenderingContext2D} context */
  clip(context) {
    context.beginPath();
    context.rect(this.left, 0, this.inner, this.height - this.bottom + 1);
    context.clip();
  }

  /** @param {CanvasRenderingContext2D} context */
  paintAxis(context) {
    const base = this.height - this.bottom;
    context.strokeStyle = colours.line;
    context.beginPath();
    context.moveTo(this.left, base + 0.5);
    context.lineTo(this.left + this.inner, base + 0.5);
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillStyle = colours.axis;
    this.paintPatterns(context, base);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} base
   * @param {number} pattern
   */
  paintTicks(context, base, pattern) {
    const start = this.view.starts[pattern];
    const step = Math.max(1, niceStep((this.isNarrow ? 52 : 72) / this.perTick));
    const first = Math.ceil(Math.max(0, this.firstTick - start) / step) * step;
    for (let tick = first; start + tick < Math.min(this.endTick, this.view.endOf(pattern)); tick += step) {
      const x = this.x(start + tick);
      if (x < this.left || x > this.left + this.inner) continue;
      this.paintLine(context, x, base);
      context.fillText(String(tick), x, base + 6);
    }
  }

  /**
   * Paint each pattern in view: where it starts, its number where there is room, its ticks where it is wide.
   * @param {CanvasRenderingContext2D} context
   * @param {number} base
   */
  paintPatterns(context, base) {
    const { starts } = this.view;
    const usual = (this.perTick * this.view.ticks) / starts.length;
    const widest = context.measureText(`#${starts.length}`).width + 12;
    const step = Math.max(1, niceStep(widest / usual));
    for (let pattern = this.view.patternAt(this.firstTick); starts[pattern] < this.endTick; pattern++) {
      const from = Math.max(this.edge(starts[pattern]), this.left);
      const to = Math.min(this.edge(this.view.endOf(pattern)), this.left + this.inner);
      const isWide = to - from >= TICKS_FROM;
      if (isWide || starts.length === 1) this.paintTicks(context, base, pattern);
      if (starts.length === 1) return;
      if (starts[pattern] >= this.view.from && to - from > 3) this.paintLine(context, from, base);
      if (pattern % step === 0) context.fillText(`${isWide ? "pattern " : "#"}${pattern}`, (from + to) / 2, 1);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} base
   */
  paintLine(context, x, base) {
    context.strokeStyle = colours.grid;
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, this.top - 4);
    context.lineTo(Math.round(x) + 0.5, base);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context */
  paintOverlay(context) {
    const { cursor } = this.view;
    if (this.selection) {
      context.fillStyle = colours.right;
      context.globalAlpha = 0.2;
      const [from, to] = this.selection;
      context.fillRect(Math.min(from, to), 0, Math.abs(to - from), this.height - this.bottom);
      context.globalAlpha = 1;
    }
    if (cursor === null || cursor + 1 <= this.view.from || cursor >= this.view.to) return;
    const x = Math.round(this.x(cursor)) + 0.5;
    context.strokeStyle = colours.cursor;
    context.globalAlpha = 0.55;
    context.beginPath();
    context.moveTo(x, 2);
    context.lineTo(x, this.height - this.bottom);
    context.stroke();
    context.globalAlpha = 1;
    this.paintCursor(context, cursor);
  }
}
