// ---- Drawing when something changed, once a frame.
const due = new Set();
const changed = (...what) => {
  if (!due.size) requestAnimationFrame(draw);
  for (const each of what) due.add(each);
};
let sorted = "";
const draw = () => {
  const all = due.has("all"), values = all || due.has("values"), moved = all || due.has("scroll");
  const where = due.has("place"), computed = due.has("strip");
  due.clear();
  if (all) {
    layOut();
    const key = `${view.sort} ${view.layer}`;
    if (sorted !== key) { view.order = orderOf(); sorted = key; }
    legends();
  }
  if (moved) drawRows();
  if (moved || values || where) { tintRows(); drawMap(); }
  if (moved) drawStrip();
  else if (values || computed) drawStripSoon();
  if (all || values || where) tell();
  const share = Math.floor(100 * Math.min(1, stretches.size / room));
  find("progress").textContent = share < 100 ? words().progress(share) : "";
};
const orderOf = () => {
  const from = view.layer * hidden, [kind, which] = view.sort.split(" ");
  const by = kind === "life" ? lives : kind === "probe" ? scores[Number(which)] : means[kind];
  const order = Array.from({ length: hidden }, (_, unit) => unit);
  return by ? order.sort((a, b) => by[from + b] - by[from + a] || a - b) : order;
};

// ---- Moving about.
const bringMap = (t) => {
  const cols = mapColumns();
  if (t < view.from || t >= view.from + cols) view.from = clamp(t - (cols >> 1), 0, Math.max(0, time - cols));
};
let silent = 0; // scrolls that follow from the map: those do not move it
const bringText = (t) => {
  const top = rowOf[t] * lineHeight, low = text.scrollTop, high = low + text.clientHeight - 2 * lineHeight;
  if (top < low || top > high) { silent++; text.scrollTop = Math.max(0, top - text.clientHeight / 2); setTimeout(() => { silent = 0; }, 150); }
};
const fix = (t) => {
  view.fixed = clamp(t, 0, time - 1);
  view.peek = null;
  centre = view.fixed;
  bringText(view.fixed);
  bringMap(view.fixed);
  changed("place", "scroll");
  assign();
};
const peek = (t) => {
  if (view.peek === t) return;
  view.peek = t;
  if (t !== null) bringMap(t);
  changed("place");
};
const pick = (layer, unit, quantity) => {
  Object.assign(view, { layer: clamp(layer, 0, layers - 1), unit: clamp(unit, 0, hidden - 1), tint: "unit", over: null });
  if (quantity) view.quantity = quantity;
  controls();
  changed("all");
};
const controls = () => {
  find("by-surprise").setAttribute("aria-pressed", view.tint === "surprise");
  find("by-unit").setAttribute("aria-pressed", view.tint === "unit");
  find("layer").value = view.layer + 1;
  find("unit").value = view.unit + 1;
  find("quantity").value = view.quantity;
  find("sort").value = view.sort;
};
const tokenAt = (event) => { const t = event.target.closest?.("[data-t]")?.dataset.t; return t === undefined ? null : Number(t); };
const keys = (event, go) => {
  const row = rowOf[view.fixed], inRow = view.fixed - starts[row];
  const onRow = (other) => { const to = clamp(other, 0, starts.length - 1); return Math.min(starts[to] + inRow, (starts[to + 1] ?? time) - 1); };
  const page = Math.max(1, Math.floor(text.clientHeight / lineHeight) - 1);
  const moves = {
    ArrowLeft: () => view.fixed - 1, ArrowRight: () => view.fixed + 1, ArrowUp: () => onRow(row - 1), ArrowDown: () => onRow(row + 1),
    PageUp: () => onRow(row - page), PageDown: () => onRow(row + page), Home: () => event.ctrlKey ? 0 : starts[row], End: () => event.ctrlKey ? time - 1 : (starts[row + 1] ?? time) - 1,
    Enter: () => place(), ...go,
  };
  if (!(event.key in moves) || event.altKey || event.metaKey) return;
  event.preventDefault();
  const to = moves[event.key]();
  if (to !== undefined) fix(to);
};

text.addEventListener("scroll", () => {
  const middle = clamp(Math.floor((text.scrollTop + text.clientHeight / 2) / lineHeight), 0, starts.length - 1);
  if (!silent) { view.from = clamp(starts[middle], 0, Math.max(0, time - mapColumns())); view.peek = null; }
  centre = starts[middle];
  changed("scroll");
  assign();
}, { passive: true });
text.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") peek(tokenAt(event)); });
text.addEventListener("pointerleave", () => peek(null));
text.addEventListener("click", (event) => { const t = tokenAt(event); if (t !== null) fix(t); });
text.addEventListener("keydown", (event) => keys(event, {}));

