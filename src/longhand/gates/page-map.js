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
