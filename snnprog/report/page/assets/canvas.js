// A canvas with a second one on top for what follows the pointer; both are painted when the browser next paints.

const COLOURS = [
  "card", "ink", "soft", "line", "input", "right", "slot", "missing", "extra", "free", "uncounted", "grid", "axis",
  "threshold", "potential", "band", "spike-side", "silence-side", "cursor", "chosen", "positive", "negative", "absent",
];
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const NARROW = 560;
const TICKS_FROM = 110;
const colours = {};
const plots = [];

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of COLOURS) colours[name] = style.getPropertyValue(`--${name}`).trim();
}

function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  return context;
}

// The nearest of 1, 2, 5, 10, … that is not below.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  return [1, 2, 5, 10].map((part) => part * power).find((step) => step >= least * 0.999);
}

function decimal(value) {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\.0+$/, "").replace("-", "−");
}

class Plot {
  constructor(name) {
    this.canvas = document.getElementById(name);
    this.overlay = this.canvas.nextElementSibling;
    this.frame = this.canvas.parentElement;
    this.said = document.getElementById(`${name}-said`);
    this.tip = this.frame.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));
    this.pending = { base: false, overlay: false };
    this.width = 0;
    plots.push(this);
    new ResizeObserver(() => this.frame.clientWidth !== this.width && this.redraw()).observe(this.frame);
  }

  get isNarrow() {
    return this.width < NARROW;
  }

  get left() {
    return this.isNarrow ? 38 : 56;
  }

  get inner() {
    return Math.max(10, this.width - this.left - 10);
  }

  redraw() {
    this.schedule("base", () => this.paintBase());
  }

  redrawOverlay() {
    this.schedule("overlay", () => this.paintOverlayNow());
  }

  schedule(kind, paint) {
    if (this.pending[kind]) return;
    this.pending[kind] = true;
    requestAnimationFrame(() => {
      this.pending[kind] = false;
      paint();
    });
  }

  paintBase() {
    this.width = this.frame.clientWidth;
    this.height = Math.round(this.wantedHeight());
    this.paint(sizeCanvas(this.canvas, this.width, this.height));
    this.paintOverlayNow();
  }

  paintOverlayNow() {
    if (this.height) this.paintOverlay(sizeCanvas(this.overlay, this.width, this.height));
  }

  paintOverlay() {}

  // Show a text beside a point, and hide it where there is none.
  showTip(text, x, y) {
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    const { offsetWidth: across, offsetHeight: down } = this.tip;
    this.tip.style.left = `${Math.max(0, Math.min(this.width - across, x + 14))}px`;
    this.tip.style.top = `${y - down - 12 < 0 ? y + 18 : y - down - 12}px`;
  }

  // What keys have reached, told as a pointer would be.
  tell(text, x, y) {
    this.said.textContent = text ? text.replaceAll("\n", ", ") : "";
    if (this.canvas.matches(":focus-visible")) this.showTip(text, x, y);
  }

  message(context, text) {
    context.fillStyle = colours.soft;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, this.width / 2, this.height / 2, this.width - 20);
  }
}

// A plot over ticks.
class TimePlot extends Plot {
  constructor(name, view) {
    super(name);
    this.view = view;
    this.top = view.starts.length > 1 ? 20 : 14;
    this.bottom = 24;
    view.listen(["span"], () => this.redraw());
    view.listen(["cursor"], () => this.redrawOverlay());
  }

  get perTick() {
    return this.inner / (this.view.to - this.view.from);
  }

  x(tick) {
    return this.left + (tick + 0.5 - this.view.from) * this.perTick;
  }

  edge(tick) {
    return this.left + (tick - this.view.from) * this.perTick;
  }

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

  clip(context) {
    context.beginPath();
    context.rect(this.left, 0, this.inner, this.height - this.bottom + 1);
    context.clip();
  }

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

  // Each pattern in view: where it starts, its number above where there is room, its ticks below where it is wide.
  paintPatterns(context, base) {
    const { starts } = this.view;
    const usual = (this.perTick * this.view.ticks) / starts.length;
    const widest = context.measureText(`#${starts.length}`).width + 12;
    const step = Math.max(1, niceStep(widest / usual));
    for (let pattern = this.view.patternAt(this.firstTick); starts[pattern] < this.endTick; pattern++) {
      const from = Math.max(this.edge(starts[pattern]), this.left);
      const to = Math.min(this.edge(this.view.endOf(pattern)), this.left + this.inner);
      if (to - from >= TICKS_FROM || starts.length === 1) this.paintTicks(context, base, pattern);
      if (starts.length === 1) return;
      if (starts[pattern] >= this.view.from && to - from > 3) this.paintLine(context, from, base);
      if (pattern % step === 0) context.fillText(`#${pattern}`, (from + to) / 2, 1);
    }
  }

  paintLine(context, x, base) {
    context.strokeStyle = colours.grid;
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, this.top - 4);
    context.lineTo(Math.round(x) + 0.5, base);
    context.stroke();
  }

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
    this.paintCursor?.(context, cursor);
  }
}
