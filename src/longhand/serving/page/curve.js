// The curve of a training: bits per character against time, for the training text and the held-out text.
import { number, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [300, 44, 44, 14, 18];

const shape = (name, attributes, text = "") => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};

// A step between marks that is easy to read: 1, 2 or 5 times a power of ten, or of minutes.
const stepFor = (span, most, steps) => steps.find((step) => span / step <= most) ?? steps.at(-1);
const TIMES = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 36000, 86400, 172800];
const BITS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export const clock = (seconds) => {
  if (seconds === null) return "–";
  const whole = Math.round(seconds), [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

// The drawing; width: in pixels, so that its letters are as large as others.
export const curve = (training, heldOut, width) => {
  const all = [...training, ...heldOut], bits = all.map(([, value]) => value), end = Math.max(...all.map(([seconds]) => seconds), 1);
  const stepY = stepFor(Math.max(Math.max(...bits) - Math.min(...bits), 0.1), 6, BITS);
  const low = Math.floor(Math.min(...bits) / stepY) * stepY, high = Math.max(low + stepY, Math.ceil(Math.max(...bits) / stepY) * stepY);
  const x = (seconds) => LEFT + (width - LEFT - RIGHT) * seconds / end, y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
  const told = (point) => point ? number(point[1], 2) : "–";
  const said = t("curve-description", { first: told(training[0]), last: told(training.at(-1)), held: told(heldOut.at(-1)) });
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", class: "curve", "aria-labelledby": "curve-title curve-desc" });
  svg.append(shape("title", { id: "curve-title" }, t("curve")), shape("desc", { id: "curve-desc" }, said));
  for (let value = low; value <= high + stepY / 2; value += stepY) {
    svg.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: "grid" }));
    svg.append(shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, number(value, stepY < 0.1 ? 2 : stepY < 1 ? 1 : 0)));
  }
  const stepX = stepFor(end, width / 110, TIMES);
  for (let seconds = 0; seconds <= end; seconds += stepX) {
    svg.append(shape("text", { x: x(seconds), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, clock(seconds)));
  }
  svg.append(shape("text", { x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end", class: "axis" }, t("axis-time")));
  svg.append(shape("text", { x: LEFT, y: HEIGHT - 6, class: "axis" }, `${t("axis-bits")}, ${t("lower")}`));
  const path = (points) => points.map(([seconds, value], at) => `${at ? "L" : "M"}${x(seconds).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  if (training.length) svg.append(shape("path", { d: path(training), class: "on-training" }));
  if (heldOut.length) svg.append(shape("path", { d: path(heldOut), class: "on-held-out" }));
  for (const [seconds, value] of heldOut) svg.append(shape("circle", { cx: x(seconds), cy: y(value), r: 3.5, class: "on-held-out" }));
  return svg;
};
