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
