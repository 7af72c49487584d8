// Rasters: what goes in, and what was asked and produced, with differences marked by colour and shape.

const TALLEST = 420;
const NO_TICKS = new Int32Array(0);

class RasterPlot extends TimePlot {
  // `lanes`: per row, lists of ticks by kind; `nameOf(row)`; `describe(row, tick)`; `isChosen(row)`.
  constructor(name, view, lanes, { nameOf, describe, choose = null }) {
    super(name, view);
    Object.assign(this, { lanes, nameOf, describe, choose, focusRow: 0 });
    if (choose) view.listen(["row"], () => this.redraw());
    view.listen(["cursor"], () => this.say());
    attachGestures(this);
  }

  get rowHeight() {
    return Math.max(1.2, Math.min(24, TALLEST / Math.max(this.lanes.length, 1)));
  }

  wantedHeight() {
    return this.top + this.bottom + Math.max(this.rowHeight * this.lanes.length, 12);
  }

  y(row) {
    return this.top + row * this.rowHeight;
  }

  rowAt(y) {
    return Math.max(0, Math.min(this.lanes.length - 1, Math.floor((y - this.top) / this.rowHeight)));
  }

  get shownRow() {
    return this.choose ? this.view.row : this.focusRow;
  }

  paint(context) {
    if (!this.lanes.length) {
      this.message(context, "no lines");
      return;
    }
    context.save();
    if (this.choose) this.paintChosen(context);
    this.paintAxis(context);
    this.clip(context);
    for (const kind of LANE_KINDS) this.paintKind(context, kind);
    context.restore();
    this.paintRows(context);
  }

  paintChosen(context) {
    const height = Math.max(this.rowHeight, 3);
    context.fillStyle = colours.chosen;
    context.fillRect(this.left, this.y(this.view.row + 0.5) - height / 2, this.inner, height);
  }

  paintRows(context) {
    const step = Math.max(1, niceStep(14 / this.rowHeight));
    context.fillStyle = colours.axis;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let row = 0; row < this.lanes.length; row += step) context.fillText(this.label(row), this.left - 7, this.y(row + 0.5));
  }

  label(row) {
    return row < report.outputs || !this.choose ? String(row) : `h${row - report.outputs}`;
  }

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

  hover(x, y) {
    if (!this.lanes.length) return null;
    const tick = this.nearestEvent(this.rowAt(y), this.tickAt(x));
    this.focusRow = this.rowAt(y);
    this.view.point(tick);
    return `${this.view.placeOf(tick)}\n${this.describe(this.focusRow, tick)}`;
  }

  // Of the ticks within a few pixels, the nearest at which there is something to tell.
  nearestEvent(row, tick) {
    const reach = Math.ceil(4 / this.perTick);
    let best = tick;
    let least = reach + 1;
    for (const { name } of LANE_KINDS) {
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

  leave() {
    this.view.point(null);
  }

  click(x, y) {
    this.choose?.(this.rowAt(y));
  }

  key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return false;
    const row = Math.max(0, Math.min(this.lanes.length - 1, this.shownRow + step));
    if (this.choose) this.choose(row);
    else this.focusRow = row;
    if (this.view.cursor === null) this.view.step(0);
    this.say();
    return true;
  }

  say() {
    const { cursor } = this.view;
    if (!this.canvas.matches(":focus") || !this.lanes.length) return;
    if (cursor === null) this.tell(null);
    else this.tell(`${this.view.placeOf(cursor)}\n${this.describe(this.shownRow, cursor)}`, this.x(cursor), this.y(this.shownRow + 0.5));
  }
}

// A mark's draw function is given its middle, the row's upper edge, the width of a tick and the height of a row.
function bar(share, least = 1, most = 5) {
  return (context, x, y, perTick, height) => {
    const width = Math.max(least, Math.min(most, perTick * share));
    const inset = height > 6 ? height * 0.14 : 0;
    context.fillRect(x - width / 2, y + inset, width, Math.max(1, height - 2 * inset));
  };
}

function slot(context, x, y, perTick, height) {
  const width = Math.max(1, Math.min(11, perTick * 0.9));
  context.fillRect(x - width / 2, y + (height > 6 ? 1 : 0), width, Math.max(1, height - (height > 6 ? 2 : 0)));
}

