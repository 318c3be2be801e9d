// ---- What is shown.
const view = { tint: "surprise", quantity: "cell", layer: 0, unit: 0, sort: "index", over: null, fixed: 0, peek: null, from: 0, order: [] };
const place = () => view.peek ?? view.fixed, unitShown = () => view.over ?? view.unit;
const text = find("text"), rows = text.querySelector(".rows"), map = find("map"), canvas = map.querySelector("canvas"), strip = find("strip");

// Needed by scripts and emoji, and shown as they are within a piece (KEPT in longhand/pages/letters.py).
const KEPT = /[\u00ad\u061c\u180e\u200b-\u200f\u2060\u{e0020}-\u{e007f}]/u, ALL_KEPT = new RegExp(`^${KEPT.source}+$`, "u");
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/u, WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const seen = (piece) => { // a piece of the text with all that does not show made visible
  if (piece === "" || ALL_KEPT.test(piece)) return "·";
  let result = "";
  for (const letter of piece) {
    if (letter === "\n") result += "↵";
    else if (letter === "\t") result += "⇥";
    else if (letter < " ") result += String.fromCodePoint(0x2400 + letter.codePointAt(0));
    else result += CONTROL.test(letter) && !KEPT.test(letter) ? "\ufffd" : letter;
  }
  return result;
};
const columnsOf = (piece) => {
  let result = 0;
  for (const letter of seen(piece)) result += WIDE.test(letter) ? 2 : /\p{M}/u.test(letter) || KEPT.test(letter) ? 0 : 1;
  return result;
};
const widths = Uint16Array.from(pieces, columnsOf);
const lineOf = new Uint32Array(time);
for (let t = 0, line = 1; t < time; t++) { lineOf[t] = line; line += pieces[t].split("\n").length - 1; }

let starts = [0], rowOf = new Uint32Array(time), lineHeight = 24, columns = 0, charWidth = 8;
const layOut = () => { // where the rows of the text begin
  const probe = document.createElement("span");
  probe.textContent = "0".repeat(50);
  probe.className = "row";
  rows.append(probe);
  charWidth = probe.getBoundingClientRect().width / 50 || 8;
  probe.remove();
  const fits = Math.max(12, Math.floor((text.clientWidth - 26) / charWidth));
  if (fits === columns) return;
  columns = fits;
  starts = [0];
  let used = 0, afterSpace = 0;
  for (let t = 0; t < time; t++) {
    if (used + widths[t] > columns && t > starts[starts.length - 1]) {
      const begin = afterSpace > starts[starts.length - 1] + 8 && pieces[t] !== " " ? afterSpace : t;
      starts.push(begin);
      used = 0;
      for (let k = begin; k < t; k++) used += widths[k];
    }
    used += widths[t];
    if (pieces[t].endsWith(" ")) afterSpace = t + 1;
    if (pieces[t].includes("\n") && t + 1 < time) { starts.push(t + 1); used = 0; }
  }
  for (let row = 0; row < starts.length; row++) rowOf.fill(row, starts[row], starts[row + 1] ?? time);
  rows.style.height = starts.length * lineHeight + "px";
  for (const row of shown.values()) row.element.remove();
  shown.clear();
};

const shown = new Map();
const drawRows = () => {
  const first = clamp(Math.floor(text.scrollTop / lineHeight) - 6, 0, starts.length - 1);
  const last = clamp(Math.ceil((text.scrollTop + text.clientHeight) / lineHeight) + 6, first, starts.length - 1);
  for (const [row, { element }] of shown) if (row < first || row > last) { element.remove(); shown.delete(row); }
  for (let row = first; row <= last; row++) {
    if (shown.has(row)) continue;
    const element = document.createElement("div");
    element.className = "row";
    element.style.top = row * lineHeight + "px";
    const spans = [];
    for (let t = starts[row]; t < (starts[row + 1] ?? time); t++) {
      const span = document.createElement("span");
      span.textContent = seen(pieces[t]);
      span.dataset.t = t;
      if (pieces[t] === "\n" || pieces[t] === "\t" || pieces[t] === "") span.className = "sign";
      spans.push(span);
    }
    element.append(...spans);
    rows.append(element);
    shown.set(row, { element, spans, tinted: [] });
  }
};
const tintOf = (t) => {
  if (view.tint === "surprise") return ramps.soft.hot[clamp(Math.round(surprises[t] / MOST_BITS * (BINS - 1)), 0, BINS - 1)];
  const value = valueAt(t, view.layer, view.unit, view.quantity);
  return Number.isNaN(value) ? "" : ramps.soft[kindOf(view.quantity)][binOf(value, view.quantity, rangeOf(view.quantity, view.layer, view.unit))];
};
let marked = null;
const tintRows = () => {
  for (const [row, { spans, tinted }] of shown) {
    for (let k = 0; k < spans.length; k++) {
      const tint = tintOf(starts[row] + k);
      if (tinted[k] !== tint) { spans[k].style.backgroundColor = tint; tinted[k] = tint; }
    }
  }
  const here = shown.get(rowOf[place()])?.spans[place() - starts[rowOf[place()]]] ?? null;
  if (here !== marked) { marked?.classList.remove("here"); here?.classList.add("here"); marked = here; }
};
