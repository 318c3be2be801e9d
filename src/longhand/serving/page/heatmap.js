// A map of what the units of a layer show at each token: a canvas with a row a unit and a column a token.
const ROWS = 360; // pixels that all rows have together, where there are few
const BINS = 64;

const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const parsed = (name) => [1, 3, 5].map((at) => parseInt(variable(name).slice(at, at + 2), 16));
const ramp = (names) => {
  const stops = names.map(parsed);
  return Array.from({ length: BINS }, (_, bin) => {
    const at = bin / (BINS - 1) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2), share = at - low;
    return stops[low].map((part, channel) => Math.round(part + share * (stops[low + 1][channel] - part)));
  });
};
const SIGNED = ["--neg", "--neg-soft", "--zero", "--pos-soft", "--pos"], GATE = ["--zero", "--gate-soft", "--gate-mid", "--gate"];

// How far a unit's values reach: 1 for a gate, else its largest.
export const ranges = (values, units, signed) => {
  const found = new Float64Array(units).fill(signed ? 1e-3 : 1);
  if (signed) for (const row of values) for (let unit = 0; unit < units; unit++) found[unit] = Math.max(found[unit], Math.abs(row[unit]));
  return found;
};

export const sizes = (tokens, units) => ({ across: tokens > 300 ? 3 : tokens > 120 ? 5 : 8, up: Math.max(1, Math.min(14, Math.floor(ROWS / units))) });

// Draw; order: the units from the top, row: the one that is marked, column: the token that is pointed at or null.
export const draw = (canvas, { values, units, order, signed, reach }, row, column) => {
  const tokens = values.length, { across, up } = sizes(tokens, units), scale = window.devicePixelRatio || 1;
  const width = tokens * across, height = units * up, colours = ramp(signed ? SIGNED : GATE);
  const image = new ImageData(Math.max(1, tokens), units);
  for (let at = 0; at < tokens; at++) {
    for (let line = 0; line < units; line++) {
      const unit = order[line], share = values[at][unit] / reach[unit];
      const bin = Math.max(0, Math.min(BINS - 1, Math.round((signed ? (share + 1) / 2 : share) * (BINS - 1))));
      image.data.set([...colours[bin], 255], 4 * (line * tokens + at));
    }
  }
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, width, height);
  pen.strokeStyle = variable("--ink");
  pen.lineWidth = 1.5;
  if (row !== null) pen.strokeRect(0.75, row * up - 1, width - 1.5, up + 2);
  if (column !== null) pen.strokeRect(column * across - 0.5, 0.75, across + 1, height - 1.5);
};

// The row and the column at a point of the window.
export const hit = (canvas, tokens, units, event) => {
  const box = canvas.getBoundingClientRect(), { across, up } = sizes(tokens, units);
  const column = Math.floor((event.clientX - box.left) / across), row = Math.floor((event.clientY - box.top) / up);
  return column >= 0 && column < tokens && row >= 0 && row < units ? { row, column } : null;
};

// One unit's values as bars, as wide as the map above.
export const strip = (canvas, { values, signed, reach }, unit) => {
  const { across } = sizes(values.length, 1), scale = window.devicePixelRatio || 1, width = values.length * across, height = 44;
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = canvas.getContext("2d"), zero = signed ? height / 2 : height;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  for (const [at, row] of values.entries()) {
    const share = row[unit] / reach[unit];
    pen.fillStyle = variable(!signed ? "--gate-mid" : share < 0 ? "--neg" : "--pos");
    pen.fillRect(at * across, zero, across > 3 ? across - 1 : across, -share * zero);
  }
  pen.fillStyle = variable("--rule");
  pen.fillRect(0, Math.min(zero, height - 1), width, 1);
};
