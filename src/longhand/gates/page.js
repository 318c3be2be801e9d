"use strict";
// Computes what the cells did at the places that are looked at, and shows it: the text in colours, a map of all units,
// and the values of one of them. Whatever is text is only ever set as text.

// ---- The cell. This function is also the source of the workers: it uses nothing from outside.
function makeNetwork(net) {
  const { layers, hidden } = net;
  const sums = new Float32Array(4 * hidden);
  const h = [], c = [];
  for (let layer = 0; layer < layers; layer++) { h.push(new Float32Array(hidden)); c.push(new Float32Array(hidden)); }
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const add = (weights, x, size) => { // weights: for each unit the rows of its gates i, f, g, o
    for (let row = 0, at = 0; row < 4 * hidden; row += 4, at += 4 * size) {
      let i = 0, f = 0, g = 0, o = 0;
      for (let k = 0, a = at, b = at + size, d = at + 2 * size, e = at + 3 * size; k < size; k++) {
        const value = x[k];
        i += weights[a++] * value; f += weights[b++] * value; g += weights[d++] * value; o += weights[e++] * value;
      }
      sums[row] += i; sums[row + 1] += f; sums[row + 2] += g; sums[row + 3] += o;
    }
  };
  const read = (layer, row) => {
    const { input, bias } = net.parts[layer];
    sums.set(bias);
    if (layer > 0) { add(input, h[layer - 1], hidden); return; }
    if (!net.table) { add(input, net.inputs.subarray(row * net.embedding, (row + 1) * net.embedding), net.embedding); return; }
    const from = row * 4 * hidden;
    for (let k = 0; k < 4 * hidden; k++) sums[k] += net.inputs[from + k];
  };
  const step = (row, time, count, gates, states) => {
    for (let layer = 0; layer < layers; layer++) {
      read(layer, row);
      add(net.parts[layer].recurrent, h[layer], hidden);
      const cell = c[layer], shown = h[layer], most = net.most[layer];
      for (let unit = 0; unit < hidden; unit++) {
        const i = sigmoid(sums[4 * unit]), f = sigmoid(sums[4 * unit + 1]), o = sigmoid(sums[4 * unit + 3]);
        const now = f * cell[unit] + i * Math.tanh(sums[4 * unit + 2]);
        cell[unit] = now;
        shown[unit] = o * Math.tanh(now);
        const at = (layer * 3 * count + time) * hidden + unit, state = (layer * 2 * count + time) * hidden + unit;
        gates[at] = Math.round(255 * i);
        gates[at + count * hidden] = Math.round(255 * f);
        gates[at + 2 * count * hidden] = Math.round(255 * o);
        states[state] = Math.round(32767 * Math.max(-1, Math.min(1, now / most)));
        states[state + count * hidden] = Math.round(32767 * shown[unit]);
      }
    }
  };
  // A job is a stretch of the text: its number, its rows, the state before it. Returns whether it is done by `until`.
  const work = (job, until) => {
    const count = job.rows.length;
    if (!job.gates) {
      job.gates = new Uint8Array(3 * layers * count * hidden);
      job.states = new Int16Array(2 * layers * count * hidden);
      job.done = 0;
      job.state = { h: [], c: [] };
      for (let layer = 0; layer < layers; layer++) {
        const from = 2 * layer * hidden;
        h[layer].set(job.before.subarray(from, from + hidden));
        c[layer].set(job.before.subarray(from + hidden, from + 2 * hidden));
      }
    }
    while (job.done < count && performance.now() < until) { step(job.rows[job.done], job.done, count, job.gates, job.states); job.done++; }
    return job.done === count;
  };
  return { work };
}

function serve() { // what a worker does
  let network = null;
  onmessage = ({ data }) => {
    if (data.net) { network = makeNetwork(data.net); return; }
    network.work(data, Infinity);
    postMessage({ number: data.number, gates: data.gates, states: data.states }, [data.gates.buffer, data.states.buffer]);
  };
}

