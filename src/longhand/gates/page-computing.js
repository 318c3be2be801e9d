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
  found.before = rowsOf[t] === net.anew ? 0 : t === 0 ? before[from + hidden] : valueAt(t - 1, layer, unit, "cell");
  found.added = found.cell - found.forget * found.before;
  return found;
};
