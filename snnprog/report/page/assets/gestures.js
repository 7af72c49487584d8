// Pointer, wheel, fingers and keys on a chart. A plot answers `hover(x, y)` with a text, and may take `click(x, y)` and
// `key(event)`; a plot with a view is zoomed, too.

const STILL = 5;

function attachGestures(plot) {
  const { canvas } = plot;
  const fingers = new Map();
  let press = null;

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const select = (span) => {
    plot.selection = span;
    plot.redrawOverlay();
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const place = placeOf(event);
    fingers.set(event.pointerId, place);
    canvas.setPointerCapture(event.pointerId);
    press = { ...place, kind: event.pointerType, last: place.x, isMoved: false };
    if (plot.view) Object.assign(press, { from: plot.view.from, to: plot.view.to });
    if (fingers.size === 2) press.apart = spread(fingers);
  });

  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place);
    if (press && plot.view) follow(place);
    plot.showTip(plot.hover(place.x, place.y), place.x, place.y);
  });

  function follow(place) {
    if (Math.abs(place.x - press.x) > STILL) press.isMoved = true;
    if (press.apart) pinch();
    else if (press.isMoved && press.kind === "mouse") select([press.x, place.x]);
    else if (press.isMoved) {
      plot.view.pan((press.last - place.x) / plot.inner);
      press.last = place.x;
    }
  }

  function pinch() {
    press.isMoved = true;
    if (fingers.size < 2) return;
    const now = spread(fingers);
    const span = (press.to - press.from) * (press.apart.distance / Math.max(now.distance, 1));
    const about = press.from + ((press.apart.middle - plot.left) / plot.inner) * (press.to - press.from);
    const first = about - ((now.middle - plot.left) / plot.inner) * span;
    plot.view.show(first, first + span);
  }

  const release = (event) => {
    fingers.delete(event.pointerId);
    if (!press || fingers.size) return;
    const { x, y } = placeOf(event);
    const from = press;
    press = null;
    if (plot.selection) {
      const [first, last] = [Math.min(from.x, x), Math.max(from.x, x)];
      select(null);
      if (event.type === "pointerup") plot.view.show(plot.tickAt(first), plot.tickAt(last) + 1);
    } else if (!from.isMoved && event.type === "pointerup") plot.click?.(x, y);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    if (press) return;
    plot.showTip(null);
    plot.leave?.();
  });
  canvas.addEventListener("blur", () => plot.showTip(null));
  canvas.addEventListener("dblclick", () => plot.view?.showAll());
  canvas.addEventListener("wheel", (event) => turn(plot, event, placeOf(event)), { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") canvas.blur();
    else if (plot.key?.(event) || (plot.view && timeKey(plot.view, event))) event.preventDefault();
  });
}

function spread(fingers) {
  const [one, other] = [...fingers.values()];
  return { distance: Math.abs(one.x - other.x), middle: (one.x + other.x) / 2 };
}

// The wheel scrolls the page unless the chart is in focus, or Ctrl says that zooming is meant.
function turn(plot, event, place) {
  if (!plot.view || !(event.ctrlKey || event.metaKey || document.activeElement === plot.canvas)) return;
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    plot.view.pan((event.deltaX || event.deltaY) / 500);
    return;
  }
  const about = plot.view.from + (place.x - plot.left) / plot.perTick;
  plot.view.zoom(2 ** Math.max(-1, Math.min(1, event.deltaY / 120)), about);
}

function timeKey(view, event) {
  const step = event.shiftKey ? 10 : 1;
  const actions = {
    ArrowLeft: () => view.step(-step),
    ArrowRight: () => view.step(step),
    "+": () => view.zoom(0.5, view.cursor ?? undefined),
    "=": () => view.zoom(0.5, view.cursor ?? undefined),
    "-": () => view.zoom(2, view.cursor ?? undefined),
    0: () => view.showAll(),
    Home: () => view.point(Math.ceil(view.from)),
    End: () => view.point(Math.ceil(view.to) - 1),
    PageUp: () => view.pan(-0.5),
    PageDown: () => view.pan(0.5),
  };
  if (!(event.key in actions)) return false;
  actions[event.key]();
  return true;
}