// ---- What the page holds.
const data = JSON.parse(document.getElementById("data").textContent);
const bytes = (text) => {
  const plain = atob(text), found = new Uint8Array(plain.length);
  for (let k = 0; k < plain.length; k++) found[k] = plain.charCodeAt(k);
  return found;
};
const half = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, rest = bits & 1023;
  if (power === 0) return sign * rest * 2 ** -24;
  return power === 31 ? (rest ? NaN : sign * Infinity) : sign * (1 + rest / 1024) * 2 ** (power - 15);
};
const halves = (text) => text === null ? null : Float32Array.from(new Uint16Array(bytes(text).buffer), half);
const floats = (text) => text === null ? null : new Float32Array(bytes(text).buffer);
const { layers, hidden, time, step, pieces } = data;
const rowsOf = new Uint32Array(bytes(data.rows).buffer);
const before = halves(data.states);
const surprises = Float32Array.from(new Uint16Array(bytes(data.surprise).buffer), (value) => value / 512);
const likely = { ...data.likely, places: new Uint32Array(bytes(data.likely.places).buffer), probability: new Uint16Array(bytes(data.likely.probability).buffer) };
const largest = floats(data.largest); // of each unit's cell
const lives = floats(data.lifetimes);
const means = Object.fromEntries(Object.entries(data.means).map(([gate, text]) => [gate, floats(text)]));
const scores = data.scores.map(floats);
const most = Array.from({ length: layers }, (_, layer) => 1.05 * Math.max(1e-3, ...largest.subarray(layer * hidden, (layer + 1) * hidden)));
const net = {
  layers, hidden, most, table: data.network.table, embedding: data.network.embedding, inputs: halves(data.network.inputs),
  parts: data.network.layers.map((part) => ({ recurrent: halves(part.recurrent), input: halves(part.input), bias: floats(part.bias) })),
};

const WORDS = {
  en: {
    of: (t, line) => `${one} ${count(t + 1)} of ${count(time)}, line ${count(line)}`,
    surprise: (bits) => `${bits.toFixed(bits < 9.95 ? 2 : 1)} bits of surprise, 1 in ${odds(bits)}`,
    more: (bits) => bits.toFixed(1) + " bits", end: "end", nothing: "still computing …",
    average: (v) => `On average keeps ${percent(v.forget)}, lets in ${percent(v.input)}, shows ${percent(v.output)}; half of what it remembers is left after ${span(v.half)} ${UNIT_WORDS.many}.`,
    follows: (names, score) => `follows “${names[0]}”, AUC ${score.toFixed(3)} on the first half`,
    told: (v) => `Of ${number(v.before)} it keeps ${percent(v.forget)}, ${v.added < 0 ? "takes away" : "adds"} ${Math.abs(v.added).toFixed(2)}, and shows ${percent(v.output)} of what it has.`,
    unit: (layer, unit) => `unit ${layer}:${unit}`, byUnit: (what, layer, unit) => `${what} of unit ${layer}:${unit}`,
    map: (what, layer) => `All ${count(hidden)} units of layer ${layer}: ${what}`, mapHint: "click to pick a unit, drag to move",
    strip: (what) => `The whole text: ${what}. Click to go there.`, surpriseName: "surprise",
    quantity: { cell: "cell", hidden: "hidden", forget: "forget gate", input: "input gate", output: "output gate" },
    progress: (share) => `Computing all cells in the background: ${share} %`,
    language: "Language", own: ["−", "+, each unit’s own range"], expected: "next",
  },
  "zh-Hans": {
    of: (t, line) => `第 ${count(t + 1)} 个${one}，共 ${count(time)} 个，第 ${count(line)} 行`,
    surprise: (bits) => `出乎意料 ${bits.toFixed(bits < 9.95 ? 2 : 1)} 比特，${odds(bits)} 分之一`,
    more: (bits) => bits.toFixed(1) + " 比特", end: "结束", nothing: "还在计算 …",
    average: (v) => `平均保留 ${percent(v.forget)}，放进 ${percent(v.input)}，显示 ${percent(v.output)}；记住的内容过 ${span(v.half)} 个${one}还剩一半。`,
    follows: (names, score) => `跟随“${names[1]}”，前一半的 AUC 为 ${score.toFixed(3)}`,
    told: (v) => `原来的 ${number(v.before)} 保留 ${percent(v.forget)}，${v.added < 0 ? "减去" : "加上"} ${Math.abs(v.added).toFixed(2)}，再把现有的显示 ${percent(v.output)}。`,
    unit: (layer, unit) => `单元 ${layer}:${unit}`, byUnit: (what, layer, unit) => `单元 ${layer}:${unit} 的${what}`,
    map: (what, layer) => `第 ${layer} 层的全部 ${count(hidden)} 个单元：${what}`, mapHint: "点击选单元，拖动可移动",
    strip: (what) => `整段文字：${what}。点击可前往。`, surpriseName: "意外程度",
    quantity: { cell: "细胞", hidden: "隐藏状态", forget: "遗忘门", input: "输入门", output: "输出门" },
    progress: (share) => `正在后台计算所有细胞：${share} %`,
    language: "语言", own: ["−", "+，按各单元自己的范围"], expected: "接下来",
  },
};
const UNIT_WORDS = JSON.parse(document.querySelector(".bench").dataset.words);
const root = document.documentElement;
const words = () => WORDS[root.lang] ?? WORDS.en;
let one = UNIT_WORDS.en;
const count = (value) => value.toLocaleString("en-US");
const number = (value) => value.toFixed(2).replace("-", "−");
const span = (value) => value < 9.95 ? value.toFixed(1) : count(Math.round(value));
const percent = (share) => Math.round(100 * share) + " %";
const odds = (bits) => bits < 30 ? count(Math.round(2 ** bits * (bits < 3 ? 10 : 1)) / (bits < 3 ? 10 : 1)) : "2^" + Math.round(bits);
const find = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// ---- Stretches of computed cells, those nearest to what is looked at first.
const stretches = new Map();
const total = Math.ceil(time / step);
const room = Math.min(total, Math.max(4, Math.floor(256e6 / (step * layers * hidden * 7)))); // stretches that are kept, for memory's sake
const underway = new Set();
const crew = [];
let alone = null, centre = 0, job = null;

