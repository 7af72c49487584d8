// Shows the page again when it has changed, as long as 'snnprog watch' serves it; see snnprog/cli/serving.py.

const changes = new EventSource("changes");
changes.addEventListener("message", (event) => {
  if (location.search !== `?${event.data}`) location.replace(`?${event.data}${location.hash}`);
});
changes.addEventListener("error", () => changes.close()); // the watch has ended: the page stays as it is
