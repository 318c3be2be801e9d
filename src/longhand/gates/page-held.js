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
  layers, hidden, most, anew: data.anew, table: data.network.table, embedding: data.network.embedding, inputs: halves(data.network.inputs),
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