const jobOf = (number) => {
  const from = number * step, size = 2 * layers * hidden;
  return { number, rows: rowsOf.slice(from, Math.min(time, from + step)), before: before.slice(number * size, (number + 1) * size) };
};
const nextMissing = () => {
  const here = clamp(Math.floor(centre / step), 0, total - 1);
  const low = clamp(here - (room >> 1), 0, total - room);
  for (let away = 0; away < total; away++) {
    for (const number of away ? [here + away, here - away] : [here]) {
      if (number >= low && number < low + room && !stretches.has(number) && !underway.has(number)) return number;
    }
  }
  return -1;
};
const take = ({ number, gates, states }) => {
  underway.delete(number);
  stretches.set(number, { gates, states, count: Math.min(time, (number + 1) * step) - number * step });
  const here = Math.floor(centre / step);
  while (stretches.size > room) {
    let farthest = -1;
    for (const each of stretches.keys()) if (farthest < 0 || Math.abs(each - here) > Math.abs(farthest - here)) farthest = each;
    stretches.delete(farthest);
  }
  changed(inSight(number) ? "values" : "strip");
};
const inSight = (number) => {
  const begin = number * step, end = begin + step, rows = [...shown.keys()];
  const within = (from, to) => begin < to && end > from;
  return within(view.from, view.from + mapColumns()) || (rows.length > 0 && within(starts[Math.min(...rows)], starts[Math.max(...rows) + 1] ?? time));
};
const slice = () => { // without workers: a little at a time, so that the page stays quick
  if (!job) {
    const number = nextMissing();
    if (number < 0) { alone.resting = true; return; }
    underway.add(number);
    job = jobOf(number);
  }
  if (alone.network.work(job, performance.now() + 12)) { take(job); job = null; }
  setTimeout(slice, 4);
};
const goAlone = () => {
  if (alone) return;
  for (const worker of crew.splice(0)) worker.terminate();
  underway.clear();
  alone = { network: makeNetwork(net), resting: false };
  slice();
};
const assign = () => {
  if (alone) { if (alone.resting) { alone.resting = false; slice(); } return; }
  for (const worker of crew) {
    if (worker.busy) continue;
    const number = nextMissing();
    if (number < 0) return;
    worker.busy = true;
    underway.add(number);
    worker.postMessage(jobOf(number));
  }
};
const hire = () => {
  try {
    const source = `"use strict"; ${makeNetwork} ${serve} serve();`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    for (let k = clamp((navigator.hardwareConcurrency || 2) - 1, 1, 4); k > 0; k--) {
      const worker = new Worker(address);
      worker.onmessage = (event) => { worker.busy = false; take(event.data); assign(); };
      worker.onerror = (event) => { event.preventDefault(); goAlone(); };
      worker.postMessage({ net });
      crew.push(worker);
    }
    assign();
  } catch {
    goAlone();
  }
};

