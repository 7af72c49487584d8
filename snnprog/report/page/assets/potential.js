// The chosen neuron's potential against its threshold, with the band that no potential that counts comes into.

const POTENTIAL_HEIGHT = 260;
const NEAR_MARGINS = 6;

function paintTriangle(context, x, y, away, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 5, y + away * 8);
  context.lineTo(x + 5, y + away * 8);
  context.fill();
}

class PotentialPlot extends TimePlot {
  constructor(view, lanes) {
    super("potential", view);
    Object.assign(this, { lanes, values: null, isNear: false });
    view.listen(["row"], () => this.load());
    view.listen(["cursor"], () => this.say());
    attachGestures(this);
    this.loaded = this.load();
  }

  get neuron() {
    return report.rows[this.view.row];
  }

  get threshold() {
    return this.neuron.threshold / report.unit;
  }

  async load() {
    const { row } = this.view;
    const packed = report.potentials[row];
    this.values = null;
    if (!packed) return this.redraw();
    const values = await unpackPotential(packed, report.rows[row], report.rule, report.starts);
    if (row !== this.view.row) return undefined;
    this.values = values;
    return this.redraw();
  }

  wantedHeight() {
    return this.isNarrow ? POTENTIAL_HEIGHT * 0.85 : POTENTIAL_HEIGHT;
  }

  at(tick) {
    return this.values[tick] / report.unit;
  }

  // The span of potentials in view, with the threshold in it.
  measure() {
    let low = Math.min(0, this.threshold);
    let high = Math.max(0, this.threshold);
    for (let tick = this.firstTick; tick < this.endTick; tick++) {
      low = Math.min(low, this.at(tick));
      high = Math.max(high, this.at(tick));
    }
    if (this.isNear) {
      const [spike, silence] = this.neuron.nearest ?? [null, null];
      const margin = Math.max(spike ?? 0, silence ?? 0) || (high - low) / 40;
      low = Math.max(low, this.threshold - NEAR_MARGINS * margin);
      high = Math.min(high, this.threshold + NEAR_MARGINS * margin);
    }
    const room = (high - low || 1) * 0.08;
    Object.assign(this, { low: low - room, high: high + room });
  }

  y(value) {
    const base = this.height - this.bottom;
    return base - ((value - this.low) / (this.high - this.low)) * (base - this.top);
  }

  paint(context) {
    if (!this.values) {
      const isKept = report.potentials[this.view.row] !== undefined;
      this.message(context, isKept ? "unpacking …" : "Potentials of this neuron are left out: its margin is among the widest.");
      return;
    }
    this.measure();
    context.save();
    this.paintAxis(context);
    this.clip(context);
    this.paintUncounted(context);
    this.paintBand(context);
    this.paintThreshold(context);
    if (this.perTick >= 1) this.paintCurve(context);
    else this.paintColumns(context);
    if (this.perTick >= 5) this.paintDots(context);
    this.paintWrong(context);
    this.paintNearest(context);
    context.restore();
    this.paintScale(context);
  }

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

  paintBand(context) {
    const [spike, silence] = this.neuron.nearest ?? [null, null];
    const above = this.y(this.threshold + Math.max(0, spike ?? 0));
    const below = this.y(this.threshold - Math.max(0, silence ?? 0));
    context.fillStyle = colours.band;
    context.fillRect(this.left, above, this.inner, Math.max(below - above, 0));
  }

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

  // From tick to tick; where it fires, down to what the reset leaves.
  paintCurve(context) {
    context.strokeStyle = colours.potential;
    context.lineWidth = 1.5;
    context.beginPath();
    const first = Math.max(0, this.firstTick - 1);
    for (let tick = first; tick < Math.min(this.view.ticks, this.endTick + 1); tick++) {
      const isStart = this.view.starts[this.view.patternAt(tick)] === tick;
      if (tick === first || isStart) context.moveTo(this.x(tick), this.y(this.at(tick)));
      else context.lineTo(this.x(tick), this.y(this.at(tick)));
      const after = leftAfter(this.values[tick], this.neuron, report.rule);
      if (after !== this.values[tick]) context.lineTo(this.x(tick), this.y(after / report.unit));
    }
    context.stroke();
    context.lineWidth = 1;
  }

