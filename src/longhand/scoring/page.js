"use strict";
// The text is there without this: it only says how many bits the character took that is pointed at.
(() => {
  const text = document.querySelector(".text");
  const output = document.querySelector(".readout output");
  const coded = atob(text.dataset.bits); // sixteenths of a bit, two bytes a character, the lower one first
  const count = coded.length / 2;
  const bitsOf = (index) => (coded.charCodeAt(2 * index) + 256 * coded.charCodeAt(2 * index + 1)) / 16;
  const lines = [...text.children];
  const begins = lines.map((line) => Number(line.dataset.begin));
  const here = document.createElement("div");
  here.className = "here";
  here.hidden = true;
  text.append(here);
  let at = -1;

  const lineOf = (index) => {
    let low = 0, high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (begins[middle] <= index) low = middle; else high = middle - 1;
    }
    return low;
  };

  // Characters are Python's, code points; a node's offsets are JavaScript's, UTF-16 units.
  const unitsOf = (string, characters) => [...string].slice(0, characters).join("").length;

  const rangeOf = (index) => {
    const line = lines[lineOf(index)];
    let left = index - begins[lineOf(index)];
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const length = [...node.data].length;
      if (left < length) {
        const range = document.createRange();
        range.setStart(node, unitsOf(node.data, left));
        range.setEnd(node, unitsOf(node.data, left + 1));
        return range;
      }
      left -= length;
    }
    return null;
  };

  const show = (index) => {
    if (index < 0 || index >= count || index === at) return;
    at = index;
    const range = rangeOf(index);
    const bits = bitsOf(index);
    const letter = range === null ? "line end" : range.toString() === " " ? "space" : range.toString() === "\t" ? "tab" : range.toString();
    const share = 100 * 2 ** -bits;
    const likely = share >= 10 ? share.toFixed(0) : share >= 0.1 ? share.toPrecision(2) : "less than 0.1";
    output.textContent = `“${letter}”: ${bits.toFixed(2)} bits, ${likely} % likely`;
    const box = (range ?? lines[lineOf(index)]).getBoundingClientRect();
    const origin = text.getBoundingClientRect();
    const left = range === null ? box.left - origin.left + lineEnd(lines[lineOf(index)], origin) : box.left - origin.left;
    Object.assign(here.style, { left: `${left - 2}px`, top: `${box.top - origin.top - 2}px`, width: `${range === null ? 10 : Math.max(box.width, 4) + 4}px`, height: `${box.height + 4}px` });
    here.hidden = output.parentElement.hidden = false;
  };

  const lineEnd = (line, origin) => {
    const range = document.createRange();
    range.selectNodeContents(line);
    const boxes = range.getClientRects();
    return boxes.length ? boxes[boxes.length - 1].right - line.getBoundingClientRect().left : 0;
  };

  const pointed = (event) => {
    const line = event.target.closest?.("p[data-begin]");
    if (!line) return;
    let node, offset;
    if (document.caretPositionFromPoint) {
      const position = document.caretPositionFromPoint(event.clientX, event.clientY);
      if (!position) return;
      [node, offset] = [position.offsetNode, position.offset];
    } else {
      const range = document.caretRangeFromPoint(event.clientX, event.clientY);
      if (!range) return;
      [node, offset] = [range.startContainer, range.startOffset];
    }
    if (!line.contains(node)) return;
    const before = document.createRange();
    before.setStart(line, 0);
    before.setEnd(node, offset);
    let index = Number(line.dataset.begin) + [...before.toString()].length;
    const box = rangeOf(index)?.getBoundingClientRect(); // a caret stands on either side of a character
    if (box && event.clientX < box.left && index > Number(line.dataset.begin)) index -= 1;
    show(index);
  };
  text.addEventListener("pointermove", pointed);
  text.addEventListener("pointerdown", pointed);
  text.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: count - 1 - at }[event.key];
    if (steps === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(Math.min(Math.max(at + steps, 0), count - 1));
    here.scrollIntoView({ block: "nearest" });
  });
  text.addEventListener("focus", () => { if (at < 0) show(0); });
})();
