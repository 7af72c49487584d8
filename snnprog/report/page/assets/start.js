// Unpacks what is drawn first, makes the charts, and ties them to the controls.

performance.mark("snnprog-start");
start().catch((error) => {
  const text = `The charts cannot be drawn here (${error.message}); all words and tables of this page stand as they are.`;
  document.getElementById("main").prepend(element("p", { className: "note", role: "alert", textContent: text }));
});

async function start() {
  attachTheme();
  const view = new View(report.ticks, report.starts.length ? report.starts : [0]);
  attachNeuronTable(view);
  if (report.rows.length && document.getElementById("neuron")) attachChoice(view);
  if (report.ticks) {
    attachSpan(view);
    await drawRun(view);
  }
  if (report.synapses) await drawWeights(view);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    performance.measure("snnprog-first-draw", "snnprog-start");
    document.documentElement.dataset.ready = "true";
  }));
}

async function drawRun(view) {
  const unpack = (raster, wanted) => (raster ? unpackRaster(raster, report.ticks, wanted) : null);
  const rasters = [unpack(report.inputs), unpack(report.spikes), unpack(report.targets), unpack(report.care, 0)];
  const [inputs, spikes, targets, uncounted] = await Promise.all(rasters);
  const lanes = outputLanes({ spikes, targets, uncounted });
  new RasterPlot("inputs", view, inputs.map((ticks) => ({ plain: ticks })), {
    describe: (row, tick) => `input ${row}: ${includes(inputs[row], tick) ? "spike" : "silent"}`,
  }).redraw();
  new RasterPlot("outputs", view, lanes, {
    describe: (row, tick) => describeOutput(lanes, row, tick),
    choose: (row) => view.choose(row),
  }).redraw();
  legend("legend", laneLegend(lanes));
  const { columns, rows } = spikeTimes(view, lanes);
  inWords("outputs", view, ["span"], columns, rows);
  attachDifferences(view, lanes);
  if (report.potentials) await drawPotential(view, lanes);
  if (document.getElementById("margins")) drawMargins(view);
}

async function drawPotential(view, lanes) {
  const plot = new PotentialPlot(view, lanes);
  const judged = report.targets !== null;
  legend("potential-legend", [
    swatch("potential", "potential", 2),
    dashes("threshold", "threshold"),
    ...(judged ? [swatch("margin: no tick that counts comes in here", "band")] : []),
    ...(judged ? [triangle("the spike that comes nearest", "spike-side", -1)] : []),
    ...(judged ? [triangle("the silence that comes nearest", "silence-side", 1)] : []),
  ]);
  const near = document.getElementById("near");
  near.addEventListener("change", () => {
    plot.isNear = near.checked;
    plot.redraw();
  });
  inWords("potential", view, ["span", "row"], ["tick", "potential (LSB)", "beyond the threshold (LSB)", "spike"], () => {
    if (!plot.values) return [];
    const ticks = Array.from({ length: plot.endTick - plot.firstTick }, (_, index) => plot.firstTick + index);
    return ticks.map((tick) => {
      const isSpike = leftAfter(plot.values[tick], plot.neuron, report.rule) !== plot.values[tick];
      return [placeInFew(view, tick), decimal(plot.at(tick)), decimal(plot.at(tick) - plot.threshold), isSpike ? "spike" : ""];
    });
  });
  await plot.loaded;
}

async function drawWeights(view) {
  const plot = new WeightsPlot(view, await unpackSynapses(report.synapses));
  inWords("weights", view, ["row"], ["from", "delay (ticks)", "weight (LSB)"], () =>
    [...plot.weights].map(([key, weight]) => {
      const line = Math.floor(key / 65536);
      const from = line < report.lines ? `input ${line}` : report.rows[line - report.lines].name;
      return [from, String(key % 65536), String(weight)];
    }),
  );
}

function drawMargins(view) {
  new MarginsPlot(view);
  legend("margins-legend", [
    swatch("above the threshold where a spike is asked", "spike-side"),
    swatch("below the threshold where silence is asked", "silence-side"),
    swatch("on the wrong side", "missing"),
  ]);
}

function attachChoice(view) {
  const select = document.getElementById("neuron");
  const heading = document.getElementById("chosen");
  select.append(...report.rows.map((row, index) => new Option(row.name, String(index))));
  select.addEventListener("change", () => view.choose(Number(select.value)));
  const tell = () => {
    select.value = String(view.row);
    if (heading) heading.textContent = report.rows[view.row].name;
  };
  view.listen(["row"], tell);
  tell();
}

function attachSpan(view) {
  const select = document.getElementById("pattern");
  const all = new Option(`all ${view.starts.length}`, "");
  select.append(all, ...view.starts.map((_, index) => new Option(`pattern ${index}`, String(index))));
  document.getElementById("pattern-label").hidden = view.starts.length < 2;
  select.addEventListener("change", () => (select.value === "" ? view.showAll() : view.showPattern(Number(select.value))));
  const actions = {
    "zoom-in": () => view.zoom(0.5, view.cursor ?? undefined),
    "zoom-out": () => view.zoom(2),
    earlier: () => view.pan(-0.5),
    later: () => view.pan(0.5),
    reset: () => view.showAll(),
  };
  for (const [id, act] of Object.entries(actions)) document.getElementById(id).addEventListener("click", act);
  const tell = () => {
    const [first, last] = [Math.floor(view.from), Math.ceil(view.to) - 1];
    const pattern = view.patternAt(first);
    const isOne = first === view.starts[pattern] && last + 1 === view.endOf(pattern);
    select.value = isOne && view.starts.length > 1 ? String(pattern) : "";
    const same = view.patternAt(last) === pattern;
    const end = same ? last - view.starts[pattern] : view.placeOf(last);
    document.getElementById("span").textContent = `${view.placeOf(first)} to ${end}`;
    document.getElementById("earlier").disabled = view.from <= 0;
    document.getElementById("later").disabled = view.to >= view.ticks;
    document.getElementById("zoom-out").disabled = document.getElementById("reset").disabled = view.to - view.from >= view.ticks;
  };
  view.listen(["span"], tell);
  tell();
}

// Buttons that go from one wrong bin, or one demand of a contradiction, to the next.
function attachDifferences(view, lanes) {
  const places = lanes.flatMap((row, index) =>
    ["missing", "extra", "conflict"].flatMap((name) => [...(row[name] ?? [])].map((tick) => ({ tick, row: index }))),
  );
  places.sort((one, other) => one.tick - other.tick || one.row - other.row);
  if (!places.length) return;
  document.getElementById("differences").hidden = false;
  const next = document.getElementById("next-difference");
  if (report.conflicts) {
    next.textContent = "Next demand";
    document.getElementById("previous-difference").ariaLabel = "Previous demand";
    document.getElementById("differences").ariaLabel = "Demands that contradict one another";
  }
  let at = -1;
  const go = (step) => {
    at = (at + step + places.length) % places.length;
    view.choose(places[at].row);
    view.centre(places[at].tick);
    view.point(places[at].tick);
  };
  next.addEventListener("click", () => go(1));
  document.getElementById("previous-difference").addEventListener("click", () => go(at < 0 ? 0 : -1));
}
