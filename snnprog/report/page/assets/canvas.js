// Canvases: their size and colours, and the charts that are painted into them when the browser next paints.

import { byId, element, expectKind } from "./elements.js";

const COLOURS = /** @type {const} */ ([
  "card", "ink", "soft", "line", "input", "right", "slot", "missing", "extra", "free", "uncounted", "grid", "axis",
  "threshold", "potential", "band", "perturbed", "spike-side", "silence-side", "cursor", "chosen", "positive", "negative", "absent",
]);

/**
 * A colour of page.css.
 * @typedef {typeof COLOURS[number]} Colour
 */

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const NARROW = 560; // px: phones upright are narrower, tablets and windows wider

export const colours = /** @type {Record<Colour, string>} */ ({});
/** @type {Plot[]} */
export const plots = [];

export function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of COLOURS) colours[name] = style.getPropertyValue(`--${name}`).trim();
}

/**
 * Clear a canvas, give it a size in CSS pixels, and return what to paint with.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws no canvas");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  return context;
}

/**
 * Return the least of 1, 2, 5, 10, 20, … that is not below a number.
 * @param {number} least
 */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  return ([1, 2, 5].find((part) => part * power >= least * 0.999) ?? 10) * power;
}

/** @param {number} value */
export function decimal(value) {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\.0+$/, "").replace("-", "−");
}

/** A chart: a canvas, one above it for what follows the pointer, a tip, and a text for screen readers. */
export class Plot {
  /** @param {string} name the id of the canvas */
  constructor(name) {
    this.canvas = byId(name, HTMLCanvasElement);
    this.overlay = expectKind(this.canvas.nextElementSibling, HTMLCanvasElement);
    this.frame = expectKind(this.canvas.parentElement, HTMLElement);
    this.status = byId(`${name}-said`, HTMLElement);
    this.tip = this.frame.appendChild(element("div", { className: "tip", hidden: true }));
    this.pending = { base: false, overlay: false };
    this.width = 0;
    this.height = 0;
    plots.push(this);
    new ResizeObserver(() => this.frame.clientWidth !== this.width && this.redraw()).observe(this.frame);
  }

  // What a chart provides.

  /** @returns {number} px */
  wantedHeight() {
    throw new Error("a chart must say how high it is");
  }

  /** @param {CanvasRenderingContext2D} _context */
  paint(_context) {
    throw new Error("a chart must paint itself");
  }

  /** @param {CanvasRenderingContext2D} _context */
  paintOverlay(_context) {}

  /**
   * Point at a place, and return its description.
   * @param {number} _x
   * @param {number} _y
   * @returns {string | null}
   */
  hover(_x, _y) {
    return null;
  }

  leave() {}

  /**
   * @param {number} _x
   * @param {number} _y
   */
  click(_x, _y) {}

  /**
   * Return whether a key did something.
   * @param {KeyboardEvent} _event
   */
  key(_event) {
    return false;
  }

  // What all charts share.

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

  /**
   * @param {"base" | "overlay"} kind
   * @param {() => void} paint
   */
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

  /**
   * Show a text beside a point; hide it where there is none.
   * @param {string | null} text
   * @param {number} x
   * @param {number} y
   */
  showTip(text, x = 0, y = 0) {
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    const { offsetWidth: across, offsetHeight: down } = this.tip;
    this.tip.style.left = `${Math.max(0, Math.min(this.width - across, x + 14))}px`;
    this.tip.style.top = `${y - down - 12 < 0 ? y + 18 : y - down - 12}px`;
  }

  /**
   * Tell screen readers what keys have reached, and show it as for a pointer.
   * @param {string | null} text
   * @param {number} x
   * @param {number} y
   */
  tell(text, x = 0, y = 0) {
    this.status.textContent = text ? text.replaceAll("\n", ", ") : "";
    if (this.canvas.matches(":focus-visible")) this.showTip(text, x, y);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {string} text
   */
  message(context, text) {
    context.fillStyle = colours.soft;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, this.width / 2, this.height / 2, this.width - 20);
  }
}
