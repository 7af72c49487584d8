// What the page holds, unpacked when it is needed: the way back of snnprog/report/page/packing.py.

const report = JSON.parse(document.getElementById("report-data").textContent);

async function inflate(text) {
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The ticks of each row's events, ascending; with `wanted` 0, the ticks at which there is none.
async function unpackRaster(raster, ticks, wanted = 1) {
  const bytes = await inflate(raster.data);
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

async function unpackIntegers(packed) {
  const { width, shift, data } = packed;
  const bytes = await inflate(data);
  const count = bytes.length / width;
  const unused = 32 - 8 * width;
  const values = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let place = 0; place < width; place++) value |= bytes[place * count + i] << (8 * place);
    values[i] = ((value << unused) >> unused) * 2 ** shift;
  }
  return values;
}

// Each tick adds what is kept of it to what is left of the tick before; a pattern starts from rest.
async function unpackPotential(packed, neuron, rule, starts) {
  const values = await unpackIntegers(packed);
  const scale = 2 ** rule.bits;
  const isStart = new Uint8Array(values.length);
  for (const start of starts) isStart[start] = 1;
  let after = 0;
  for (let tick = 0; tick < values.length; tick++) {
    if (isStart[tick]) after = 0;
    values[tick] += Math.trunc((after * neuron.factor) / scale);
    after = leftAfter(values[tick], neuron, rule);
  }
  return values;
}

function leftAfter(potential, neuron, rule) {
  const fires = rule.firesAtEqual ? potential >= neuron.threshold : potential > neuron.threshold;
  if (!fires) return potential;
  return rule.subtracts ? potential % neuron.threshold : 0;
}

async function unpackSynapses(synapses) {
  const names = ["line", "row", "delay", "weight"];
  const columns = await Promise.all(names.map((name) => unpackIntegers(synapses[name])));
  for (const column of columns.slice(0, 2)) for (let i = 1; i < column.length; i++) column[i] += column[i - 1];
  return Object.fromEntries(names.map((name, index) => [name, columns[index]]));
}

// The first index whose value is not below.
function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function includes(sorted, value) {
  return sorted[firstAtLeast(sorted, value)] === value;
}