const GATE = { input: 0, forget: 1, output: 2 };
// The value of a quantity of a unit at a place, or NaN where it is not computed yet; layer and unit count from 0.
const valueAt = (t, layer, unit, quantity) => {
  const number = Math.floor(t / step), found = stretches.get(number);
  if (!found) return NaN;
  const at = t - number * step;
  if (quantity in GATE) return found.gates[((layer * 3 + GATE[quantity]) * found.count + at) * hidden + unit] / 255;
  const raw = found.states[((layer * 2 + (quantity === "hidden" ? 1 : 0)) * found.count + at) * hidden + unit] / 32767;
  return quantity === "cell" ? raw * most[layer] : raw;
};
const valuesAt = (t, layer, unit) => {
  const found = {};
  for (const quantity of ["input", "forget", "output", "cell", "hidden"]) found[quantity] = valueAt(t, layer, unit, quantity);
  const from = 2 * layer * hidden + unit;
  found.before = t === 0 ? before[from + hidden] : valueAt(t - 1, layer, unit, "cell");
  found.added = found.cell - found.forget * found.before;
  return found;
};

// ---- Colours.
const BINS = 48;
let ramps = {};
const parse = (name) => {
  const hex = getComputedStyle(root).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
};
const mixed = (stops) => Array.from({ length: BINS }, (_, bin) => {
  const place = bin / (BINS - 1) * (stops.length - 1), low = Math.min(Math.floor(place), stops.length - 2), share = place - low;
  return stops[low].map((part, k) => Math.round(part + share * (stops[low + 1][k] - part)));
});
const colour = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;
const readColours = () => {
  const [paper, zero] = [parse("--paper"), parse("--zero")];
  const soft = {
    signed: mixed([parse("--neg-soft"), paper, parse("--pos-soft")]), gate: mixed([paper, parse("--gate-soft")]), hot: mixed([paper, parse("--hot-soft")]),
  };
  ramps = {
    soft: Object.fromEntries(Object.entries(soft).map(([name, all]) => [name, all.map(colour)])),
    strong: { signed: mixed([parse("--neg"), parse("--neg-soft"), zero, parse("--pos-soft"), parse("--pos")]), gate: mixed([zero, parse("--gate-soft"), parse("--gate-mid"), parse("--gate")]) },
    paper: colour(paper), ink: colour(parse("--ink")), quiet: colour(parse("--soft")), rule: colour(parse("--rule")), shade: parse("--shade"), line: colour(parse("--line")), hot: colour(parse("--mark")),
  };
};
const kindOf = (quantity) => quantity in GATE ? "gate" : "signed";
const typical = Object.fromEntries(Object.entries(data.typical).map(([state, text]) => [state, floats(text)]));
const rangeOf = (quantity, layer, unit) => quantity in GATE ? 1 : Math.max(1e-3, typical[quantity][layer * hidden + unit]); // nearly all of a unit's values are within
const binOf = (value, quantity, range) => {
  const share = quantity in GATE ? value : (value / range + 1) / 2;
  return clamp(Math.round(share * (BINS - 1)), 0, BINS - 1);
};
const MOST_BITS = 8;

