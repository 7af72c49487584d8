// On paper: light colours, and everything unfolded; afterwards the page is as it was.

import { repaint } from "./theme.js";

export function attachPrinting() {
  /** @type {HTMLDetailsElement[]} */
  let unfolded = [];
  const { dataset } = document.documentElement;
  let theme = dataset.theme;
  addEventListener("beforeprint", () => {
    theme = dataset.theme;
    dataset.theme = "light";
    unfolded = [...document.querySelectorAll("details")].filter((details) => !details.open && details.matches(".table"));
    for (const details of unfolded) details.open = true;
    repaint();
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
    if (theme === undefined) delete dataset.theme;
    else dataset.theme = theme;
    repaint();
  });
}
