// Looking inside: what each unit of the network remembers as it reads the end of the text.
import { inspection } from "./api.js";
import { complain } from "./connection.js";
import { desk, tinted } from "./desk.js";
import { element, select } from "./dom.js";
import * as heatmap from "./heatmap.js";
import { isShown, openPanel, whenOpened } from "./panels.js";
import { tint } from "./tints.js";
import { number, percent, seen, t, whenLanguageChanges } from "./words.js";
import { isWriting, whenWritten } from "./writing.js";

const panel = document.getElementById("panel-gates");
const SHOWS = ["cell", "hidden", "input", "forget", "output", "candidate"], SIGNED = ["cell", "hidden", "candidate"];
const CHARACTERS = 600, LONG_TOKENS = 2400; // characters that are looked at: of characters, of words
const LATER = 700; // milliseconds after the last key
const wanted = { layer: null, show: "cell", row: 0, unit: null, colour: true }; // unit: the one that a person picked
let found = null; // the answer, with order, reach, signed, from
let column = null;
let asking = null;

// The end of the text, as much of it as is looked at, from the beginning of a character.
const lookedAt = () => {
  const { text } = desk.tree, most = ["word", "whitespace", "bpe"].includes(desk.model.longhand.tokens) ? LONG_TOKENS : CHARACTERS;
  let from = Math.max(0, text.length - most);
  if (/[\udc00-\udfff]/.test(text[from] ?? "")) from++;
  return { from, input: text.slice(from) };
};

const unit = () => found.order[wanted.row];
const half = (of) => {
  const long = found.half_life[of];
  if (long >= 1e5) return t("unit-long", { unit: of + 1 });
  return t("unit-is", { unit: of + 1, half: number(long, long < 10 ? 1 : 0), what: t(`many-${desk.model.longhand.tokens}`) });
};

// The text takes the colours of the unit.
const colour = () => {
  if (!found || !wanted.colour || !isShown("gates")) { tint.unit = null; return tinted(); }
  const values = [], of = unit();
  let place = found.from;
  for (const [index, token] of found.tokens.entries()) {
    const end = place + token.text.length, value = found.values[index][of];
    if (end > place) values.push([place, end, Math.max(-1, Math.min(1, value / found.reach[of])), value, token.text]);
    place = end;
  }
  tint.unit = { values, signed: found.signed, name: `${t("legend-unit", { unit: of + 1 })} · ${t(`show-${found.show}`)}` };
  tinted();
};

const canvas = document.createElement("canvas"), bars = document.createElement("canvas");
bars.setAttribute("aria-hidden", "true");
const remark = element("p", { className: "remark" }), pointed = element("p", { className: "pointed" });
remark.setAttribute("aria-live", "polite");
const paint = () => {
  if (!found) return;
  heatmap.draw(canvas, found, wanted.row, column);
  heatmap.strip(bars, found, unit());
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("map", { units: found.units, tokens: found.tokens.length, unit: unit() + 1 }));
  remark.textContent = half(unit());
  pointed.textContent = column === null ? "" : t("value-here", { text: seen(found.tokens[column].text), value: number(found.values[column][unit()], 2) });
};

const pick = (row) => {
  wanted.row = row;
  wanted.unit = unit();
  document.getElementById("unit").setAttribute("aria-valuetext", half(unit()));
  paint();
  colour();
};

const range = () => {
  const input = element("input", { type: "range", id: "unit", min: 0, max: found.units - 1, step: 1, value: wanted.row });
  input.setAttribute("aria-valuetext", half(unit()));
  input.addEventListener("input", () => pick(Number(input.value)));
  return element("label", { htmlFor: "unit", className: "unit" }, element("span", { textContent: t("unit") }), input);
};

const box = () => {
  const input = element("input", { type: "checkbox", id: "colour-text", checked: wanted.colour });
  input.addEventListener("change", () => { wanted.colour = input.checked; colour(); });
  return element("label", { htmlFor: "colour-text", className: "check" }, input, element("span", { textContent: t("colour-text") }));
};

