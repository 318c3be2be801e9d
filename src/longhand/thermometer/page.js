"use strict";
// Says in words what the bar shows that is pointed at.
for (const figure of document.querySelectorAll("figure.reach")) {
  const readout = figure.querySelector(".readout");
  const say = (words) => {
    readout.querySelector("output").textContent = words;
    readout.querySelector(".hint").hidden = words !== "";
  };
  readout.hidden = false;
  for (const cell of figure.querySelectorAll(".cell")) {
    const says = () => say(cell.dataset.says);
    cell.addEventListener("pointerenter", says);
    cell.addEventListener("pointerdown", says);
    cell.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") say(""); });
  }
}