const spot = (event) => { // what of the map is pointed at
  const box = canvas.getBoundingClientRect(), { across, up } = cellSize();
  const t = view.from + Math.floor((event.clientX - box.left) / across), row = Math.floor((event.clientY - box.top - LABEL) / up);
  return { t: clamp(t, 0, time - 1), unit: view.order[row] };
};
let drag = null;
map.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, from: view.from, far: false }; map.setPointerCapture(event.pointerId); });
map.addEventListener("pointermove", (event) => {
  if (drag) {
    const by = Math.round((drag.x - event.clientX) / cellSize().across);
    if (by || drag.far) { drag.far = true; slide(drag.from + by); }
    return;
  }
  const { t, unit } = spot(event);
  Object.assign(view, { over: unit ?? null, peek: t });
  changed("place");
});
const slide = (from) => {
  view.from = clamp(from, 0, Math.max(0, time - mapColumns()));
  view.peek = null;
  centre = view.from;
  bringText(clamp(view.from + (mapColumns() >> 1), 0, time - 1));
  changed("place", "scroll");
  assign();
};
map.addEventListener("pointerup", (event) => {
  const moved = drag?.far;
  drag = null;
  if (moved) return;
  const { t, unit } = spot(event);
  if (unit !== undefined) pick(view.layer, unit);
  fix(t);
});
map.addEventListener("pointercancel", () => { drag = null; });
map.addEventListener("pointerleave", () => {
  view.over = null;
  peek(null);
});
map.addEventListener("wheel", (event) => {
  const by = event.shiftKey ? event.deltaY : event.deltaX;
  if (!by) return;
  event.preventDefault();
  slide(view.from + Math.sign(by) * Math.max(1, Math.round(Math.abs(by) / cellSize().across)));
}, { passive: false });
map.addEventListener("keydown", (event) => {
  const to = (by) => { const row = clamp(view.order.indexOf(view.unit) + by, 0, hidden - 1); pick(view.layer, view.order[row]); };
  keys(event, { ArrowUp: () => to(-1), ArrowDown: () => to(1), PageUp: () => to(-10), PageDown: () => to(10) });
});
const jump = (event) => { const box = strip.getBoundingClientRect(); fix(Math.floor(clamp((event.clientX - box.left) / box.width, 0, 1) * (time - 1))); };
strip.addEventListener("pointerdown", (event) => { strip.setPointerCapture(event.pointerId); jump(event); });
strip.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });

find("by-surprise").addEventListener("click", () => { view.tint = "surprise"; controls(); changed("all"); });
find("by-unit").addEventListener("click", () => pick(view.layer, view.unit));
find("quantity").addEventListener("change", (event) => { view.quantity = event.target.value; changed("all"); });
find("layer").addEventListener("change", (event) => pick(Number(event.target.value) - 1, view.unit));
find("unit").addEventListener("change", (event) => pick(view.layer, (Math.round(Number(event.target.value)) || 1) - 1));
find("sort").addEventListener("change", (event) => { view.sort = event.target.value; changed("all"); });
for (const button of document.querySelectorAll("button.unit")) {
  button.addEventListener("click", () => {
    pick(Number(button.dataset.layer) - 1, Number(button.dataset.unit) - 1, button.dataset.state ?? "cell");
    find("scope-title").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
}

const speak = (language) => {
  root.lang = language;
  one = UNIT_WORDS[language];
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", button.dataset.language === language);
  for (const each of document.querySelectorAll("option[data-en]")) each.textContent = language === "en" ? each.dataset.en : each.dataset.zh;
  document.querySelector(".language").setAttribute("aria-label", words().language);
  changed("all");
};
for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));

document.querySelector(".bench").hidden = document.querySelector(".language").hidden = false;
readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); changed("all"); });
new ResizeObserver(() => changed("all")).observe(text);
{
  const first = JSON.parse(document.querySelector(".bench").dataset.first ?? "null"); // a unit that is worth a look
  if (first) Object.assign(view, { layer: first[0] - 1, unit: first[1] - 1, quantity: first[2] });
}
controls();
speak((navigator.language ?? "").toLowerCase().startsWith("zh") ? "zh-Hans" : "en");
hire();
// For the console, and for tests: the values of a unit at a place, both counted from 0; NaN where not computed yet.
window.gates = { at: (t, layer, unit) => valuesAt(t, layer, unit), go: (t) => fix(t), pick, get computed() { return stretches.size / room; }, get alone() { return alone !== null; } };
