// The weights of the chosen neuron by line and delay: the longer of the two runs across.

import { colours, decimal, niceStep, Plot } from "./canvas.js";
import { attachGestures } from "./gestures.js";
import { nameOfInput, report } from "./report.js";
import { firstAtLeast } from "./sorted.js";

/**
 * @typedef {import("./unpacking.js").Synapses} Synapses
 * @typedef {import("./view.js").View} View
 */

/** @typedef {{ line: number, delay: number }} Cell */

const WIDEST_CELL = 44; // px
const HIGHEST_CELL = 22; // px
const TALLEST = 340; // px of all rows of cells
const FAINTEST = 0.12; // opacity of the least weight, so that it differs from no synapse

/** @param {number} line */
function nameOfLine(line) {
  return line < report.lines ? nameOfInput(line) : report.rows[line - report.lines].name;
}

/**
 * Return all synapses as rows: where they come from, the neuron, the delay in ticks and the weight in LSBs.
 * @param {Synapses} synapses
 */
export function synapseRows({ line, row, delay, weight }) {
  /** @type {(string | number)[][]} */
  const rows = [["from", "to", "delay_ticks", "weight_lsb"]];
  line.forEach((from, i) => rows.push([nameOfLine(from), report.rows[row[i]].name, delay[i], weight[i]]));
  return rows;
}

/** @param {number} share of the greatest weight */
function opacity(share) {
  return FAINTEST + (1 - FAINTEST) * Math.abs(share);
}

export class WeightsPlot extends Plot {
  /**
   * @param {View} view
   * @param {Synapses} synapses
   */
  constructor(view, synapses) {
    super("weights");
    this.view = view;
    this.synapses = synapses;
    this.lines = synapses.line.reduce((most, line) => Math.max(most, line + 1), report.lines);
    this.delays = synapses.delay.reduce((most, delay) => Math.max(most, delay), 1);
    this.isLineAcross = this.lines >= this.delays;
    /** @type {Cell | null} */
    this.cell = null;
    /** @type {Map<number, number>} */
    this.weights = new Map();
    this.greatest = 0;
    view.listen(["row"], () => this.load());
    attachGestures(this);
    this.load();
  }

  /** @param {Cell} cell */
  keyOf({ line, delay }) {
    return line * (this.delays + 1) + delay;
  }

  /**
   * @param {number} key
   * @returns {Cell}
   */
  cellOf(key) {
    return { line: Math.floor(key / (this.delays + 1)), delay: key % (this.delays + 1) };
  }

  /**
   * Return the weights of a row by key; synapses of one line and delay are added.
   * @param {number} chosen
   */
  weightsOf(chosen) {
    const { line, row, delay, weight } = this.synapses;
    /** @type {Map<number, number>} */
    const found = new Map();
    for (let i = firstAtLeast(row, chosen); row[i] === chosen; i++) {
      const key = this.keyOf({ line: line[i], delay: delay[i] });
      found.set(key, (found.get(key) ?? 0) + weight[i]);
    }
    return found;
  }

  load() {
    this.weights = this.weightsOf(this.view.row);
    this.greatest = [...this.weights.values()].reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    this.cell = null;
    this.redraw();
  }

  get across() {
    return this.isLineAcross ? this.lines : this.delays;
  }

  get down() {
    return this.isLineAcross ? this.delays : this.lines;
  }

  get top() {
    return 34;
  }

  get cellWidth() {
    return Math.min(WIDEST_CELL, this.inner / this.across);
  }

  get cellHeight() {
    return Math.max(1.5, Math.min(HIGHEST_CELL, TALLEST / this.down));
  }

  wantedHeight() {
    return this.top + this.cellHeight * this.down + 40;
  }

  /** @param {Cell} cell */
  placeOf({ line, delay }) {
    const [column, row] = this.isLineAcross ? [line, delay - 1] : [delay - 1, line];
    return { x: this.left + column * this.cellWidth, y: this.top + row * this.cellHeight };
  }

