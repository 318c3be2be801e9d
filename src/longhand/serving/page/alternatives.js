// What else might stand at a place of the text: a small card with the likeliest tokens; one that is chosen begins a branch.
import { complete } from "./api.js";
import { complain, say } from "./connection.js";
import { desk } from "./desk.js";
import { button, element } from "./dom.js";
import { boxOf, field, mirror } from "./manuscript.js";
import { bitsOf, choosable, END, pieceAt } from "./pieces.js";
import { number, percent, seen, spoken, t } from "./words.js";
import { ALTERNATIVES, branch } from "./writing.js";

const fine = window.matchMedia("(pointer: fine)"); // a finger that chooses is not to bring up a keyboard
const card = document.getElementById("alternatives");
const told = document.getElementById("told"); // for those who listen
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
  const tokens = desk.model?.longhand.tokens;
  if (!["word", "whitespace", "bpe"].includes(tokens)) return { place, text: String.fromCodePoint(text.codePointAt(place)) };
  const word = /[\p{L}\p{N}](?:(?!\u200b)[\p{L}\p{N}\p{M}\p{Cf}])*|\s|[^]/gu; // marks and joiners stay inside
  const parts = tokens === "whitespace" ? /\S+|\s/gu : word;
  const from = Math.max(0, place - 60);
  for (const match of text.slice(from, place + 60).matchAll(parts)) {
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

const span = (className, textContent) => element("span", { className, textContent });
const tool = (name, sign, action) => button("plain", sign, action, t(name));

const place = () => {
  const box = boxOf(item.place, item.place + item.length), base = sheet.getBoundingClientRect();
  const around = { left: box.left - base.left, top: box.top - base.top, width: Math.max(box.width, 6), height: box.height };
  for (const [side, pixels] of Object.entries(around)) spot.style[side] = `${pixels}px`;
  spot.hidden = card.hidden = false;
  const dock = document.querySelector(".dock").getBoundingClientRect().top, { width, height } = card.getBoundingClientRect();
  const below = box.bottom + 8 + height <= dock || box.top - 8 - height < 0;
  card.style.left = `${Math.max(0, Math.min(box.left - base.left - 24, base.width - width))}px`;
  card.style.top = `${below ? box.bottom - base.top + 8 : box.top - base.top - 8 - height}px`;
};

// One alternative, with a bar beside that of the likeliest.
const choice = (text, p, most) => {
  const now = text === item.text, share = percent(Math.exp(p)), name = text === END ? t("end-of-text") : seen(text);
  const made = button(`choice${now ? " now" : ""}`, "", () => choose(text, p));
  made.setAttribute("aria-label", t(now ? "choice-now" : "choice", { text: text === END ? name : spoken(text), percent: share }));
  const bar = span("bar", "");
  bar.style.width = `${Math.max(2, 100 * Math.exp(p - most))}%`;
  made.append(span("token", name), element("span", { className: "track" }, bar), span("share", share));
  return element("li", {}, made);
};

const choose = (text, p) => {
  const { place: at, choices } = item;
  close();
  if (fine.matches) field.focus({ preventScroll: true });
  branch(at, text === END ? null : { t: text, m: true, p, a: choices });
};

const chance = () => {
  const bits = bitsOf(item);
  return bits === undefined ? "" : `${percent(Math.exp(item.p))} · ${t("bits-here", { text: "", bits: number(bits, 1) }).trim()}`;
};

const head = () => {
  const what = element("p", {}, element("strong", { className: "token", textContent: seen(item.text) }), ` ${chance()}`);
  const tools = [tool("before-token", "‹", () => step(-1)), tool("next-token", "›", () => step(1)), tool("close", "×", () => close({ focus: fine.matches }))];
  return element("div", { className: "card-head" }, what, ...tools);
};

const draw = (focus) => {
  const shown = (item.choices ?? []).filter(([text]) => choosable(text));
  const list = element("ul", { className: "choices" }, ...shown.map(([text, p]) => choice(text, p, shown[0][1])));
  const hint = element("p", { className: "hint", textContent: t(item.choices ? "choose-hint" : "asking") });
  const foot = element("div", { className: "card-foot" }, hint, button("quiet", t("edit-here"), () => close({ focus: true })));
  const title = t("alternatives", { text: spoken(item.text) });
  card.setAttribute("aria-label", title);
  told.textContent = `${title} ${chance()}`;
  card.replaceChildren(head(), list, foot);
  place();
  if (focus) (list.querySelector("button") ?? card).focus({ preventScroll: true });
};

// Ask the model what it would write here, where that is not known any more, or never was.
const ask = async (wanted, focus) => {
  asking = new AbortController();
  try {
    const prompt = desk.tree.text.slice(0, wanted.place);
    const answer = await complete({ model: desk.model.id, prompt, max_tokens: 1, temperature: 0, logprobs: ALTERNATIVES }, asking.signal);
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
