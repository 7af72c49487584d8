// The chosen neuron's weights by line and delay: the longer of the two runs across.

const WIDEST_CELL = 44;
const HIGHEST_CELL = 22;

class WeightsPlot extends Plot {
  constructor(view, synapses) {
    super("weights");
    Object.assign(this, { view, synapses, cell: null });
    const lines = synapses.line.reduce((most, line) => Math.max(most, line + 1), report.lines);
    const delays = synapses.delay.reduce((most, delay) => Math.max(most, delay), 1);
    Object.assign(this, { lines, delays, isLineAcross: lines >= delays });
    view.listen(["row"], () => this.load());
    attachGestures(this);
    this.load();
  }

  // The weights of a row by line and delay; synapses, ordered by row, that lead the same way at the same delay are one.
  weightsOf(chosen) {
    const { line, row, delay, weight } = this.synapses;
    const found = new Map();
    for (let i = firstAtLeast(row, chosen); row[i] === chosen; i++) {
      const key = line[i] * 65536 + delay[i];
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
    return Math.max(1.5, Math.min(HIGHEST_CELL, 340 / this.down));
  }

  wantedHeight() {
    return this.top + this.cellHeight * this.down + 40;
  }

  placeOf(line, delay) {
    const [column, row] = this.isLineAcross ? [line, delay - 1] : [delay - 1, line];
    return { x: this.left + column * this.cellWidth, y: this.top + row * this.cellHeight };
  }

  paint(context) {
    const gap = this.cellWidth > 5 && this.cellHeight > 5 ? 1 : 0;
    const [width, height] = [this.cellWidth - gap, this.cellHeight - gap];
    context.fillStyle = colours.absent;
    context.fillRect(this.left, this.top, this.across * this.cellWidth - gap, this.down * this.cellHeight - gap);
    for (const [key, weight] of this.weights) {
      const { x, y } = this.placeOf(Math.floor(key / 65536), key % 65536);
      context.fillStyle = colours.card;
      context.fillRect(x, y, width, height);
      context.fillStyle = weight < 0 ? colours.negative : colours.positive;
      context.globalAlpha = weight ? 0.12 + (0.88 * Math.abs(weight)) / this.greatest : 0;
      context.fillRect(x, y, width, height);
      context.globalAlpha = 1;
    }
    this.paintLabels(context);
    this.paintKey(context);
  }

  paintLabels(context) {
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
    context.textAlign = "right";
    context.textBaseline = "middle";
    const every = Math.max(1, niceStep(14 / this.cellHeight));
    for (let row = 0; row < this.down; row++) {
      const number = this.isLineAcross ? row + 1 : row;
      if (number % every && (row || every === 2)) continue;
      const label = this.isLineAcross ? String(row + 1) : this.lineLabel(row);
      context.fillText(label, this.left - 6, this.top + (row + 0.5) * this.cellHeight);
    }
    context.textAlign = "left";
    context.fillText(this.isLineAcross ? "delay (ticks)" : this.lineTitle, 2, this.top - 22);
  }

  get lineTitle() {
    return this.lines > report.lines ? "input line, then neurons (n)" : "input line";
  }

  numberAcross(column) {
    return this.isLineAcross ? (column < report.lines ? column : column - report.lines) : column + 1;
  }

  labelAcross(column) {
    return this.isLineAcross ? this.lineLabel(column) : String(column + 1);
  }

  lineLabel(line) {
    return line < report.lines ? String(line) : `n${line - report.lines}`;
  }

  // From the most negative to the most positive colour, with the weights they stand for.
  paintKey(context) {
    if (!this.greatest) return;
    const [width, y] = [Math.min(150, this.inner * 0.35), 6];
    const texts = [`−${this.greatest}`, `+${this.greatest}`];
    const right = this.width - 12 - context.measureText(texts[1]).width;
    const left = right - width;
    for (let step = 0; step < width; step++) {
      const share = (2 * step) / width - 1;
      context.fillStyle = colours.card;
      context.fillRect(left + step, y, 1, 10);
      context.fillStyle = share < 0 ? colours.negative : colours.positive;
      context.globalAlpha = 0.12 + 0.88 * Math.abs(share);
      context.fillRect(left + step, y, 1, 10);
      context.globalAlpha = 1;
    }
    context.fillStyle = colours.axis;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillText(texts[0], left - 5, y + 5);
    context.textAlign = "left";
    context.fillText(texts[1], right + 5, y + 5);
  }

  describe({ line, delay }) {
    const weight = this.weights.get(line * 65536 + delay);
    const from = line < report.lines ? `input ${line}` : report.rows[line - report.lines].name;
    const told = weight === undefined ? "no synapse" : `weight ${decimal(weight)} LSB`;
    return `${from}, delay ${delay}: ${told}`;
  }

  hover(x, y) {
    const column = Math.floor((x - this.left) / this.cellWidth);
    const row = Math.floor((y - this.top) / this.cellHeight);
    if (column < 0 || row < 0 || column >= this.across || row >= this.down) {
      this.point(null);
      return null;
    }
    this.point(this.isLineAcross ? { line: column, delay: row + 1 } : { line: row, delay: column + 1 });
    return this.describe(this.cell);
  }

  point(cell) {
    this.cell = cell;
    this.redrawOverlay();
  }

  leave() {
    this.point(null);
  }

  key(event) {
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    if (!across && !down) return false;
    const { line, delay } = this.cell ?? { line: 0, delay: 1 };
    const [byLine, byDelay] = !this.cell ? [0, 0] : this.isLineAcross ? [across, down] : [down, across];
    this.point({
      line: Math.max(0, Math.min(this.lines - 1, line + byLine)),
      delay: Math.max(1, Math.min(this.delays, delay + byDelay)),
    });
    const { x, y } = this.placeOf(this.cell.line, this.cell.delay);
    this.tell(this.describe(this.cell), x + this.cellWidth / 2, y);
    return true;
  }

  paintOverlay(context) {
    if (!this.cell) return;
    const { x, y } = this.placeOf(this.cell.line, this.cell.delay);
    context.strokeStyle = colours.cursor;
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, this.cellWidth + 1, this.cellHeight + 1);
  }
}
