// What all charts show together: a span of ticks, a cursor, and the chosen neuron.

import { firstAtLeast } from "./sorted.js";

/** @typedef {"span" | "cursor" | "row"} Change */

const LEAST_SPAN = 6; // ticks: fewer would only stretch the marks
const WIDEST_CENTRED = 60; // ticks on each side of a difference that a button goes to

export class View {
  /** @param {{ ticks: number, starts: number[], rows: number }} shown */
  constructor({ ticks, starts, rows }) {
    this.ticks = ticks;
    this.starts = starts;
    this.rows = rows;
    this.from = 0;
    this.to = ticks;
    /** @type {number | null} */
    this.cursor = null;
    this.row = 0;
    /** @type {{ changes: Change[], callback: () => void }[]} */
    this.listeners = [];
  }

  /**
   * @param {Change[]} changes
   * @param {() => void} callback
   */
  listen(changes, callback) {
    this.listeners.push({ changes, callback });
  }

  /** @param {Change} change */
  notify(change) {
    for (const { changes, callback } of this.listeners) if (changes.includes(change)) callback();
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  show(from, to) {
    const span = Math.min(this.ticks, Math.max(LEAST_SPAN, to - from));
    const first = Math.max(0, Math.min(this.ticks - span, (from + to - span) / 2));
    this.set(first, first + span);
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  set(from, to) {
    if (from === this.from && to === this.to) return;
    this.from = from;
    this.to = to;
    this.notify("span");
  }

  showAll() {
    this.show(0, this.ticks);
  }

  /**
   * @param {number} factor
   * @param {number} about the tick that stays where it is
   */
  zoom(factor, about = (this.from + this.to) / 2) {
    this.show(about - (about - this.from) * factor, about + (this.to - about) * factor);
  }

  /** @param {number} share of the span; negative is earlier */
  pan(share) {
    const step = share * (this.to - this.from);
    const room = step < 0 ? -this.from : this.ticks - this.to;
    const kept = step < 0 ? Math.max(step, room) : Math.min(step, room);
    this.show(this.from + kept, this.to + kept);
  }

  /**
   * Show a whole pattern, however short it is.
   * @param {number} pattern
   */
  showPattern(pattern) {
    this.set(this.starts[pattern], this.endOf(pattern));
  }

  /** Return the pattern that fills the view, or null where the view shows less or more than one. */
  get wholePattern() {
    const pattern = this.patternAt(this.from);
    return this.from === this.starts[pattern] && this.to === this.endOf(pattern) ? pattern : null;
  }

  /**
   * Go to the next pattern or the one before, where the view shows a whole one, else by half a span.
   * @param {-1 | 1} direction
   */
  go(direction) {
    const pattern = this.wholePattern;
    const other = pattern === null ? -1 : pattern + direction;
    if (other >= 0 && other < this.starts.length) this.showPattern(other);
    else this.pan(direction / 2);
  }

  /** @param {number} tick */
  centre(tick) {
    const half = Math.min((this.to - this.from) / 2, WIDEST_CENTRED);
    this.show(tick - half, tick + half);
  }

  /** @param {number | null} tick */
  point(tick) {
    const inside = tick === null ? null : Math.max(0, Math.min(this.ticks - 1, tick));
    if (inside === this.cursor) return;
    this.cursor = inside;
    this.notify("cursor");
  }

  /** @param {number} ticks */
  step(ticks) {
    const middle = Math.floor((this.from + this.to) / 2);
    const cursor = Math.max(0, Math.min(this.ticks - 1, this.cursor === null ? middle : this.cursor + ticks));
    this.point(cursor);
    const span = this.to - this.from;
    if (cursor < this.from) this.show(cursor, cursor + span);
    if (cursor + 1 > this.to) this.show(cursor + 1 - span, cursor + 1);
  }

  /** @param {number} row */
  choose(row) {
    if (row === this.row || row < 0 || row >= this.rows) return;
    this.row = row;
    this.notify("row");
  }

  /** @param {number} pattern */
  endOf(pattern) {
    return pattern + 1 < this.starts.length ? this.starts[pattern + 1] : this.ticks;
  }

  /** @param {number} tick */
  patternAt(tick) {
    return Math.max(0, firstAtLeast(this.starts, tick + 1) - 1);
  }

  /**
   * Whether a pattern begins at a tick.
   * @param {number} tick
   */
  isStart(tick) {
    return this.starts[this.patternAt(tick)] === tick;
  }

  /**
   * Return "tick 6", or "pattern 2, tick 6" where there are several patterns.
   * @param {number} tick
   */
  placeOf(tick) {
    const pattern = this.patternAt(tick);
    const inside = tick - this.starts[pattern];
    return this.starts.length > 1 ? `pattern ${pattern}, tick ${inside}` : `tick ${inside}`;
  }

  /**
   * Return "6", or "2:6" where there are several patterns.
   * @param {number} tick
   */
  shortPlaceOf(tick) {
    const pattern = this.patternAt(tick);
    const inside = tick - this.starts[pattern];
    return this.starts.length > 1 ? `${pattern}:${inside}` : String(inside);
  }
}
