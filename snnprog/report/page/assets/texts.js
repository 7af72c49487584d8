// What stands beside the charts: legends, the same in words, the table of neurons, and the colours' switch.

const SHOWN_LINES = 400;
const THEMES = [
  { name: "", text: "Auto", label: "Colours: as the system has them" },
  { name: "light", text: "Light", label: "Colours: light" },
  { name: "dark", text: "Dark", label: "Colours: dark" },
];
const legends = [];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// `entries`: a text and a function that paints its mark into 18 × 14 pixels.
function legend(id, entries) {
  const list = document.getElementById(id);
  list.replaceChildren(
    ...entries.map(({ text, draw }) => {
      const canvas = element("canvas", { ariaHidden: "true" });
      legends.push(() => draw(sizeCanvas(canvas, 18, 14)));
      return element("li", {}, canvas, text);
    }),
  );
  paintLegends();
}

function paintLegends() {
  for (const paint of legends) paint();
}

function laneLegend(lanes) {
  const used = LANE_KINDS.filter(({ name }) => lanes.some((row) => row[name]?.length));
  return used.map((kind) => ({
    text: kind.text,
    draw: (context) => {
      context.fillStyle = context.strokeStyle = colours[kind.colour];
      kind.draw(context, 9, 0, 11, 14);
    },
  }));
}

function swatch(text, colour, height = 10) {
  return {
    text,
    draw: (context) => {
      context.fillStyle = colours[colour];
      context.fillRect(0, (14 - height) / 2, 18, height);
    },
  };
}

function dashes(text, colour) {
  const draw = (context) => {
    context.strokeStyle = colours[colour];
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(0, 7.5);
    context.lineTo(18, 7.5);
    context.stroke();
  };
  return { text, draw };
}

function triangle(text, colour, away) {
  return { text, draw: (context) => paintTriangle(context, 9, away < 0 ? 12 : 2, away, colours[colour]) };
}

// A table that is made when its details are opened, and again when what it tells changes.
function inWords(name, view, kinds, columns, rowsOf) {
  const details = document.getElementById(`${name}-words`);
  const fill = () => details.open && details.lastElementChild.replaceChildren(...tableOf(columns, rowsOf()));
  details.addEventListener("toggle", fill);
  view.listen(kinds, fill);
}

function tableOf(columns, rows) {
  const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col", textContent: column })));
  const lines = rows.slice(0, SHOWN_LINES).map(([first, ...cells]) => {
    const others = cells.map((cell) => element("td", { textContent: cell }));
    return element("tr", {}, element("th", { scope: "row", textContent: first }), ...others);
  });
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  const left = rows.length - SHOWN_LINES;
  return left > 0 ? [table, element("p", { className: "note", textContent: `${left} more; zoom in for fewer.` })] : [table];
}

function spikeTimes(view, lanes) {
  const names = LANE_KINDS.filter(({ name }) => name !== "uncounted" && lanes.some((row) => row[name]?.length));
  const columns = ["neuron", ...names.map(({ text }) => text)];
  const told = (ticks = NO_TICKS) => {
    const inView = ticks.filter((tick) => tick >= view.from && tick < view.to);
    const shown = [...inView.slice(0, SHOWN_LINES)].map((tick) => placeInFew(view, tick));
    return shown.join(", ") + (inView.length > SHOWN_LINES ? ", …" : "") || "none";
  };
  return { columns, rows: () => lanes.map((row, index) => [report.rows[index].name, ...names.map(({ name }) => told(row[name]))]) };
}

function placeInFew(view, tick) {
  const pattern = view.patternAt(tick);
  const inside = tick - view.starts[pattern];
  return view.starts.length > 1 ? `${pattern}:${inside}` : String(inside);
}

function attachNeuronTable(view) {
  const table = document.getElementById("neuron-table");
  const body = table.tBodies[0];
  const mark = () => {
    for (const row of body.rows) row.classList.toggle("chosen", report.synapses !== null && Number(row.dataset.row) === view.row);
  };
  body.addEventListener("click", (event) => {
    if (event.target.matches(".choose")) view.choose(Number(event.target.closest("tr").dataset.row));
  });
  [...table.tHead.rows[0].cells].forEach((head, column) => head.addEventListener("click", () => sortBy(table, column)));
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const cells = [...body.rows].map((row) => row.cells[column]);
    const isNumber = cells.every((cell) => /^[-–+\d]/.test(cell.textContent));
    for (const cell of [head, ...cells]) cell.classList.toggle("number", isNumber);
  });
  view.listen(["row"], mark);
  mark();
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const isDescending = heads[column].ariaSort === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].ariaSort = isDescending ? "descending" : "ascending";
  const value = (row) => row.cells[column].textContent;
  const number = (text) => Number(text.replaceAll(",", ""));
  const compare = (one, other) => {
    const [a, b] = [number(value(one)), number(value(other))];
    if (Number.isNaN(a) || Number.isNaN(b)) return value(one).localeCompare(value(other), "en", { numeric: true });
    return a - b;
  };
  const rows = [...table.tBodies[0].rows].sort(compare);
  table.tBodies[0].append(...(isDescending ? rows.reverse() : rows));
}

function attachTheme() {
  const button = document.getElementById("theme");
  let chosen = 0;
  const repaint = () => {
    readColours();
    paintLegends();
    for (const plot of plots) plot.redraw();
  };
  button.addEventListener("click", () => {
    chosen = (chosen + 1) % THEMES.length;
    const { name, text, label } = THEMES[chosen];
    document.documentElement.dataset.theme = name;
    button.textContent = text;
    button.ariaLabel = label;
    repaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  readColours();
}