  /** @param {CanvasRenderingContext2D} context */
  paint(context) {
    const gap = this.cellWidth > 5 && this.cellHeight > 5 ? 1 : 0;
    const [width, height] = [this.cellWidth - gap, this.cellHeight - gap];
    context.fillStyle = colours.absent;
    context.fillRect(this.left, this.top, this.across * this.cellWidth - gap, this.down * this.cellHeight - gap);
    for (const [key, weight] of this.weights) {
      const { x, y } = this.placeOf(this.cellOf(key));
      context.fillStyle = colours.card;
      context.fillRect(x, y, width, height);
      context.fillStyle = weight < 0 ? colours.negative : colours.positive;
      context.globalAlpha = weight ? opacity(weight / this.greatest) : 0;
      context.fillRect(x, y, width, height);
      context.globalAlpha = 1;
    }
    this.paintAcross(context);
    this.paintDown(context);
    this.paintKey(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintAcross(context) {
    context.fillStyle = colours.axis;
    context.textAlign = "center";
    context.textBaseline = "top";
    const base = this.top + this.down * this.cellHeight;
    const widest = context.measureText(this.labelAcross(this.across - 1)).width + 10;
    const step = Math.max(1, niceStep(widest / this.cellWidth));
    for (let column = 0; column < this.across; column++) {
      if (this.numberAcross(column) % step && (column || step === 2)) continue;
      context.fillText(this.labelAcross(column), this.left + (column + 0.5) * this.cellWidth, base + 5);
    }
    context.textAlign = "left";
    context.fillText(this.isLineAcross ? this.lineTitle : "delay (ticks)", this.left, base + 22);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintDown(context) {
    context.textAlign = "right";
    context.textBaseline = "middle";
    const step = Math.max(1, niceStep(14 / this.cellHeight));
    for (let row = 0; row < this.down; row++) {
      const number = this.isLineAcross ? row + 1 : row;
      if (number % step && (row || step === 2)) continue;
      const label = this.isLineAcross ? String(row + 1) : this.lineLabel(row);
      context.fillText(label, this.left - 6, this.top + (row + 0.5) * this.cellHeight);
    }
    context.textAlign = "left";
    context.fillText(this.isLineAcross ? "delay (ticks)" : this.lineTitle, 2, this.top - 22);
  }

  get lineTitle() {
    return this.lines > report.lines ? "input line, then neurons (n)" : "input line";
  }

  /** @param {number} column */
  numberAcross(column) {
    if (!this.isLineAcross) return column + 1;
    return column < report.lines ? column : column - report.lines;
  }

  /** @param {number} column */
  labelAcross(column) {
    return this.isLineAcross ? this.lineLabel(column) : String(column + 1);
  }

  /** @param {number} line */
  lineLabel(line) {
    return line < report.lines ? String(line) : `n${line - report.lines}`;
  }

  /**
   * Paint the colours from the most negative to the most positive, with their weights.
   * @param {CanvasRenderingContext2D} context
   */
  paintKey(context) {
    if (!this.greatest) return;
    const [width, y] = [Math.min(150, this.inner * 0.35), 6];
    const [least, most] = [`−${this.greatest}`, `+${this.greatest}`];
    const right = this.width - 12 - context.measureText(most).width;
    const left = right - width;
    for (let step = 0; step < width; step++) {
      const share = (2 * step) / width - 1;
      context.fillStyle = colours.card;
      context.fillRect(left + step, y, 1, 10);
      context.fillStyle = share < 0 ? colours.negative : colours.positive;
      context.globalAlpha = opacity(share);
      context.fillRect(left + step, y, 1, 10);
      context.globalAlpha = 1;
    }
    context.fillStyle = colours.axis;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillText(least, left - 5, y + 5);
    context.textAlign = "left";
    context.fillText(most, right + 5, y + 5);
  }

  /** @param {Cell} cell */
  describe(cell) {
    const weight = this.weights.get(this.keyOf(cell));
    const value = weight === undefined ? "no synapse" : `weight ${decimal(weight)} LSB`;
    return `${nameOfLine(cell.line)}, delay ${cell.delay}: ${value}`;
  }

  /** Return the synapses of the chosen neuron as rows of texts. */
  rowsInWords() {
    return [...this.weights].map(([key, weight]) => {
      const { line, delay } = this.cellOf(key);
      return [nameOfLine(line), String(delay), String(weight)];
    });
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  hover(x, y) {
    const column = Math.floor((x - this.left) / this.cellWidth);
    const row = Math.floor((y - this.top) / this.cellHeight);
    if (column < 0 || row < 0 || column >= this.across || row >= this.down) {
      this.point(null);
      return null;
    }
    const cell = this.isLineAcross ? { line: column, delay: row + 1 } : { line: row, delay: column + 1 };
    this.point(cell);
    return this.describe(cell);
  }

  /** @param {Cell | null} cell */
  point(cell) {
    this.cell = cell;
    this.redrawOverlay();
  }

  leave() {
    this.point(null);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!(event.key in steps)) return false;
    const [across, down] = steps[/** @type {keyof typeof steps} */ (event.key)];
    const cell = this.cell ? this.moved(this.cell, across, down) : { line: 0, delay: 1 };
    this.point(cell);
    const { x, y } = this.placeOf(cell);
    this.tell(this.describe(cell), x + this.cellWidth / 2, y);
    return true;
  }

  /**
   * @param {Cell} cell
   * @param {number} across
   * @param {number} down
   */
  moved({ line, delay }, across, down) {
    const [byLine, byDelay] = this.isLineAcross ? [across, down] : [down, across];
    return {
      line: Math.max(0, Math.min(this.lines - 1, line + byLine)),
      delay: Math.max(1, Math.min(this.delays, delay + byDelay)),
    };
  }

  /** @param {CanvasRenderingContext2D} context */
  paintOverlay(context) {
    if (!this.cell) return;
    const { x, y } = this.placeOf(this.cell);
    context.strokeStyle = colours.cursor;
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, this.cellWidth + 1, this.cellHeight + 1);
  }
}
