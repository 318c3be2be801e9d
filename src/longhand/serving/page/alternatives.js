// What else might stand at a place of the text: a small card with the likeliest tokens; one that is chosen begins a branch.
import { complete } from "./api.js";
import { complain, say } from "./connection.js";
import { desk } from "./desk.js";
import { boxOf, field, mirror } from "./manuscript.js";
import { bitsOf, choosable, END, pieceAt } from "./pieces.js";
import { number, percent, seen, spoken, t } from "./words.js";
import { ALTERNATIVES, branch } from "./writing.js";

const card = document.getElementById("alternatives");
const spot = document.getElementById("spot");
const sheet = card.parentElement;
let item = null; // {place, length, text, p, choices}: what the card is about
let asking = null;

export const isOpen = () => item !== null;

export const close = ({ focus = false } = {}) => {
  if (!item) return;
  const { place } = item;
  asking?.abort();
  item = null;
  card.hidden = spot.hidden = true;
  if (!focus) return;
  field.focus();
  field.setSelectionRange(place, place);
};

// What a person typed is looked at by the character or the word, as the model's tokens are.
const unitAt = (text, place) => {
  if (!["word", "bpe"].includes(desk.model?.longhand.tokens)) return { place, text: String.fromCodePoint(text.codePointAt(place)) };
  const from = Math.max(0, place - 60);
  for (const match of text.slice(from, place + 60).matchAll(/[\p{L}\p{N}]+|\s|[^]/gu)) {
    if (from + match.index + match[0].length > place) return { place: from + match.index, text: match[0] };
  }
  return { place, text: text[place] };
};

const itemAt = (place) => {
  const { index, start } = pieceAt(desk.tree.pieces, place), piece = desk.tree.pieces[index];
  if (!piece) return null;
  if (piece.m && piece.p !== undefined) return { place: start, length: piece.t.length, text: piece.t, p: piece.p, choices: piece.a ?? null };
  const low = /[\udc00-\udfff]/.test(desk.tree.text[place]) ? 1 : 0;
  const unit = unitAt(desk.tree.text, place - low);
  return { place: unit.place, length: unit.text.length, text: unit.text, p: undefined, choices: null };
};

const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });
const tool = (name, sign, action) => {
  const made = element("button", "plain", sign);
  made.type = "button";
  made.title = t(name);
  made.setAttribute("aria-label", t(name));
  made.addEventListener("click", action);
  return made;
};

const place = () => {
  const box = boxOf(item.place, item.place + item.length), base = sheet.getBoundingClientRect();
  Object.assign(spot.style, { left: `${box.left - base.left}px`, top: `${box.top - base.top}px`, width: `${Math.max(box.width, 6)}px`, height: `${box.height}px` });
  spot.hidden = card.hidden = false;
  const dock = document.querySelector(".dock").getBoundingClientRect().top, { width, height } = card.getBoundingClientRect();
  const below = box.bottom + 8 + height <= dock || box.top - 8 - height < 0;
  card.style.left = `${Math.max(0, Math.min(box.left - base.left - 24, base.width - width))}px`;
  card.style.top = `${below ? box.bottom - base.top + 8 : box.top - base.top - 8 - height}px`;
};

const choice = (text, p, most) => {
  const now = text === item.text, name = text === END ? t("end-of-text") : seen(text);
  const button = element("button", `choice${now ? " now" : ""}`);
  button.type = "button";
  button.setAttribute("aria-label", t(now ? "choice-now" : "choice", { text: text === END ? name : spoken(text), percent: percent(Math.exp(p)) }));
  const track = element("span", "track"), bar = element("span", "bar");
  track.append(bar);
  bar.style.width = `${Math.max(2, 100 * Math.exp(p - most))}%`;
  button.append(element("span", "token", name), track, element("span", "share", percent(Math.exp(p))));
  button.addEventListener("click", () => choose(text, p));
  const row = document.createElement("li");
  row.append(button);
  return row;
};

const choose = (text, p) => {
  const { place: at, choices } = item;
  close();
  field.focus({ preventScroll: true });
  branch(at, text === END ? null : { t: text, m: true, p, a: choices });
};

const draw = (focus) => {
  const { text, p, choices } = item, bits = bitsOf({ p });
  card.setAttribute("aria-label", t("alternatives", { text: spoken(text) }));
  const head = element("div", "card-head"), what = element("p", "", "");
  what.setAttribute("aria-live", "polite");
  what.append(element("strong", "token", seen(text)), bits === undefined ? "" : element("span", "", ` ${percent(Math.exp(p))} · ${t("bits-here", { text: "", bits: number(bits, 1) }).trim()}`));
  head.append(what, tool("before-token", "‹", () => step(-1)), tool("next-token", "›", () => step(1)), tool("close", "×", () => close({ focus: true })));
  const list = element("ul", "choices"), shown = (choices ?? []).filter(([one]) => choosable(one));
  list.append(...shown.map(([one, chance]) => choice(one, chance, shown[0][1])));
  const foot = element("div", "card-foot"), edit = tool("edit-here", t("edit-here"), () => close({ focus: true }));
  edit.className = "quiet";
  foot.append(element("p", "hint", choices ? t("choose-hint") : t("asking")), edit);
  card.replaceChildren(head, list, foot);
  place();
  if (focus) (list.querySelector("button") ?? card).focus({ preventScroll: true });
};

// Ask the model what it would write here, where that is not known any more, or never was.
const ask = async (wanted, focus) => {
  asking = new AbortController();
  try {
    const answer = await complete({ model: desk.model.id, prompt: desk.tree.text.slice(0, wanted.place), max_tokens: 1, temperature: 0, logprobs: ALTERNATIVES }, asking.signal);
    if (item !== wanted) return;
    const top = Object.entries(answer.choices[0].logprobs?.top_logprobs?.[0] ?? {}).sort((one, other) => other[1] - one[1]);
    item.choices = top;
    item.p ??= top.find(([text]) => text === wanted.text)?.[1];
    draw(focus && card.contains(document.activeElement));
  } catch (error) {
    if (item === wanted) close();
    complain(error);
  }
};

// Open the card for the token at a place; focus: for those who came by the keyboard.
export const open = (at, { focus = false } = {}) => {
  asking?.abort();
  const found = itemAt(at);
  if (!found || !desk.model) return say("nothing-to-choose");
  item = found;
  draw(focus);
  if (!item.choices) ask(item, focus);
};

// The last token before the end, or the one at the caret.
export const openAtCaret = () => {
  const { text } = desk.tree;
  if (!text) return say("nothing-to-choose");
  open(Math.min(field.selectionStart, text.length - 1), { focus: true });
};

const step = (way) => {
  const next = way > 0 ? item.place + item.length : item.place - 1;
  if (next < 0 || next >= desk.tree.text.length) return;
  open(next, { focus: true });
  spot.scrollIntoView({ block: "nearest" });
};

card.addEventListener("keydown", (event) => {
  const buttons = [...card.querySelectorAll(".choice")], at = buttons.indexOf(document.activeElement);
  const go = {
    Escape: () => close({ focus: true }), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    ArrowDown: () => buttons[Math.min(buttons.length - 1, at + 1)]?.focus(), ArrowUp: () => buttons[Math.max(0, at - 1)]?.focus(),
  }[event.key];
  if (!go || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  go();
});
document.addEventListener("pointerdown", (event) => {
  if (item && !card.contains(event.target) && event.target !== field && !mirror.contains(event.target)) close();
});
window.addEventListener("resize", () => { if (item) place(); });
