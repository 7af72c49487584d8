// The potential of the chosen neuron against its threshold, with the margin that no counted tick comes into.

import { colours, decimal, niceStep } from "./canvas.js";
import { attachGestures } from "./gestures.js";
import { describeOutput, NO_TICKS } from "./lanes.js";
import { report } from "./report.js";
import { firstAtLeast, includes } from "./sorted.js";
import { TimePlot } from "./timeplot.js";
import { unpackBand, unpackPotential } from "./unpacking.js";

/**
 * @typedef {import("./canvas.js").Colour} Colour
 * @typedef {import("./lanes.js").Lanes} Lanes
 * @typedef {import("./view.js").View} View
 */

const HEIGHT = 260; // px
const NEAR_MARGINS = 6; // how many margins on each side of the threshold "near the threshold" shows

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{ x: number, y: number, away: -1 | 1, colour: string }} triangle its tip, and on which side its base is
 */
export function paintTriangle(context, { x, y, away, colour }) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 5, y + away * 8);
  context.lineTo(x + 5, y + away * 8);
  context.fill();
}

export class PotentialPlot extends TimePlot {
  /**
   * @param {View} view
   * @param {{ lanes: Lanes[], spikes: Int32Array[], held: Int32Array[] | null }} run
   */
  constructor(view, { lanes, spikes, held }) {
    super("potential", view);
    this.lanes = lanes;
    this.spikes = spikes;
    this.held = held;
    /** @type {import("./unpacking.js").Potential | null} */
    this.potential = null;
    /** @type {import("./unpacking.js").Band | null} */
    this.band = null;
    this.isNear = false;
    this.low = 0;
    this.high = 1;
    view.listen(["row"], () => this.load());
    view.listen(["cursor"], () => this.say());
    attachGestures(this);
    this.loaded = this.load();
  }

  get neuron() {
    return report.rows[this.view.row];
  }

  get threshold() {
    return (this.neuron.threshold ?? 0) / report.unit;
  }

  /** Distances of the nearest spike and silence from the threshold; 0 where there is none. */
  get margins() {
    const [spike, silence] = this.neuron.nearest ?? [null, null];
    return { above: Math.max(0, spike ?? 0), below: Math.max(0, silence ?? 0) };
  }

  async load() {
    const { row } = this.view;
    const [packed, packedBand] = [report.potentials?.[row], report.bands?.rows[row]];
    this.potential = this.band = null;
    if (packed) {
      const unpacking = packedBand ? unpackBand(packedBand) : null;
      const [potential, band] = await Promise.all([unpackPotential(packed), unpacking]);
      if (row !== this.view.row) return;
      [this.potential, this.band] = [potential, band];
    }
    this.redraw();
  }

  wantedHeight() {
    return this.isNarrow ? HEIGHT * 0.85 : HEIGHT;
  }

  /**
   * Return what the potential reached at a tick, in LSBs.
   * @param {number} tick
   */
  at(tick) {
    return (this.potential?.reached[tick] ?? 0) / report.unit;
  }

  /**
   * Return the least and the greatest potential at a tick over all perturbed inputs, in LSBs; null if unknown.
   * @param {number} tick
   * @returns {[number, number] | null}
   */
  reachedUnderAll(tick) {
    if (!this.band) return null;
    return [this.band.least[tick] / report.unit, this.band.greatest[tick] / report.unit];
  }

  /** @param {number} tick */
  isSpike(tick) {
    return includes(this.spikes[this.view.row], tick);
  }

  /** @param {number} tick */
  isHeld(tick) {
    return this.held !== null && includes(this.held[this.view.row], tick);
  }

  /** Find the span of potentials in view, with the threshold in it. */
  measure() {
    let low = Math.min(0, this.threshold);
    let high = Math.max(0, this.threshold);
    for (let tick = this.firstTick; tick < this.endTick; tick++) {
      low = Math.min(low, this.at(tick));
      high = Math.max(high, this.at(tick));
      const reached = this.reachedUnderAll(tick);
      if (reached) [low, high] = [Math.min(low, reached[0]), Math.max(high, reached[1])];
    }
    if (this.isNear) {
      const margin = Math.max(this.margins.above, this.margins.below) || (high - low) / 40;
      low = Math.max(low, this.threshold - NEAR_MARGINS * margin);
      high = Math.min(high, this.threshold + NEAR_MARGINS * margin);
    }
    const room = (high - low || 1) * 0.08;
    this.low = low - room;
    this.high = high + room;
  }

