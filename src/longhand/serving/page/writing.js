// The model writes: from the end of the text, or from another token than the one that stands somewhere.
import { completion } from "./api.js";
import { complain, quiet, say } from "./connection.js";
import { desk } from "./desk.js";
import { beginFollowing, toEnd } from "./following.js";
import { field, follow, writing as shown } from "./manuscript.js";
import { Assembler, lengthOf } from "./pieces.js";
import { sampling, used } from "./settings.js";
import { t } from "./words.js";

export const ALTERNATIVES = 5;
const EASE = 30, LEAST = 2; // a frame shows so small a part of what has come, but so many tokens
const button = document.getElementById("write");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const ends = []; // who is told when the model has written
let present = null; // {stop: AbortController, queue, done, show}

export const isWriting = () => present !== null;
export const whenWritten = (listener) => ends.push(listener);

const show = (most = Infinity) => {
  const { queue } = present;
  if (!queue.length) return;
  desk.tree.append(queue.splice(0, most));
  toEnd();
};

// Frame by frame a share of what has come, so that it flows; at once where nobody sees it.
const flowing = (writing) => new Promise((finished) => {
  let timer, next;
  const frame = () => {
    clearTimeout(timer);
    cancelAnimationFrame(next);
    if (present !== writing) return finished();
    show(calm.matches || document.hidden ? Infinity : Math.max(LEAST, Math.ceil(writing.queue.length / EASE)));
    if (writing.done && !writing.queue.length) return finished();
    if (document.hidden) timer = setTimeout(frame, 200);
    else next = requestAnimationFrame(frame);
  };
  writing.hurry = frame;
  frame();
});

const reading = async (writing) => {
  const assembler = new Assembler(), begun = performance.now();
  const body = { model: desk.model.id, prompt: desk.tree.text, ...sampling(), logprobs: ALTERNATIVES };
  for await (const chunk of completion(body, writing.stop.signal)) {
    used(chunk.seed);
    const [choice] = chunk.choices;
    if (!choice) continue;
    const pieces = assembler.read(choice);
    writing.queue.push(...pieces);
    writing.count += lengthOf(pieces);
    writing.seconds = (performance.now() - begun) / 1000;
  }
};

// The button says what it does.
export const nameButton = () => {
  const is = isWriting();
  button.classList.toggle("stop", is);
  button.querySelector(".word").textContent = t(is ? "stop" : desk.tree.length ? "write-on" : "write");
  button.title = t(is ? "stop-help" : "write-help");
  button.setAttribute("aria-label", `${button.textContent.trim()}: ${button.title}`);
  shown(is);
};

const run = async (before = 0) => {
  const writing = present = { stop: new AbortController(), queue: [], count: 0, done: false, seconds: 0 };
  let failure = null;
  beginFollowing();
  nameButton();
  say("writing", {}, "busy");
  const flow = flowing(writing);
  try { await reading(writing); } catch (error) { failure = error; }
  writing.done = true;
  await flow;
  if (present === writing) finish(writing, failure, before);
};

const finish = (writing, failure, before) => {
  present = null;
  desk.tree.dropIfEmpty();
  desk.keeper.keep();
  follow(desk.tree.text);
  nameButton();
  if (failure) complain(failure, true);
  else if (!writing.count) say(before ? "stopped" : "nothing", { count: before });
  else say("done", { count: writing.count, rate: Math.round(writing.count / Math.max(writing.seconds, 0.001)) });
  for (const listener of ends) listener();
};

// Go on from the end of the text.
export const write = () => {
  if (isWriting()) return;
  desk.tree.change(desk.tree.text.length, 0, [], "written");
  run();
};

// Put another token in the place of what stands from there on, and go on from it; null ends the text there.
export const branch = (place, piece) => {
  stop();
  desk.tree.change(place, desk.tree.text.length - place, piece ? [piece] : [], "branch");
  if (!piece) return quiet();
  field.setSelectionRange(field.value.length, field.value.length);
  run(piece.t.length);
};

// Stop here: what is not shown yet is not written.
export const stop = () => {
  if (!present) return;
  const writing = present, waiting = lengthOf(writing.queue);
  writing.queue = [];
  writing.stop.abort();
  present = null;
  desk.tree.dropIfEmpty();
  follow(desk.tree.text);
  nameButton();
  say("stopped", { count: writing.count - waiting });
  desk.keeper.keep();
  for (const listener of ends) listener();
};

document.addEventListener("visibilitychange", () => present?.hurry?.());
