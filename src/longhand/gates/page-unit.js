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
    const ended = rowsOf[t + 1] === net.anew; // a document
    if (t + 1 < time && (ended ? ends : !ends && likely.texts[which] === pieces[t + 1])) item.className = "came";
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
