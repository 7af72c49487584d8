// Legends beside the charts: each entry is a mark in its colour, and a text.

import { colours, sizeCanvas } from "./canvas.js";
import { byId, element } from "./elements.js";
import { isShown, KINDS } from "./lanes.js";
import { paintTriangle } from "./potential.js";

/**
 * @typedef {import("./canvas.js").Colour} Colour
 * @typedef {import("./lanes.js").Lanes} Lanes
 */

/** @typedef {{ text: string, draw: (context: CanvasRenderingContext2D) => void }} Entry */

const [WIDTH, HEIGHT] = [18, 14]; // px of a mark

/** @type {(() => void)[]} */
const paints = [];

/**
 * @param {string} id
 * @param {Entry[]} entries
 */
export function fillLegend(id, entries) {
  const items = entries.map(({ text, draw }) => {
    const canvas = element("canvas", { ariaHidden: "true" });
    paints.push(() => draw(sizeCanvas(canvas, WIDTH, HEIGHT)));
    return element("li", {}, canvas, text);
  });
  byId(id, HTMLElement).replaceChildren(...items);
  paintLegends();
}

export function paintLegends() {
  for (const paint of paints) paint();
}

/**
 * Return the entries of the kinds that some row shows.
 * @param {Lanes[]} lanes
 * @returns {Entry[]}
 */
export function entriesOfLanes(lanes) {
  return KINDS.filter(({ name }) => isShown(lanes, name)).map((kind) => ({
    text: kind.text,
    draw: (context) => {
      context.fillStyle = context.strokeStyle = colours[kind.colour];
      kind.draw(context, WIDTH / 2, 0, 11, HEIGHT);
    },
  }));
}

/**
 * @param {string} text
 * @param {Colour} colour
 * @param {number} [height]
 * @returns {Entry}
 */
export function swatch(text, colour, height = 10) {
  return {
    text,
    draw: (context) => {
      context.fillStyle = colours[colour];
      context.fillRect(0, (HEIGHT - height) / 2, WIDTH, height);
    },
  };
}

/**
 * @param {string} text
 * @param {Colour} colour
 * @returns {Entry}
 */
export function dashes(text, colour) {
  return {
    text,
    draw: (context) => {
      context.strokeStyle = colours[colour];
      context.setLineDash([6, 4]);
      context.beginPath();
      context.moveTo(0, 7.5);
      context.lineTo(WIDTH, 7.5);
      context.stroke();
    },
  };
}

/**
 * @param {string} text
 * @param {Colour} colour
 * @param {-1 | 1} away
 * @returns {Entry}
 */
export function triangle(text, colour, away) {
  const y = away < 0 ? 12 : 2;
  return { text, draw: (context) => paintTriangle(context, { x: WIDTH / 2, y, away, colour: colours[colour] }) };
}