  // Many ticks in a column of pixels: from the lowest to the highest of them, and of the tick before.
  paintColumns(context) {
    context.fillStyle = colours.potential;
    const columns = Math.ceil(this.inner);
    for (let column = 0; column < columns; column++) {
      const from = Math.max(this.firstTick, Math.floor(this.view.from + column / this.perTick));
      const to = Math.min(this.endTick, Math.max(from + 1, Math.floor(this.view.from + (column + 1) / this.perTick)));
      const isStart = this.view.starts[this.view.patternAt(from)] === from;
      let low = Infinity;
      let high = -Infinity;
      for (let tick = isStart ? from : from - 1; tick < to; tick++) {
        low = Math.min(low, this.values[tick]);
        high = Math.max(high, this.values[tick]);
      }
      if (low > high) continue;
      const top = this.y(high / report.unit);
      context.fillRect(this.left + column, top, 1, Math.max(1, this.y(low / report.unit) - top));
    }
  }

  paintDot(context, tick, colour, reach) {
    context.fillStyle = colours[colour];
    context.beginPath();
    context.arc(this.x(tick), this.y(this.at(tick)), reach, 0, 2 * Math.PI);
    context.fill();
  }

  paintDots(context) {
    const uncounted = this.lanes[this.view.row].uncounted ?? NO_TICKS;
    for (let tick = this.firstTick; tick < this.endTick; tick++) {
      const isSpike = leftAfter(this.values[tick], this.neuron, report.rule) !== this.values[tick];
      this.paintDot(context, tick, includes(uncounted, tick) ? "free" : "potential", isSpike ? 3.5 : 1.8);
    }
  }

  paintWrong(context) {
    for (const kind of ["missing", "extra"]) {
      for (const tick of this.lanes[this.view.row][kind] ?? NO_TICKS) {
        if (tick >= this.firstTick && tick < this.endTick) this.paintDot(context, tick, kind, 4.5);
      }
    }
  }

  // A triangle at the spike that comes least above the threshold, and at the silence that stays least below.
  paintNearest(context) {
    (this.neuron.nearestTicks ?? []).forEach((tick, side) => {
      if (tick < this.firstTick || tick >= this.endTick) return;
      const x = this.x(tick);
      const y = Math.max(this.top, Math.min(this.height - this.bottom, this.y(this.at(tick))));
      const away = side === 0 ? -1 : 1;
      paintTriangle(context, x, y + away * 5, away, colours[side === 0 ? "spike-side" : "silence-side"]);
    });
  }

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

  isHeld(tick) {
    const start = Math.max(this.view.starts[this.view.patternAt(tick)], tick - this.neuron.refractory + 1);
    for (let before = start; before < tick; before++) {
      if (leftAfter(this.values[before], this.neuron, report.rule) !== this.values[before]) return true;
    }
    return false;
  }

  describe(tick) {
    const value = this.at(tick);
    const distance = value - this.threshold;
    const side = distance === 0 ? "at" : distance > 0 ? "above" : "below";
    const whole = String(this.values[tick]).replace("-", "−");
    const exact = report.unit > 1 ? ` (${whole} / ${report.unit})` : "";
    if (this.isHeld(tick)) return `potential ${decimal(value)} LSB: held, in the refractory period`;
    return `potential ${decimal(value)} LSB${exact}\n${decimal(Math.abs(distance))} ${side} the threshold ${decimal(this.threshold)}`;
  }

  hover(x) {
    if (!this.values) return null;
    const tick = this.tickAt(x);
    this.view.point(tick);
    return `${this.view.placeOf(tick)}\n${this.describe(tick)}\n${describeOutput(this.lanes, this.view.row, tick)}`;
  }

  leave() {
    this.view.point(null);
  }

  say() {
    const { cursor } = this.view;
    if (!this.values || !this.canvas.matches(":focus")) return;
    if (cursor === null) this.tell(null);
    else this.tell(`${this.view.placeOf(cursor)}\n${this.describe(cursor)}`, this.x(cursor), this.y(this.at(cursor)));
  }

  paintCursor(context, cursor) {
    if (!this.values) return;
    context.fillStyle = colours.cursor;
    context.beginPath();
    context.arc(this.x(cursor), this.y(this.at(cursor)), 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}
