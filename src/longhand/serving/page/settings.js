// How the model writes: the controls, what they are set to, and what a request says of it.
import { button, element } from "./dom.js";
import { remember, remembered } from "./keeping.js";
import { number, t, whenLanguageChanges } from "./words.js";

const panel = document.getElementById("panel-settings");
const FIRST = { temperature: null, top_p: 1, min_p: 0, length: 400, seed: "", until: "" }; // temperature: the model's own
const values = { ...FIRST, ...remembered("settings") };
let facts = null; // of the model that is chosen
let lastSeed = null;

const save = () => remember("settings", values);
const temperature = () => values.temperature ?? facts?.temperature ?? 0.8;

const helped = (id, label, help, ...controls) => {
  const words = element("label", { htmlFor: id, textContent: label }), more = element("p", { id: `${id}-help`, textContent: help });
  const row = element("div", { className: "setting" }, words, ...controls, more);
  row.querySelector(`#${id}`).setAttribute("aria-describedby", `${id}-help`);
  return row;
};

const slider = (name, [min, max, step], label, help) => {
  const id = `set-${name}`, value = name === "temperature" ? temperature() : values[name];
  const output = element("output", { htmlFor: id, textContent: number(value, 2) });
  const input = element("input", { type: "range", id, min, max, step, value });
  input.addEventListener("input", () => {
    values[name] = Number(input.value);
    output.textContent = number(values[name], 2);
    save();
  });
  return helped(id, label, help, output, input);
};

const length = () => {
  const input = element("input", { type: "number", id: "set-length", min: 1, max: 20000, step: 1, value: values.length, inputMode: "numeric" });
  input.addEventListener("change", () => {
    const wanted = Math.round(Number(input.value));
    values.length = Number.isFinite(wanted) && wanted >= 1 ? Math.min(wanted, 20000) : FIRST.length;
    input.value = values.length;
    save();
  });
  return helped("set-length", t("length"), t(`length-help-${facts?.tokens ?? "char"}`), input);
};

const seed = () => {
  const digits = { inputMode: "numeric", pattern: "[0-9]*", maxLength: 15, autocomplete: "off" };
  const input = element("input", { type: "text", id: "set-seed", value: values.seed, placeholder: t("seed-chance"), ...digits });
  input.addEventListener("input", () => {
    values.seed = input.value.replace(/\D/g, "");
    if (input.value !== values.seed) input.value = values.seed;
    save();
  });
  const row = helped("set-seed", t("seed"), t("seed-help"), input);
  if (lastSeed !== null && String(lastSeed) !== values.seed) {
    const keep = button("quiet", t("keep"), () => { values.seed = String(lastSeed); save(); draw(); panel.querySelector("#set-seed").focus(); });
    keep.title = t("keep-help");
    const used = element("span", { textContent: t("seed-used", { seed: String(lastSeed) }) });
    row.insertBefore(element("p", { className: "used" }, used, keep), row.lastChild);
  }
  return row;
};

const until = () => {
  const ends = ["", "sentence", "line", ...(facts?.documents ? ["document"] : [])];
  const options = ends.map((end) => element("option", { value: end, textContent: t(`until-${end || "none"}`) }));
  const select = element("select", { id: "set-until" }, ...options);
  select.value = ends.includes(values.until) ? values.until : "";
  select.addEventListener("change", () => { values.until = select.value; save(); });
  return element("div", { className: "setting" }, element("label", { htmlFor: "set-until", textContent: t("until") }), select);
};

const reset = () => button("quiet", t("reset"), () => { Object.assign(values, FIRST); save(); draw(); panel.querySelector("input").focus(); });

export const draw = () => {
  const open = panel.querySelector("details")?.open ?? false;
  const own = facts ? ` ${t("temperature-default", { value: number(facts.temperature, 2) })}` : "";
  const more = element("details", { open }, element("summary", { textContent: t("more") }),
    slider("min_p", [0, 0.5, 0.01], t("min-p"), t("min-p-help")), until());
  const heat = slider("temperature", [0, 2, 0.05], t("temperature"), t("temperature-help") + own);
  const share = slider("top_p", [0.05, 1, 0.01], t("top-p"), t("top-p-help"));
  panel.replaceChildren(heat, share, length(), seed(), more, reset());
};

export const suit = (model) => { facts = model?.longhand ?? null; draw(); };

// The seed that the server used.
export const used = (number) => {
  if (number === undefined || number === null || number === lastSeed) return;
  lastSeed = number;
  if (!panel.contains(document.activeElement)) draw();
};

// What a request says of how to write.
export const sampling = () => {
  const wanted = { max_tokens: values.length, temperature: temperature() };
  if (values.top_p < 1) wanted.top_p = values.top_p;
  if (values.min_p > 0) wanted.min_p = values.min_p;
  if (values.seed !== "") wanted.seed = Number(values.seed);
  if (values.until && (values.until !== "document" || facts?.documents)) wanted.until = values.until;
  return wanted;
};

whenLanguageChanges(draw);
