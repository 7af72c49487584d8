// The switch between the system's colours, light and dark.

import { plots, readColours } from "./canvas.js";
import { byId } from "./elements.js";
import { paintLegends } from "./legend.js";

const THEMES = [
  { name: "", text: "Auto", label: "Colours: same as the system" },
  { name: "light", text: "Light", label: "Colours: light" },
  { name: "dark", text: "Dark", label: "Colours: dark" },
];

export function attachTheme() {
  const button = byId("theme", HTMLButtonElement);
  let chosen = 0;
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

/** Paint everything in the colours that hold now, at once: a printer does not wait for the next frame. */
export function repaint() {
  readColours();
  paintLegends();
  for (const plot of plots) plot.paintBase();
}