  /** @param {number} value */
  y(value) {
    const base = this.height - this.bottom;
    return base - ((value - this.low) / (this.high - this.low)) * (base - this.top);
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    if (!this.potential) {
      const isKept = report.potentials?.[this.view.row] !== undefined;
      const omitted = "The potential of this neuron is not in this page: its margin is among the widest.";
      this.message(context, isKept ? "unpacking …" : omitted);
      return;
    }
    this.measure();
    context.save();
    this.paintAxis(context);
    this.clip(context);
    this.paintUncounted(context);
    this.paintBand(context);
    this.paintPerturbed(context);
    this.paintThreshold(context);
    if (this.perTick >= 1) this.paintCurve(context, this.potential.left);
    else this.paintColumns(context, this.potential.reached);
    if (this.perTick >= 5) this.paintDots(context);
    this.paintWrong(context);
    this.paintNearest(context);
    context.restore();
    this.paintScale(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintUncounted(context) {
    const ticks = this.lanes[this.view.row].uncounted ?? NO_TICKS;
    context.fillStyle = colours.uncounted;
    let last = -Infinity;
    for (let i = firstAtLeast(ticks, this.firstTick); i < ticks.length && ticks[i] < this.endTick; i++) {
      const x = this.edge(ticks[i]);
      if (x - last < 0.7 && this.perTick < 1) continue;
      last = x;
      context.fillRect(x, this.top - 4, this.perTick + 0.5, this.height - this.bottom - this.top + 4);
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  paintBand(context) {
    const above = this.y(this.threshold + this.margins.above);
    const below = this.y(this.threshold - this.margins.below);
    context.fillStyle = colours.band;
    context.fillRect(this.left, above, this.inner, Math.max(below - above, 0));
  }

  /**
   * Paint what all perturbed inputs can reach: a box for each tick, or for each column of pixels that holds many.
   * @param {CanvasRenderingContext2D} context
   */
  paintPerturbed(context) {
    if (!this.band) return;
    const ticks = Math.max(1, Math.floor(1 / this.perTick));
    context.fillStyle = colours.perturbed;
    for (let from = this.firstTick - (this.firstTick % ticks); from < this.endTick; from += ticks) {
      let [low, high] = [Infinity, -Infinity];
      for (let tick = from; tick < Math.min(from + ticks, this.view.ticks); tick++) {
        const [least, greatest] = /** @type {[number, number]} */ (this.reachedUnderAll(tick));
        [low, high] = [Math.min(low, least), Math.max(high, greatest)];
      }
      const [left, right] = [Math.round(this.edge(from)), Math.round(this.edge(from + ticks))];
      const top = this.y(high);
      context.fillRect(left, top, right - left, Math.max(2, this.y(low) - top));
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  paintThreshold(context) {
    const y = Math.round(this.y(this.threshold)) + 0.5;
    context.strokeStyle = colours.threshold;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(this.left, y);
    context.lineTo(this.left + this.inner, y);
    context.stroke();
    context.setLineDash([]);
  }

  /**
   * Paint a line from tick to tick; at a spike, down to what it leaves.
   * @param {CanvasRenderingContext2D} context
   * @param {Int32Array} left
   */
  paintCurve(context, left) {
    context.strokeStyle = colours.potential;
    context.lineWidth = 1.5;
    context.beginPath();
    const first = Math.max(0, this.firstTick - 1);
    const spikes = this.spikes[this.view.row];
    let next = firstAtLeast(spikes, first);
    for (let tick = first; tick < Math.min(this.view.ticks, this.endTick + 1); tick++) {
      const x = this.x(tick);
      if (tick === first || this.view.isStart(tick)) context.moveTo(x, this.y(this.at(tick)));
      else context.lineTo(x, this.y(this.at(tick)));
      if (spikes[next] === tick) context.lineTo(x, this.y(left[next++] / report.unit));
    }
    context.stroke();
    context.lineWidth = 1;
  }

  /**
   * Paint columns of pixels that hold many ticks: from the lowest to the highest of them and of the tick before.
   * @param {CanvasRenderingContext2D} context
   * @param {Int32Array} reached
   */
  paintColumns(context, reached) {
    context.fillStyle = colours.potential;
    const columns = Math.ceil(this.inner);
    for (let column = 0; column < columns; column++) {
      const from = Math.max(this.firstTick, Math.floor(this.view.from + column / this.perTick));
      const to = Math.min(this.endTick, Math.max(from + 1, Math.floor(this.view.from + (column + 1) / this.perTick)));
      let low = Infinity;
      let high = -Infinity;
      for (let tick = this.view.isStart(from) ? from : from - 1; tick < to; tick++) {
        low = Math.min(low, reached[tick]);
        high = Math.max(high, reached[tick]);
      }
      if (low > high) continue;
      const top = this.y(high / report.unit);
      context.fillRect(this.left + column, top, 1, Math.max(1, this.y(low / report.unit) - top));
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} tick
   * @param {{ colour: Colour, radius: number }} dot
   */
  paintDot(context, tick, { colour, radius }) {
    context.fillStyle = colours[colour];
    context.beginPath();
    context.arc(this.x(tick), this.y(this.at(tick)), radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** @param {CanvasRenderingContext2D} context */
  paintDots(context) {
    const uncounted = this.lanes[this.view.row].uncounted ?? NO_TICKS;
    for (let tick = this.firstTick; tick < this.endTick; tick++) {
      const colour = includes(uncounted, tick) ? "free" : "potential";
      this.paintDot(context, tick, { colour, radius: this.isSpike(tick) ? 3.5 : 1.8 });
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  paintWrong(context) {
    for (const colour of /** @type {const} */ (["missing", "extra"])) {
      for (const tick of this.lanes[this.view.row][colour] ?? NO_TICKS) {
        if (tick >= this.firstTick && tick < this.endTick) this.paintDot(context, tick, { colour, radius: 4.5 });
      }
    }
  }

  /**
   * Paint a triangle at the spike that comes least above the threshold, and at the silence that stays least below.
   * @param {CanvasRenderingContext2D} context
   */
  paintNearest(context) {
    (this.neuron.nearestTicks ?? []).forEach((tick, side) => {
      if (tick < this.firstTick || tick >= this.endTick) return;
      const y = Math.max(this.top, Math.min(this.height - this.bottom, this.y(this.at(tick))));
      const away = side === 0 ? -1 : 1;
      const colour = colours[side === 0 ? "spike-side" : "silence-side"];
      paintTriangle(context, { x: this.x(tick), y: y + away * 5, away, colour });
    });
  }

  /** @param {CanvasRenderingContext2D} context */
  paintScale(context) {
    const base = this.height - this.bottom;
    const step = niceStep(((this.high - this.low) * 34) / (base - this.top));
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = colours.axis;
    for (let value = Math.ceil(this.low / step) * step; value <= this.high; value += step) {
      const text = decimal(Math.abs(value) < step / 1000 ? 0 : value);
      context.fillText(text, this.left - 6, this.y(value), this.left - 8);
    }
  }

  /** @param {number} tick */
  describe(tick) {
    const value = this.at(tick);
    if (this.isHeld(tick)) return `potential ${decimal(value)} LSB: held, in the refractory period`;
    const distance = value - this.threshold;
    const side = distance === 0 ? "at" : distance > 0 ? "above" : "below";
    const whole = String(this.potential?.reached[tick] ?? 0).replace("-", "−");
    const exact = report.unit > 1 ? ` (${whole} / ${report.unit})` : "";
    const sentence = `${decimal(Math.abs(distance))} ${side} the threshold ${decimal(this.threshold)}`;
    const reached = this.reachedUnderAll(tick);
    const under = reached ? `\nall perturbed inputs: ${decimal(reached[0])} to ${decimal(reached[1])} LSB` : "";
    return `potential ${decimal(value)} LSB${exact}\n${sentence}${under}`;
  }

  /** Return all ticks: potentials before the reset, as the chip's integers and in weight LSBs; then the band. */
  table() {
    /** @type {(string | number)[][]} */
    const rows = [["neuron", "pattern", "tick", "potential", "potential_lsb", "threshold_lsb", "spike"]];
    const { band } = this;
    if (band) rows[0].push("least_perturbed", "greatest_perturbed");
    const { reached } = this.potential ?? { reached: [] };
    reached.forEach((value, tick) => {
      const pattern = this.view.patternAt(tick);
      const place = [this.neuron.name, pattern, tick - this.view.starts[pattern]];
      const under = band ? [band.least[tick], band.greatest[tick]] : [];
      rows.push([...place, value, value / report.unit, this.threshold, Number(this.isSpike(tick)), ...under]);
    });
    return rows;
  }

  /** Return the ticks in view as rows of texts. */
  rowsInWords() {
    if (!this.potential) return [];
    const ticks = Array.from({ length: this.endTick - this.firstTick }, (_, index) => this.firstTick + index);
    return ticks.map((tick) => {
      const value = this.at(tick);
      const spike = this.isSpike(tick) ? "spike" : "";
      const reached = this.reachedUnderAll(tick);
      const under = reached ? `${decimal(reached[0])} to ${decimal(reached[1])}` : "";
      const columns = [this.view.shortPlaceOf(tick), decimal(value), decimal(value - this.threshold), spike];
      return report.bands?.legend ? [...columns, under] : columns;
    });
  }

  /** @param {number} x */
  hover(x) {
    if (!this.potential) return null;
    const tick = this.tickAt(x);
    this.view.point(tick);
    const output = describeOutput(this.lanes, this.view.row, tick);
    return `${this.view.placeOf(tick)}\n${this.describe(tick)}\n${output}`;
  }

  say() {
    const { cursor } = this.view;
    if (!this.potential || !this.canvas.matches(":focus")) return;
    if (cursor === null) {
      this.tell(null);
      return;
    }
    this.tell(`${this.view.placeOf(cursor)}\n${this.describe(cursor)}`, this.x(cursor), this.y(this.at(cursor)));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} cursor
   */
  paintCursor(context, cursor) {
    if (!this.potential) return;
    context.fillStyle = colours.cursor;
    context.beginPath();
    context.arc(this.x(cursor), this.y(this.at(cursor)), 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}