// ---- What is shown.
const view = { tint: "surprise", quantity: "cell", layer: 0, unit: 0, sort: "index", over: null, fixed: 0, peek: null, from: 0, order: [] };
const place = () => view.peek ?? view.fixed, unitShown = () => view.over ?? view.unit;
const text = find("text"), rows = text.querySelector(".rows"), map = find("map"), canvas = map.querySelector("canvas"), strip = find("strip");

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/u, WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const seen = (piece) => { // a piece of the text with all that does not show made visible
  if (piece === "") return "·";
  let result = "";
  for (const letter of piece) {
    if (letter === "\n") result += "↵";
    else if (letter === "\t") result += "⇥";
    else if (letter < " ") result += String.fromCodePoint(0x2400 + letter.codePointAt(0));
    else result += CONTROL.test(letter) ? "\ufffd" : letter;
  }
  return result;
};
const columnsOf = (piece) => {
  let result = 0;
  for (const letter of piece || "·") result += WIDE.test(letter) ? 2 : /\p{M}/u.test(letter) ? 0 : 1;
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

// ---- The map of all units, and the strip of the whole text.
const cellSize = () => ({ across: map.clientWidth / mapColumns(), up: clamp(Math.floor(384 / hidden), 2, 22) });
const LABEL = 20;
const fit = (target, width, height) => {
  const scale = window.devicePixelRatio || 1;
  if (target.width !== Math.round(width * scale) || target.height !== Math.round(height * scale)) {
    target.width = Math.round(width * scale);
    target.height = Math.round(height * scale);
    target.style.height = height + "px";
  }
  const pen = target.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return pen;
};
const mapRows = () => Math.min(hidden, 4096); // what a canvas has room for
const mapColumns = () => Math.max(8, Math.floor(map.clientWidth / 8));
const small = document.createElement("canvas");
const drawMap = () => {
  const { across, up } = cellSize(), cols = mapColumns(), width = map.clientWidth, height = mapRows() * up;
  const pen = fit(canvas, width, height + LABEL);
  const image = new ImageData(cols, mapRows()), ramp = ramps.strong[kindOf(view.quantity)];
  const ranges = view.order.map((unit) => rangeOf(view.quantity, view.layer, unit));
  for (let column = 0; column < cols; column++) {
    const t = view.from + column, ready = t < time && stretches.has(Math.floor(t / step));
    for (let row = 0; row < mapRows(); row++) {
      const [red, green, blue] = ready ? ramp[binOf(valueAt(t, view.layer, view.order[row], view.quantity), view.quantity, ranges[row])] : ramps.shade;
      image.data.set([red, green, blue, 255], 4 * (row * cols + column));
    }
  }
  small.width = cols;
  small.height = mapRows();
  small.getContext("2d").putImageData(image, 0, 0);
  pen.fillStyle = ramps.paper;
  pen.fillRect(0, 0, width, height + LABEL);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, LABEL, cols * across, height);
  pen.font = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  pen.textAlign = "center";
  const here = place();
  for (let column = 0; column < cols && view.from + column < time; column++) {
    const t = view.from + column;
    pen.fillStyle = t === here ? ramps.ink : ramps.quiet;
    pen.fillText([...seen(pieces[t])][pieces[t].startsWith(" ") && pieces[t].length > 1 ? 1 : 0], (column + 0.5) * across, 14, 2 * across);
  }
  pen.lineWidth = 1.5;
  pen.strokeStyle = ramps.ink;
  if (here >= view.from && here < view.from + cols) pen.strokeRect((here - view.from) * across - 0.5, LABEL - 0.5, across + 1, height);
  for (const unit of new Set([view.unit, unitShown()])) pen.strokeRect(0.75, LABEL + view.order.indexOf(unit) * up - 1, width - 1.5, up + 2);
};
const drawStrip = () => {
  const width = strip.clientWidth, height = 34, pen = fit(strip, width, height);
  pen.fillStyle = colour(ramps.shade);
  pen.fillRect(0, 0, width, height);
  const signed = view.tint === "unit" && !(view.quantity in GATE), range = rangeOf(view.quantity, view.layer, view.unit);
  for (let x = 0; x < width; x++) {
    const begin = Math.floor(x / width * time), end = Math.max(begin + 1, Math.floor((x + 1) / width * time));
    let sum = 0, known = 0;
    for (let t = begin; t < Math.min(end, time); t++) {
      const value = view.tint === "surprise" ? surprises[t] / MOST_BITS : valueAt(t, view.layer, view.unit, view.quantity) / range;
      if (!Number.isNaN(value)) { sum += value; known++; }
    }
    if (!known) continue;
    const mean = clamp(sum / known, -1, 1);
    pen.fillStyle = view.tint === "surprise" ? ramps.hot : signed ? colour(ramps.strong.signed[mean < 0 ? 4 : BINS - 5]) : colour(ramps.strong.gate[BINS - 8]);
    if (signed) pen.fillRect(x, height / 2, 1, -mean * height / 2);
    else pen.fillRect(x, height, 1, -mean * height);
  }
  const first = starts[clamp(Math.floor(text.scrollTop / lineHeight), 0, starts.length - 1)];
  const after = starts[Math.ceil((text.scrollTop + text.clientHeight) / lineHeight)] ?? time;
  pen.strokeStyle = ramps.ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(clamp(first / time * width, 0.75, width - 4), 0.75, Math.max(3, (after - first) / time * width - 1.5), height - 1.5);
};

let soon = null;
const drawStripSoon = () => { soon ??= setTimeout(() => { soon = null; drawStrip(); }, 200); };

