// A running training: how far it is, its curve, what it writes, what went wrong; looked at again every two seconds.
import { run, runs } from "./api.js";
import { complain } from "./connection.js";
import { clock, curve } from "./curve.js";
import { number, percent, t, whenLanguageChanges } from "./words.js";

const view = document.getElementById("training"), writing = document.getElementById("writing");
const nav = document.querySelector(".views"), toWriting = document.getElementById("to-writing"), toTraining = document.getElementById("to-training");
const EVERY = 2000;
const SILENT = 60; // seconds without a step after which it may have been stopped
const ROWS = 12; // scores in the table
let all = [];
let chosen = null; // the id
let data = null;
let moved = { step: -1, when: 0 };
let timer = null;
let asking = null;
const open = new Set(); // which details a person has opened

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
};
const fact = (name, value) => value === null ? null : element("div", {}, element("dt", { textContent: t(name) }), element("dd", { textContent: value }));
const bits = (value) => `${number(value, 3)} ${t("bits-per-character")}`;

const state = () => {
  if (data.state !== "running or stopped") return t(data.state === "finished" ? "run-finished" : "run-early");
  const silent = (Date.now() - moved.when) / 1000;
  return silent > SILENT ? t("run-silent", { seconds: Math.round(silent) }) : t("run-running");
};

const picker = () => {
  if (all.length < 2) return null;
  const select = element("select", { id: "run" }, ...all.map(({ id }) => element("option", { value: id, textContent: id })));
  select.value = chosen;
  select.addEventListener("change", () => { chosen = select.value; data = null; moved.step = -1; look(); });
  return element("label", { htmlFor: "run", className: "run" }, element("span", { textContent: t("run") }), select);
};

const details = (name, ...children) => {
  const made = element("details", { open: open.has(name) }, element("summary", { textContent: t(name) }), ...children);
  made.addEventListener("toggle", () => { if (made.open) open.add(name); else open.delete(name); });
  return made;
};

const table = () => {
  const head = element("tr", {}, ...["time", "held-out", "training"].map((name) => element("th", { scope: "col", textContent: t(name) })));
  const nearest = (seconds) => data.training.findLast(([when]) => when <= seconds + 0.5)?.[1];
  const rows = (data.held_out.length ? data.held_out : data.training).slice(-ROWS).reverse().map(([seconds, value]) => element("tr", {},
    element("th", { scope: "row", textContent: clock(seconds) }), element("td", { textContent: data.held_out.length ? number(value, 3) : "–" }),
    element("td", { textContent: nearest(seconds) === undefined ? "–" : number(nearest(seconds), 3) })));
  return element("div", { className: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
};

const sample = (one) => element("figure", { className: "written" },
  element("figcaption", { textContent: t("sample-at", { time: clock(one.seconds), step: one.step }) + (one.bits === null ? "" : ` · ${t("sample-bits", { bits: number(one.bits, 2) })}`) }),
  element("pre", { className: "sample", textContent: one.text }));

const samples = () => {
  const [latest, ...older] = [...data.samples].reverse();
  return element("section", {}, element("h2", { textContent: t("samples") }), latest ? sample(latest) : element("p", { className: "remark", textContent: t("no-samples") }),
    older.length ? details("older", ...older.map(sample)) : null);
};

const legend = () => element("p", { className: "legend" }, ...["training", "held-out"].map((name) => element("span", {}, element("i", { className: `on-${name}` }), element("span", { textContent: t(name) }))));

const curves = () => element("section", {}, element("h2", { textContent: t("curve") }),
  ...data.training.length + data.held_out.length > 1 ? [legend(), curve(data.training, data.held_out, Math.max(300, Math.min(760, view.clientWidth - 40))), details("numbers", table())] : [element("p", { className: "remark", textContent: t("curve-waiting") })]);

const incidents = () => data.incidents.length ? element("section", {}, element("h2", { textContent: t("incidents") }), element("ul", {}, ...data.incidents.map((one) =>
  element("li", { textContent: t("incident", { kind: t(`incident-${one.kind}`), step: one.step, problems: one.problems.join("; ") }) })))) : null;

const status = element("p", { className: "state" });
status.setAttribute("role", "status");

const draw = () => {
  if (!data) return;
  const focused = document.activeElement?.id === "run", said = state();
  const progress = element("progress", { max: 1 });
  if (data.progress !== null) progress.value = data.progress;
  progress.setAttribute("aria-label", t("progress"));
  if (status.textContent !== said) status.textContent = said;
  const best = data.best_bits === null ? null : element("p", { className: "score" }, element("strong", { textContent: number(data.best_bits, 2) }), element("span", {}, t("bits-per-character"), element("small", { textContent: t("best") })));
  const facts = element("dl", { className: "facts" }, fact("progress", data.progress === null ? null : percent(data.progress)), fact("time", clock(data.seconds ?? 0)), fact("step", number(data.step ?? 0)),
    fact("pace", data.characters_per_second ? t("pace-is", { rate: Math.round(data.characters_per_second) }) : null), fact("learning-rate", data.learning_rate ? data.learning_rate.toPrecision(2) : null));
  const notes = data.plan.length ? [] : data.notes.map((note) => element("p", { className: "remark", textContent: note }));
  const plan = data.plan.length ? details("plan", element("ul", {}, ...[...data.plan, ...data.notes].map((line) => element("li", { textContent: line })))) : null;
  view.replaceChildren(...[element("div", { className: "run-head" }, element("h2", { textContent: data.id }), picker()), status, ...notes, progress, best, facts, curves(), samples(), incidents(), plan].filter(Boolean));
  if (focused) document.getElementById("run")?.focus();
};

const look = async () => {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  let again = true;
  try {
    const answer = await run(chosen, mine.signal);
    if (mine !== asking) return;
    if (answer.step !== moved.step) moved = { step: answer.step, when: Date.now() };
    again = answer.state === "running or stopped";
    const changed = JSON.stringify(answer) !== JSON.stringify(data);
    data = answer;
    if (changed) draw(); else status.textContent = state();
  } catch (error) { complain(error); status.textContent = error.name === "AbortError" ? status.textContent : t("lost"); }
  if (again && !view.hidden && mine === asking) timer = setTimeout(look, EVERY);
};

const show = (training) => {
  writing.hidden = training;
  view.hidden = !training;
  toWriting.setAttribute("aria-pressed", String(!training));
  toTraining.setAttribute("aria-pressed", String(training));
  document.querySelector(".picker").hidden = training;
  if (training) look(); else clearTimeout(timer);
};

// Ask for the trainings that are shown; without one there is no second view.
export const showRuns = async () => {
  try { all = await runs(); } catch (error) { return complain(error); }
  nav.hidden = !all.length;
  chosen = all.some(({ id }) => id === chosen) ? chosen : all[0]?.id ?? null;
  if (all.length && (!document.getElementById("model").options.length || location.hash === "#training")) show(true);
};

toWriting.addEventListener("click", () => show(false));
toTraining.addEventListener("click", () => show(true));
whenLanguageChanges(draw);
