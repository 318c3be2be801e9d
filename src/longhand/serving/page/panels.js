// The panel at the side: settings, versions or the gates, one at a time.
import { remember, remembered } from "./keeping.js";
import { t, whenLanguageChanges } from "./words.js";

const panel = document.getElementById("panel");
const title = document.getElementById("panel-title");
const NAMES = ["settings", "versions", "gates"];
const listeners = {};
let shown = null;

export const whenOpened = (name, listener) => { listeners[name] = listener; };
export const isShown = (name) => shown === name;

export const openPanel = (name, { focus = true } = {}) => {
  const before = shown;
  shown = name;
  panel.hidden = name === null;
  document.body.dataset.panel = name ?? "";
  for (const each of NAMES) {
    document.getElementById(`panel-${each}`).hidden = each !== name;
    document.getElementById(`open-${each}`).setAttribute("aria-expanded", String(each === name));
  }
  remember("panel", { is: name });
  if (name === null) {
    if (before && focus) document.getElementById(`open-${before}`).focus();
  } else {
    title.textContent = t(name);
    listeners[name]?.(true);
    if (focus) title.focus({ preventScroll: true });
  }
  if (before && before !== name) listeners[before]?.(false);
};

for (const name of NAMES) {
  document.getElementById(`open-${name}`).addEventListener("click", () => openPanel(isShown(name) ? null : name));
}
document.getElementById("panel-close").addEventListener("click", () => openPanel(null));
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  openPanel(null);
});
whenLanguageChanges(() => { if (shown) title.textContent = t(shown); });

// A wide window opens with the panel that was open last.
export const openLast = () => {
  const { is } = remembered("panel");
  if (NAMES.includes(is) && window.matchMedia("(min-width: 64rem)").matches && !document.getElementById(`open-${is}`).hidden) openPanel(is, { focus: false });
};