// ---- The values of one unit at one place.
const bar = (holder, from, to, low, high) => {
  const inner = holder.firstChild ?? holder.appendChild(document.createElement("i"));
  const at = (value) => 100 * clamp((value - low) / (high - low), 0, 1);
  inner.style.left = Math.min(at(from), at(to)) + "%";
  inner.style.width = Math.abs(at(to) - at(from)) + "%";
};
const FOLLOWS = 0.7; // what a unit's score must be for it to be said to follow something
const followed = (layer, unit) => {
  const best = { which: -1, score: FOLLOWS };
  scores.forEach((all, which) => { if (all && all[layer * hidden + unit] > best.score) Object.assign(best, { which, score: all[layer * hidden + unit] }); });
  return best;
};
const tell = () => {
  const t = place(), unit = unitShown(), say = words(), glyph = find("glyph"), piece = seen(pieces[t]) === " " ? "␣" : seen(pieces[t]);
  glyph.textContent = piece;
  glyph.className = [...piece].length > 3 ? "long" : "";
  find("place").textContent = say.of(t, lineOf[t]);
  find("surprise").textContent = say.surprise(surprises[t]);
  const list = find("next"), items = [];
  for (let k = 0; k < likely.count; k++) {
    const which = likely.places[t * likely.count + k], probability = likely.probability[t * likely.count + k] / 65535;
    const item = document.createElement("li"), code = document.createElement("code"), line = document.createElement("b"), share = document.createElement("output");
    const ends = which === likely.end, said = ends ? say.end : seen(likely.texts[which]);
    code.textContent = said === " " ? "␣" : said;
    code.lang = ends ? root.lang : "";
    line.style.width = 100 * probability + "%";
    share.textContent = (100 * probability).toFixed(probability < 0.0995 ? 1 : 0) + " %";
    if (t + 1 < time && likely.texts[which] === pieces[t + 1]) item.className = "came";
    item.append(code, line, share);
    items.push(item);
  }
  list.replaceChildren(...items);
  find("unit-name").textContent = `${view.layer + 1}:${unit + 1}`;
  const best = followed(view.layer, unit);
  find("follows").textContent = best.which < 0 ? "" : say.follows(data.names[best.which], best.score);
  const values = valuesAt(t, view.layer, unit), reach = Math.max(1, largest[view.layer * hidden + unit]);
  const ready = !Number.isNaN(values.before + values.cell);
  for (const line of find("cell").children) {
    const quantity = line.dataset.gate, value = values[quantity], holder = line.querySelector("meter-bar");
    line.querySelector("output").textContent = ready ? number(value) : "…";
    if (!ready) bar(holder, 0, 0, 0, 1);
    else if (quantity in GATE) bar(holder, 0, value, 0, 1);
    else bar(holder, 0, value, quantity === "hidden" ? -1 : -reach, quantity === "hidden" ? 1 : reach);
  }
  find("told").textContent = ready ? say.told(values) : say.nothing;
  const at = view.layer * hidden + unit;
  find("average").textContent = say.average({ forget: means.forget[at], input: means.input[at], output: means.output[at], half: lives[at] * Math.LN2 });
  if (view.peek === null) {
    const likeliest = items[0] ? `${items[0].children[0].textContent} ${items[0].children[2].textContent}` : "";
    find("live").textContent = `${piece}, ${say.surprise(surprises[t])}, ${say.expected}: ${likeliest}. ${say.unit(view.layer + 1, view.unit + 1)}: ${ready ? say.told(values) : say.nothing}`;
  }
};
const ramp = (holder, all, low, high) => {
  holder.children[1].style.background = `linear-gradient(to right, ${all.filter((_, k) => k % 4 === 0 || k === BINS - 1).map((each) => Array.isArray(each) ? colour(each) : each).join(", ")})`;
  holder.children[0].textContent = low;
  holder.children[2].textContent = high;
};
const legends = () => {
  const say = words(), what = say.quantity[view.quantity], gate = view.quantity in GATE;
  const range = rangeOf(view.quantity, view.layer, view.unit).toPrecision(2);
  const name = view.tint === "surprise" ? say.surpriseName : say.byUnit(what, view.layer + 1, view.unit + 1);
  if (view.tint === "surprise") ramp(find("text-ramp"), ramps.soft.hot, "0", say.more(MOST_BITS));
  else ramp(find("text-ramp"), ramps.soft[kindOf(view.quantity)], ...(gate ? ["0", "1"] : ["−" + range, "+" + range]));
  ramp(find("map-ramp"), ramps.strong[kindOf(view.quantity)], ...(gate ? ["0", "1"] : say.own));
  find("map-name").replaceChildren(say.map(what, view.layer + 1) + " ");
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.textContent = say.mapHint;
  find("map-name").append(hint);
  strip.setAttribute("aria-label", say.strip(name));
};

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
