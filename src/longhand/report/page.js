"use strict";
// Shows the values of a chart at the point that is pointed at, or that the arrow keys have reached.
for (const figure of document.querySelectorAll("figure.chart")) {
  const lines = JSON.parse(figure.querySelector("script").textContent);
  const frame = figure.querySelector(".frame");
  const plot = frame.querySelector(".plot");
  const readout = figure.querySelector(".readout");
  const steadiest = lines[lines.length - 1]; // the line with the fewest points: the keys go along it
  let place = steadiest.x.length - 1;

  const element = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const nearest = (line, x) => {
    let low = 0, high = line.x.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (line.x[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - line.x[low - 1] < line.x[low] - x ? low - 1 : low;
  };

  const clear = () => {
    plot.querySelector(".cross")?.remove();
    readout.querySelector("output").textContent = "";
    readout.querySelector(".hint").hidden = false;
    for (const value of figure.querySelectorAll(".value")) value.textContent = "";
  };

  const show = (x) => {
    clear();
    const found = lines.map((line) => ({ line, at: nearest(line, x) }));
    const main = found.reduce((best, one) =>
      Math.abs(one.line.x[one.at] - x) < Math.abs(best.line.x[best.at] - x) ? one : best);
    const time = main.line.times[main.at];
    const cross = element("g", { class: "cross" });
    const across = main.line.x[main.at] + "%";
    cross.append(element("line", { x1: across, x2: across, y1: "0", y2: "100%" }));
    for (const { line, at } of found) {
      cross.append(element("circle", { cx: line.x[at] + "%", cy: line.y[at] + "%", r: 4 }));
      const later = line.times[at] === time ? "" : " (at " + line.times[at] + ")";
      figure.querySelector(`.value[data-line="${line.name}"]`).textContent = line.values[at] + later;
    }
    plot.append(cross);
    readout.querySelector(".hint").hidden = true;
    readout.querySelector("output").textContent = "At " + time + ", step " + main.line.steps[main.at];
  };

  const point = (event) => {
    const box = plot.getBoundingClientRect();
    show(Math.min(100, Math.max(0, 100 * (event.clientX - box.left) / box.width)));
  };

  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  frame.tabIndex = 0;
  readout.hidden = false;
  frame.addEventListener("pointermove", point);
  frame.addEventListener("pointerdown", point);
  frame.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") clear(); });
  frame.addEventListener("focus", () => { if (frame.matches(":focus-visible")) show(steadiest.x[place]); });
  frame.addEventListener("blur", clear);
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
    if (!(event.key in moves)) return;
    event.preventDefault();
    place = Math.min(steadiest.x.length - 1, Math.max(0, place + moves[event.key]));
    show(steadiest.x[place]);
  });
}
