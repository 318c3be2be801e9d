// What is said of the server and of the writing: the status line, errors, and looking for a server that went away.
import { alive, ApiError, LostError } from "./api.js";
import { t, whenLanguageChanges } from "./words.js";

const line = document.getElementById("status");
const AGAIN = 1000; // milliseconds between two looks
const GONE = [502, 503, 504]; // it is ending, or a proxy before it does not reach it
let said = null; // {name, values, kind}, or a server's own words
let warning = null; // the name of a text that stays
let looking = false;
const returns = [];

const draw = () => {
  const words = [said ? said.words ?? t(said.name, said.values) : "", warning ? t(warning) : ""];
  line.textContent = words.filter(Boolean).join(" ");
  line.dataset.kind = warning ? "error" : said?.kind ?? "";
};

// Say a text of the page's, as "note", "busy" or "error".
export const say = (name, values = {}, kind = "note") => { said = { name, values, kind }; draw(); };
export const quiet = () => { if (!looking) { said = null; draw(); } }; // a server that is looked for is not forgotten
export const warn = (name) => { warning = name; draw(); };
export const whenBack = (listener) => returns.push(listener);

const look = async () => {
  if (looking) return;
  looking = true;
  do await new Promise((done) => setTimeout(done, AGAIN)); while (!await alive());
  looking = false;
  say("back");
  for (const listener of returns) listener();
};

// Show what went wrong; a server that went away is looked for.
export const complain = (error, whileWriting = false) => {
  if (error.name === "AbortError") return;
  if (error instanceof LostError || GONE.includes(error.status)) {
    say(whileWriting ? "lost-writing" : "lost", {}, "error");
    look();
  } else if (error.status === 401) say("no-key", {}, "error");
  else if (error instanceof ApiError && error.wait) say("busy", { wait: error.wait }, "error");
  else {
    said = { words: error.message, kind: "error" };
    draw();
    if (!(error instanceof ApiError)) console.error(error);
  }
};

whenLanguageChanges(draw);
