// The page's language: which it is, and its texts in the page's elements.
//
// An element with data-t has the text of that name, with data-t-label its aria-label, with data-t-title its title, which is its name
// too where it has no word, with data-t-placeholder its placeholder.
import { english } from "./english.js";
import { chinese } from "./chinese.js";
import { remember, remembered } from "./keeping.js";

const LANGUAGES = { "en": english, "zh-Hans": chinese };
const chosen = () => {
  const kept = remembered("language").is;
  if (kept in LANGUAGES) return kept;
  const wanted = (navigator.languages ?? [navigator.language]).find((one) => /^(zh|en)\b/i.test(one)) ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh-Hans" : "en";
};

const listeners = [];
export let language = chosen();
export const whenLanguageChanges = (listener) => listeners.push(listener);

// A text; {name} in it is filled in, numbers as the language writes them.
export const t = (name, values = {}) => {
  const text = LANGUAGES[language][name] ?? english[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => typeof values[key] === "number" ? number(values[key]) : String(values[key] ?? ""));
};
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
const LEAST = 0.0001; // smaller shares are said to be smaller
export const percent = (share) => share < LEAST ? `< ${percent(LEAST)}` :
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: share < 0.01 ? 2 : share < 0.1 ? 1 : 0 }).format(share);

const each = (attribute, fill) => {
  for (const element of document.querySelectorAll(`[data-${attribute}]`)) fill(element, t(element.getAttribute(`data-${attribute}`)));
};
export const translate = () => {
  document.documentElement.lang = language;
  document.title = t("title");
  each("t", (element, text) => { element.textContent = text; });
  each("t-label", (element, text) => element.setAttribute("aria-label", text));
  each("t-title", (element, text) => {
    element.title = text;
    element.setAttribute("aria-label", element.querySelector(".word")?.textContent ?? text); // who speaks to it says the word
  });
  each("t-placeholder", (element, text) => { element.placeholder = text; });
};

export const speak = (name) => {
  language = name in LANGUAGES ? name : "en";
  remember("language", { is: language });
  translate();
  for (const listener of listeners) listener();
};

// Text as it can be seen: spaces and ends of lines have signs.
export const seen = (text) => text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length)) || "∅";
// The same, to be read aloud.
export const spoken = (text) => text === " " ? t("space") : text === "\n" ? t("newline") : text === "\t" ? t("tab") : t("quoted", { text });
