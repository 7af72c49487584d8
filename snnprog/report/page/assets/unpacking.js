// Arrays from their texts: the inverse of snnprog/report/page/packing.py.

/**
 * @typedef {{ rows: number, data: string }} PackedRaster
 * @typedef {{ width: number, data: string }} PackedIntegers
 * @typedef {{ reached: PackedIntegers, left: PackedIntegers }} PackedPotential
 * @typedef {Record<"least" | "greatest", PackedIntegers>} PackedBand
 * @typedef {Record<"line" | "row" | "delay" | "weight", PackedIntegers>} PackedSynapses
 */

/**
 * The potential that a neuron reached at each tick, and what each of its spikes left of it.
 * @typedef {{ reached: Int32Array, left: Int32Array }} Potential
 */

/**
 * The least and the greatest potential of a neuron at each tick, over all perturbed inputs.
 * @typedef {Record<"least" | "greatest", Int32Array>} Band
 */

/**
 * Synapses ordered by row, then by line; lines are inputs, then rows.
 * @typedef {Record<"line" | "row" | "delay" | "weight", Int32Array>} Synapses
 */

/** @param {string} text */
async function inflate(text) {
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/**
 * Return the ticks of each row's events, ascending; with `wanted` 0, the ticks without one.
 * @param {PackedRaster} raster
 * @param {number} ticks
 * @param {0 | 1} [wanted]
 */
export async function unpackRaster(raster, ticks, wanted = 1) {
  const bytes = new Uint8Array(await inflate(raster.data));
  const rows = [];
  for (let row = 0; row < raster.rows; row++) {
    const found = [];
    const end = (row + 1) * ticks;
    for (let bit = row * ticks; bit < end; bit++) {
      const byte = bytes[bit >> 3];
      if (wanted && byte === 0 && (bit & 7) === 0) bit += 7;
      else if (((byte >> (bit & 7)) & 1) === wanted) found.push(bit - row * ticks);
    }
    rows.push(Int32Array.from(found));
  }
  return rows;
}

/** @param {PackedIntegers} packed */
async function unpackIntegers(packed) {
  const content = await inflate(packed.data);
  if (packed.width === 1) return Int32Array.from(new Int8Array(content));
  if (packed.width === 2) return Int32Array.from(new Int16Array(content));
  return new Int32Array(content);
}

/** @param {PackedIntegers} packed */
async function unpackDifferences(packed) {
  const values = await unpackIntegers(packed);
  for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
  return values;
}

/**
 * @param {PackedPotential} packed
 * @returns {Promise<Potential>}
 */
export async function unpackPotential(packed) {
  return { reached: await unpackDifferences(packed.reached), left: await unpackIntegers(packed.left) };
}

/**
 * @param {PackedBand} packed
 * @returns {Promise<Band>}
 */
export async function unpackBand(packed) {
  return { least: await unpackDifferences(packed.least), greatest: await unpackDifferences(packed.greatest) };
}

/**
 * @param {PackedSynapses} packed
 * @returns {Promise<Synapses>}
 */
export async function unpackSynapses(packed) {
  return {
    line: await unpackDifferences(packed.line),
    row: await unpackDifferences(packed.row),
    delay: await unpackIntegers(packed.delay),
    weight: await unpackIntegers(packed.weight),
  };
}