function cross(context, x, y, perTick, height) {
  const reach = Math.max(3, Math.min(5, height * 0.36, Math.max(perTick, 6) * 0.6));
  const middle = y + height / 2;
  context.lineWidth = reach > 3 ? 2 : 1.5;
  context.beginPath();
  context.moveTo(x - reach, middle - reach);
  context.lineTo(x + reach, middle + reach);
  context.moveTo(x - reach, middle + reach);
  context.lineTo(x + reach, middle - reach);
  context.stroke();
}

function diamond(context, x, y, perTick, height) {
  const reach = Math.max(3, Math.min(6, height * 0.42, Math.max(perTick, 6) * 0.7));
  const middle = y + height / 2;
  context.beginPath();
  context.moveTo(x, middle - reach);
  context.lineTo(x + reach, middle);
  context.lineTo(x, middle + reach);
  context.lineTo(x - reach, middle);
  context.fill();
}

function ring(context, x, y, perTick, height) {
  const reach = Math.max(2.5, Math.min(8, height * 0.46));
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y + height / 2, reach, 0, 2 * Math.PI);
  context.stroke();
}

function shade(context, x, y, perTick, height) {
  context.fillRect(x - perTick / 2, y, perTick + 0.5, height);
}

// In the order in which they are painted.
const LANE_KINDS = [
  { name: "uncounted", colour: "uncounted", text: "does not count", draw: shade },
  { name: "target", colour: "slot", text: "asked", draw: slot },
  { name: "plain", colour: "input", text: "spike", draw: bar(0.4) },
  { name: "demand", colour: "right", text: "spike asked", draw: bar(0.4) },
  { name: "right", colour: "right", text: "produced, as asked", draw: bar(0.4) },
  { name: "free", colour: "free", text: "produced where it does not count", draw: bar(0.4) },
  { name: "missing", colour: "missing", text: "missing", draw: cross },
  { name: "extra", colour: "extra", text: "not asked for", draw: diamond },
  { name: "conflict", colour: "missing", text: "in a contradiction", draw: ring },
];

function byRow(points, rows) {
  const found = Array.from({ length: rows }, () => []);
  if (points) points.ticks.forEach((tick, index) => found[points.rows[index]].push(tick));
  return found.map((ticks) => Int32Array.from(ticks).sort());
}

// What each row of the outputs shows, by kind.
function outputLanes({ spikes, targets, uncounted }) {
  const rows = report.rows.length;
  const missing = byRow(report.wrong?.missing, rows);
  const extra = byRow(report.wrong?.extra, rows);
  const conflict = byRow(report.conflicts, rows);
  return report.rows.map((_, row) => {
    const asked = targets?.[row];
    const blank = uncounted?.[row] ?? NO_TICKS;
    const lanes = { uncounted: blank, conflict: conflict[row], missing: missing[row], extra: extra[row] };
    if (!spikes) return { ...lanes, demand: asked };
    if (!asked) return { ...lanes, plain: spikes[row] };
    const counted = spikes[row].filter((tick) => !includes(blank, tick));
    return {
      ...lanes,
      target: asked,
      right: counted.filter((tick) => !includes(extra[row], tick)),
      free: spikes[row].filter((tick) => includes(blank, tick)),
    };
  });
}

function describeOutput(lanes, row, tick) {
  const has = (name) => includes(lanes[row][name] ?? NO_TICKS, tick);
  const { name } = report.rows[row];
  if (has("missing")) return `${name}: a spike is missing`;
  if (has("extra")) return `${name}: a spike that was not asked for`;
  const conflict = has("conflict") ? ", in a contradiction" : "";
  if (lanes[row].demand) return `${name}: ${has("demand") ? "spike" : has("uncounted") ? "anything" : "silence"} asked${conflict}`;
  if (lanes[row].plain) return `${name}: ${has("plain") ? "spike" : "silent"}`;
  if (has("uncounted")) return `${name}: ${has("free") ? "spike" : "silent"}, and it does not count`;
  return `${name}: ${has("right") ? "spike, as asked" : "silent, as asked"}`;
}
