// What all charts show together: a span of ticks, a cursor, and the chosen neuron.

const LEAST_SPAN = 6;

class View {
  constructor(ticks, starts) {
    Object.assign(this, { ticks, starts, from: 0, to: ticks, cursor: null, row: 0, listeners: [] });
  }

  listen(kinds, callback) {
    this.listeners.push({ kinds, callback });
  }

  tell(kind) {
    for (const { kinds, callback } of this.listeners) if (kinds.includes(kind)) callback();
  }

  show(from, to) {
    const span = Math.min(this.ticks, Math.max(LEAST_SPAN, to - from));
    const first = Math.max(0, Math.min(this.ticks - span, (from + to - span) / 2));
    if (first === this.from && first + span === this.to) return;
    this.from = first;
    this.to = first + span;
    this.tell("span");
  }

  showAll() {
    this.show(0, this.ticks);
  }

  zoom(factor, about = (this.from + this.to) / 2) {
    this.show(about - (about - this.from) * factor, about + (this.to - about) * factor);
  }

  pan(share) {
    const step = share * (this.to - this.from);
    const room = step < 0 ? -this.from : this.ticks - this.to;
    const kept = step < 0 ? Math.max(step, room) : Math.min(step, room);
    this.show(this.from + kept, this.to + kept);
  }

  showPattern(pattern) {
    this.show(this.starts[pattern], this.endOf(pattern));
  }

  centre(tick) {
    const half = Math.min((this.to - this.from) / 2, Math.max(LEAST_SPAN, 60));
    this.show(tick - half, tick + half);
  }

  point(tick) {
    const inside = tick === null ? null : Math.max(0, Math.min(this.ticks - 1, tick));
    if (inside === this.cursor) return;
    this.cursor = inside;
    this.tell("cursor");
  }

  step(ticks) {
    const middle = Math.floor((this.from + this.to) / 2);
    this.point(this.cursor === null ? middle : this.cursor + ticks);
    const span = this.to - this.from;
    if (this.cursor < this.from) this.show(this.cursor, this.cursor + span);
    if (this.cursor + 1 > this.to) this.show(this.cursor + 1 - span, this.cursor + 1);
  }

  choose(row) {
    if (row === this.row || row < 0 || row >= report.rows.length) return;
    this.row = row;
    this.tell("row");
  }

  endOf(pattern) {
    return pattern + 1 < this.starts.length ? this.starts[pattern + 1] : this.ticks;
  }

  patternAt(tick) {
    let pattern = firstAtLeast(this.starts, tick + 1) - 1;
    return Math.max(0, pattern);
  }

  // "tick 6", or "pattern 2, tick 6" where there are several.
  placeOf(tick) {
    const pattern = this.patternAt(tick);
    const inside = tick - this.starts[pattern];
    return this.starts.length > 1 ? `pattern ${pattern}, tick ${inside}` : `tick ${inside}`;
  }
}
