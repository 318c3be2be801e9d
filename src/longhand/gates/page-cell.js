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
    if (row === net.anew) for (let layer = 0; layer < layers; layer++) { h[layer].fill(0); c[layer].fill(0); } // a document begins
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
