// How near each neuron comes to doing otherwise: above, spikes over the threshold; below, silence under it.

const MARGINS_HEIGHT = 200;

class MarginsPlot extends Plot {
  constructor(view) {
    super("margins");
    Object.assign(this, { view, top: 16, bottom: 26, focusRow: null });
    view.listen(["row"], () => this.redraw());
    attachGestures(this);
    this.redraw();
  }

  wantedHeight() {
    return MARGINS_HEIGHT;
  }

  get count() {
    return report.rows.length;
  }

  get column() {
    return Math.min(72, this.inner / this.count);
  }

  // Bars far beyond most others are cut, or the others could not be told apart.
  measure() {
    const found = report.rows.flatMap((row) => row.nearest ?? []).filter((value) => value !== null);
    const sorted = found.map(Math.abs).sort((one, other) => one - other);
    const greatest = sorted.at(-1) ?? 1;
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 1;
    this.most = Math.max(Math.min(greatest, 3 * middle), 1e-6) * 1.08;
  }

  get zero() {
    return (this.top + this.height - this.bottom) / 2;
  }

  length(value) {
    return Math.min(1, Math.abs(value) / this.most) * (this.zero - this.top);
  }

  paint(context) {
    this.measure();
    this.paintScale(context);
    context.fillStyle = colours.chosen;
    context.fillRect(this.left + this.view.row * this.column, this.top - 8, Math.max(this.column, 2), this.height - this.bottom - this.top + 16);
    report.rows.forEach((row, index) => (row.nearest ?? []).forEach((value, side) => this.paintBar(context, index, side, value)));
    context.strokeStyle = colours.axis;
    context.beginPath();
    context.moveTo(this.left, Math.round(this.zero) + 0.5);
    context.lineTo(this.left + this.inner, Math.round(this.zero) + 0.5);
    context.stroke();
    this.paintNames(context);
  }

  paintBar(context, index, side, value) {
    if (value === null) return;
    const gap = this.column > 6 ? this.column * 0.18 : this.column > 2 ? 0.5 : 0;
    const length = Math.max(1, this.length(value));
    const x = this.left + index * this.column + gap;
    const y = side === 0 ? this.zero - length : this.zero;
    context.fillStyle = colours[value < 0 ? "missing" : side === 0 ? "spike-side" : "silence-side"];
    context.fillRect(x, y, Math.max(0.8, this.column - 2 * gap), length);
    if (Math.abs(value) <= this.most || this.column < 6) return;
    context.fillStyle = colours.card;
    const cut = side === 0 ? y + 8 : y + length - 10;
    context.fillRect(x, cut, this.column - 2 * gap, 2);
  }

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

  describe(row) {
    const { name, nearest } = report.rows[row];
    const sides = (nearest ?? []).map((value, side) => {
      const what = side === 0 ? "spike" : "silence";
      if (value === null) return `no ${what} asked`;
      return value < 0 ? `${what} missed by ${decimal(-value)} LSB` : `nearest ${what} ${decimal(value)} LSB away`;
    });
    return `${name}: ${sides.join(", ")}`;
  }

  rowAt(x) {
    const row = Math.floor((x - this.left) / this.column);
    return row >= 0 && row < this.count ? row : null;
  }

  hover(x) {
    const row = this.rowAt(x);
    return row === null ? null : this.describe(row).replace(": ", "\n");
  }

  click(x) {
    const row = this.rowAt(x);
    if (row !== null) this.view.choose(row);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -this.count, End: this.count }[event.key];
    if (!step) return false;
    this.view.choose(Math.max(0, Math.min(this.count - 1, this.view.row + step)));
    this.tell(this.describe(this.view.row).replace(": ", "\n"), this.left + (this.view.row + 0.5) * this.column, this.zero);
    return true;
  }
}
