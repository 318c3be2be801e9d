// The sheet of paper: a text field that a person types in, and beneath it the same text as it is seen, in ink and tints.
//
// Both have the same letters at the same places. The field's own letters are transparent, so that typing, selecting, dictating and
// reading aloud are the browser's, and colours are ours. Lines are elements of their own: what did not change is not touched.
const field = document.getElementById("text");
const mirror = document.getElementById("mirror");
const WIDTH = 16; // pixels behind a line that are its end
const GAP = 250; // milliseconds between two times that the field follows while the model writes

// A field knows no carriage return: it stands there as its sign, so that all places stay the same.
const RETURN = "\r", SIGN = "\u240d";
const shown = (text) => text.replaceAll(RETURN, SIGN);
export const typedText = () => field.value.replaceAll(SIGN, RETURN);

let lines = []; // each {runs: [[class, text], ...], length, key}
let fieldTime = 0;

// Lines of runs with the same class.
const cut = (pieces, classOf) => {
  const made = [[]];
  for (const [index, piece] of pieces.entries()) {
    const name = classOf(piece, index), parts = shown(piece.t).split("\n");
    for (const [number, part] of parts.entries()) {
      if (number > 0) made.push([]);
      if (!part) continue;
      const runs = made.at(-1), last = runs.at(-1);
      if (last && last[0] === name) last[1] += part;
      else runs.push([name, part]);
    }
  }
  return made.map((runs) => ({
    runs, length: runs.reduce((sum, run) => sum + run[1].length, 0), key: runs.map((run) => run.join("\u0001")).join("\u0002"),
  }));
};

const spanOf = ([name, text]) => {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
};

const fill = (element, runs, before = []) => {
  let same = 0;
  while (same < Math.min(runs.length, before.length) && runs[same][0] === before[same][0] && runs[same][1] === before[same][1]) same++;
  const [now, was] = [runs[same], before[same]];
  if (now && was && now[0] === was[0] && now[1].startsWith(was[1])) {
    element.childNodes[same].firstChild.appendData(now[1].slice(was[1].length));
    same++;
  }
  while (element.childNodes.length > same) element.lastChild.remove();
  element.append(...runs.slice(same).map(spanOf));
};

const lineOf = (line) => {
  const element = document.createElement("div");
  element.className = "line";
  fill(element, line.runs);
  return element;
};

// Show pieces; classOf(piece, index) says how each looks.
export const show = (pieces, classOf) => {
  const before = lines, after = cut(pieces, classOf), most = Math.min(before.length, after.length);
  let first = 0, last = 0;
  while (first < most && before[first].key === after[first].key) first++;
  while (last < most - first && before.at(-1 - last).key === after.at(-1 - last).key) last++;
  const elements = mirror.children, both = Math.min(before.length, after.length) - last;
  for (let at = first; at < both; at++) fill(elements[at], after[at].runs, before[at].runs);
  for (let surplus = before.length - last - both; surplus > 0; surplus--) elements[both].remove();
  const added = after.slice(both, after.length - last).map(lineOf);
  if (added.length) {
    const next = elements[both] ?? null;
    for (const element of added) mirror.insertBefore(element, next);
  }
  lines = after;
};

// The field's text becomes this one; while the model writes it follows now and then.
export const follow = (whole, { now = true } = {}) => {
  const time = performance.now();
  if (!now && time - fieldTime < GAP) return;
  fieldTime = time;
  const text = shown(whole);
  const [start, end] = [field.selectionStart, field.selectionEnd], length = field.value.length;
  if (field.value !== text) field.value = text;
  if (start >= length) field.setSelectionRange(text.length, text.length);
  else field.setSelectionRange(Math.min(start, text.length), Math.min(end, text.length));
};

// The text node and the offset in it of a character.
const nodeAt = (place) => {
  let start = 0;
  for (const [number, line] of lines.entries()) {
    if (place < start + line.length) {
      for (const span of mirror.children[number].childNodes) {
        const { length } = span.firstChild;
        if (place < start + length) return { node: span.firstChild, offset: place - start };
        start += length;
      }
    }
    start += line.length + 1;
    if (place < start) return { line: mirror.children[number] };
  }
  return { line: mirror.lastElementChild };
};

// Where a stretch of the text is on the page: its first rectangle. The end of a line is a narrow one at its end.
export const boxOf = (from, to) => {
  const range = document.createRange(), begin = nodeAt(from);
  if (begin.node) {
    range.setStart(begin.node, begin.offset);
    range.setEnd(begin.node, Math.min(begin.node.length, begin.offset + Math.max(1, to - from)));
    const rects = [...range.getClientRects()];
    return rects.find((rect) => rect.width > 0) ?? rects[0] ?? mirror.getBoundingClientRect();
  }
  range.selectNodeContents(begin.line ?? mirror);
  const line = (begin.line ?? mirror).getBoundingClientRect(), last = [...range.getClientRects()].at(-1);
  const left = last ? last.right : line.left, height = last ? last.height : parseFloat(getComputedStyle(mirror).lineHeight);
  return new DOMRect(left, last ? last.top : line.bottom - height, WIDTH, height);
};

// The place of the character at a point of the window; null beside the text.
export const placeAt = (x, y) => {
  let start = 0;
  for (const [number, element] of [...mirror.children].entries()) {
    const box = element.getBoundingClientRect(), { length } = lines[number];
    if (y < box.bottom) return y < box.top ? null : inLine(start, length, x, y, number < lines.length - 1);
    start += length + 1;
  }
  return null;
};

const inLine = (start, length, x, y, ends) => {
  let low = start, high = start + length;
  while (low < high) {
    const middle = (low + high) >> 1, box = boxOf(middle, middle + 1);
    if (y >= box.top && y < box.bottom && x >= box.left && x < box.right) return middle;
    if (y >= box.bottom || (y >= box.top && x >= box.right)) low = middle + 1;
    else high = middle;
  }
  const caret = field.selectionStart; // where text runs from the right, halving does not find it: it is beside the caret, if anywhere
  const last = start + length - (ends ? 0 : 1); // the end of a line is just behind it
  const found = [low, caret, caret - 1, last].find((place) => place >= start && place <= last && within(boxOf(place, place + 1), x, y));
  return found ?? null;
};

const within = (box, x, y) => y >= box.top - 4 && y < box.bottom + 4 && x >= box.left && x < box.right;

export const writing = (is) => mirror.classList.toggle("writing", is);
export { field, mirror };
