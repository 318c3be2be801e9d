// A running training: how far it is, its curve, what it writes, what went wrong; looked at again every two seconds.
import { run, runs } from "./api.js";
import { complain } from "./connection.js";
import { clock, curve } from "./curve.js";
import { element, select } from "./dom.js";
import { number, percent, t, whenLanguageChanges } from "./words.js";

const view = document.getElementById("training"), writing = document.getElementById("writing");
const nav = document.querySelector(".views"), toWriting = document.getElementById("to-writing"), toTraining = document.getElementById("to-training");
const EVERY = 2000;
const SILENT = 60; // seconds without a step after which it may have been stopped
const ROWS = 12; // scores in the table
const [NARROWEST, WIDEST, MARGINS] = [300, 760, 40]; // pixels of the curve
let all = [];
let chosen = null; // the id
let data = null;
let moved = { step: -1, when: 0 };
let timer = null;
let asking = null;
const open = new Set(); // which details a person has opened

const fact = (name, value) => value === null ? null : element("div", {}, element("dt", { textContent: t(name) }), element("dd", { textContent: value }));

const state = () => {
  if (data.step === null && !data.plan.length) return t("run-waiting");
  if (data.state !== "running or stopped") return t(data.state === "finished" ? "run-finished" : "run-early");
  const silent = (Date.now() - moved.when) / 1000;
  return silent > SILENT ? t("run-silent", { seconds: Math.round(silent) }) : t("run-running");
};

const picker = () => all.length < 2 ? null : select("run", t("run"), all.map(({ id }) => [id, id]), chosen, (value) => {
  chosen = value;
  data = null;
  moved.step = -1;
  look();
});

const details = (name, ...children) => {
  const made = element("details", { open: open.has(name) }, element("summary", { id: `of-${name}`, textContent: t(name) }), ...children);
  made.addEventListener("toggle", () => { if (made.open) open.add(name); else open.delete(name); });
  return made;
};

const table = () => {
  const head = element("tr", {}, ...["time", "held-out", "training"].map((name) => element("th", { scope: "col", textContent: t(name) })));
  const nearest = (seconds) => data.training.findLast(([when]) => when <= seconds + 0.5)?.[1];
  const cell = (value) => element("td", { textContent: value === undefined ? "–" : number(value, 3) });
  const scored = data.held_out.length > 0;
  const rows = (scored ? data.held_out : data.training).slice(-ROWS).reverse().map(([seconds, value]) => element("tr", {},
    element("th", { scope: "row", textContent: clock(seconds) }), cell(scored ? value : undefined), cell(nearest(seconds))));
  return element("div", { className: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
};

const sample = ({ seconds, step, bits, text }) => {
  const said = [t("sample-at", { time: clock(seconds), step }), bits === null ? "" : t("sample-bits", { bits: number(bits, 2) })];
  const caption = element("figcaption", { textContent: said.filter(Boolean).join(" · ") });
  return element("figure", { className: "written" }, caption, element("pre", { className: "sample", textContent: text }));
};

const remark = (textContent) => element("p", { className: "remark", textContent });
const section = (name, ...children) => element("section", {}, element("h2", { textContent: t(name) }), ...children);

const samples = () => {
  const [latest, ...older] = [...data.samples].reverse();
  return section("samples", latest ? sample(latest) : remark(t("no-samples")), older.length ? details("older", ...older.map(sample)) : null);
};

const legend = () => element("p", { className: "legend" }, ...["training", "held-out"].map((name) =>
  element("span", {}, element("i", { className: `on-${name}` }), element("span", { textContent: t(name) }))));

const curves = () => {
  if (data.training.length + data.held_out.length < 2) return section("curve", remark(t("curve-waiting")));
  const width = Math.max(NARROWEST, Math.min(WIDEST, view.clientWidth - MARGINS));
  return section("curve", legend(), curve(data.training, data.held_out, width), details("numbers", table()));
};

const incidents = () => data.incidents.length === 0 ? null : section("incidents", element("ul", {}, ...data.incidents.map((one) =>
  element("li", { textContent: t("incident", { kind: t(`incident-${one.kind}`), step: one.step, problems: one.problems.join("; ") }) }))));

const plan = () => {
  if (!data.plan.length) return null;
  return details("plan", element("ul", {}, ...[...data.plan, ...data.notes].map((line) => element("li", { textContent: line }))));
};

const best = () => data.best_bits === null ? null : element("p", { className: "score" },
  element("strong", { textContent: number(data.best_bits, 2) }),
  element("span", {}, t("bits-per-character"), element("small", { textContent: t("best") })));

const facts = () => element("dl", { className: "facts" },
  fact("progress", data.progress === null ? null : percent(data.progress)),
  fact("time", data.seconds === null ? null : clock(data.seconds)),
  fact("step", data.step === null ? null : number(data.step)),
  fact("pace", data.characters_per_second ? t("pace-is", { rate: Math.round(data.characters_per_second) }) : null),
  fact("learning-rate", data.learning_rate ? data.learning_rate.toPrecision(2) : null));

const status = element("p", { className: "state" });
status.setAttribute("role", "status");

const draw = () => {
  if (!data) return;
  const focused = view.contains(document.activeElement) ? document.activeElement.id : "", said = state();
  const progress = element("progress", { max: 1 });
  if (data.progress !== null) progress.value = data.progress;
  progress.setAttribute("aria-label", t("progress"));
  if (status.textContent !== said) status.textContent = said;
  const head = element("div", { className: "run-head" }, element("h2", { textContent: data.id }), picker());
  view.replaceChildren(...[head, status, progress, best(), facts(), curves(), samples(), incidents(), plan()].filter(Boolean));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
  for (const name of [".picker", ".skip"]) document.querySelector(name).hidden = training;
  history.replaceState(null, "", training ? "#training" : location.pathname); // a reload shows the same view
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