const choices = () => {
  const layers = Array.from({ length: found.layers }, (_, at) => [at + 1, t("layer-number", { layer: at + 1 })]);
  const shows = SHOWS.map((name) => [name, t(`show-${name}`)]);
  return element("div", { className: "choices-row" },
    select("layer", t("layer"), layers, found.layer, (value) => { Object.assign(wanted, { layer: Number(value), unit: null }); look(); }),
    select("show", t("show"), shows, found.show, (value) => { wanted.show = value; look(); }));
};

const means = () => {
  const { input, forget, output } = found.gates[found.layer - 1];
  const open = t("gate-means", { input: percent(input), forget: percent(forget), output: percent(output) });
  const bits = found.tokens.reduce((sum, token) => sum + token.bits, 0) / found.tokens.length;
  return element("p", { className: "means", textContent: `${open} · ${t("mean-bits", { bits: number(bits, 2) })}` });
};

const draw = (message = null) => {
  const lead = element("p", { className: "lead", textContent: t("gates-lead", { what: t(`one-${desk.model?.longhand.tokens ?? "char"}`) }) });
  if (!found) return panel.replaceChildren(lead, element("p", { className: "remark", textContent: t(message ?? "gates-empty") }));
  const focused = panel.contains(document.activeElement) ? document.activeElement.id : "", scroll = panel.querySelector(".map")?.scrollLeft;
  const map = element("div", { className: "map" }, canvas, bars);
  panel.replaceChildren(lead, choices(), map, range(), remark, pointed, box(), means());
  paint();
  map.scrollLeft = scroll ?? map.scrollWidth;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
};

const look = async () => {
  if (!isShown("gates") || !desk.model) return;
  asking?.abort();
  const { from, input } = lookedAt();
  if (!input) { found = null; colour(); return draw(); }
  const mine = asking = new AbortController();
  if (!found) draw("looking");
  try {
    const body = { model: desk.model.id, input, show: wanted.show };
    if (wanted.layer) body.layer = wanted.layer;
    const answer = await inspection(body, mine.signal);
    if (asking !== mine || input !== lookedAt().input) return;
    const signed = SIGNED.includes(answer.show);
    const order = answer.half_life.map((_, at) => at).sort((one, other) => answer.half_life[other] - answer.half_life[one]);
    found = { ...answer, from, signed, order, reach: heatmap.ranges(answer.values, answer.units, signed) };
    wanted.row = wanted.unit === null ? Math.min(wanted.row, answer.units - 1) : order.indexOf(wanted.unit); // its row may be another now
    column = null;
    draw();
    colour();
  } catch (error) {
    if (error.name !== "AbortError" && !found) draw("gates-failed");
    complain(error);
  }
};

// The text takes off the unit's colours, for others.
export const uncolour = () => {
  wanted.colour = false;
  const shown = document.getElementById("colour-text");
  if (shown) shown.checked = false;
  colour();
};

canvas.addEventListener("pointermove", (event) => {
  column = heatmap.hit(canvas, found.tokens.length, found.units, event)?.column ?? null;
  paint();
});
canvas.addEventListener("pointerleave", () => { column = null; paint(); });
canvas.addEventListener("click", (event) => {
  const at = heatmap.hit(canvas, found.tokens.length, found.units, event);
  if (!at) return;
  document.getElementById("unit").value = at.row;
  pick(at.row);
});

let soon = null;
export const watch = () => {
  whenOpened("gates", (open) => { if (open) { draw(found ? null : "looking"); look(); } else colour(); });
  whenWritten(look);
  desk.tree.listen((what) => {
    if (what !== "text" || !isShown("gates")) return;
    clearTimeout(soon);
    soon = setTimeout(() => { if (!isWriting()) look(); }, LATER);
  });
  whenLanguageChanges(() => { if (isShown("gates")) { draw(); colour(); } });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
};

// Another model: what was found is of no use; one with a window has no cells to watch.
export const suit = (model) => {
  found = null;
  Object.assign(wanted, { layer: null, row: 0, unit: null });
  const none = !model || model.longhand.window !== null;
  document.getElementById("open-gates").hidden = none;
  if (none && isShown("gates")) openPanel(null, { focus: false });
  else look();
};
