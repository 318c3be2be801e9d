// The page: puts its parts together, and knows the keys.
import * as alternatives from "./alternatives.js";
import { whenKeyIsWanted } from "./api.js";
import { quiet, say, warn, whenBack } from "./connection.js";
import { begin, desk, tinted, typed } from "./desk.js";
import * as gates from "./gates.js";
import { askForKey } from "./key.js";
import { remember, remembered } from "./keeping.js";
import { field, placeAt } from "./manuscript.js";
import { fetchModels, whenChosen } from "./models.js";
import { openLast } from "./panels.js";
import { pieceAt } from "./pieces.js";
import * as settings from "./settings.js";
import "./taking.js";
import { point, suit as suitTint, tint } from "./tints.js";
import { showRuns } from "./training.js";
import * as versions from "./versions.js";
import { language, speak, translate, whenLanguageChanges } from "./words.js";
import { isWriting, nameButton, stop, write } from "./writing.js";

const by = (id) => document.getElementById(id);
// The model goes on; where none is known yet, after asking again.
const go = async () => {
  alternatives.close();
  if (!desk.model) await fetchAll();
  if (desk.model) write();
};
const step = (way) => { stop(); alternatives.close(); desk.tree[way](); };

const steps = () => {
  by("undo").disabled = !desk.tree.undoable;
  by("redo").disabled = !desk.tree.redoable;
  nameButton();
};

// ---- What is typed and pointed at.
const quietKeys = new Set([
  "Shift", "Control", "Alt", "Meta", "CapsLock", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Tab", "Escape",
]);
field.addEventListener("keydown", (event) => {
  const command = (event.ctrlKey || event.metaKey) && !["v", "x"].includes(event.key.toLowerCase());
  if (isWriting() && !quietKeys.has(event.key) && !command) stop(); // the person takes over
  if (event.altKey && event.key === "ArrowDown") { event.preventDefault(); alternatives.openAtCaret(); }
});
field.addEventListener("beforeinput", (event) => {
  if (event.inputType.startsWith("history")) { event.preventDefault(); step(event.inputType === "historyUndo" ? "undo" : "redo"); }
  else if (isWriting()) { event.preventDefault(); stop(); }
});
field.addEventListener("input", () => { alternatives.close(); typed(); });

let pointer = "mouse";
const writtenAt = (event) => {
  const place = placeAt(event.clientX, event.clientY);
  return place !== null && desk.tree.pieces[pieceAt(desk.tree.pieces, place).index]?.m ? place : null;
};
document.addEventListener("pointerdown", (event) => { pointer = event.pointerType; }, true);
field.addEventListener("mousedown", (event) => { // a finger looks at what the model wrote without a keyboard coming up
  if (pointer !== "mouse" && document.activeElement !== field && writtenAt(event) !== null) event.preventDefault();
});
field.addEventListener("click", (event) => {
  const place = writtenAt(event);
  if (place === null || field.selectionStart !== field.selectionEnd) alternatives.close();
  else alternatives.open(place);
});
field.addEventListener("pointermove", (event) => {
  if (!tint.surprise && !tint.unit) return;
  const place = placeAt(event.clientX, event.clientY);
  point(place ?? -1, place === null ? null : desk.tree.pieces[pieceAt(desk.tree.pieces, place).index]);
});

// ---- Buttons and keys.
by("write").addEventListener("click", () => { if (isWriting()) { alternatives.close(); stop(); } else go(); });
by("undo").addEventListener("click", () => step("undo"));
by("redo").addEventListener("click", () => step("redo"));
by("choose").addEventListener("click", () => alternatives.openAtCaret());
by("surprise").addEventListener("click", () => {
  tint.surprise = Boolean(tint.unit) || !tint.surprise; // in the place of a unit's colours
  if (tint.unit) gates.uncolour();
  remember("surprise", { is: tint.surprise });
  by("surprise").setAttribute("aria-pressed", String(tint.surprise));
  tinted();
});
document.addEventListener("keydown", (event) => {
  if (by("writing").hidden || by("key-dialog").open) return;
  const control = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
  if (event.key === "Escape") { if (alternatives.isOpen()) alternatives.close(); else stop(); return; }
  if (!control || event.altKey) return;
  const elsewhere = event.target !== field && event.target.matches("input[type=text], input[type=number]");
  if (key === "enter") { event.preventDefault(); go(); }
  else if (key === "z" && !elsewhere) { event.preventDefault(); step(event.shiftKey ? "redo" : "undo"); }
  else if (key === "y" && !elsewhere) { event.preventDefault(); step("redo"); }
});

// ---- Language.
const languages = [...document.querySelectorAll("[data-language]")];
const markLanguage = () => { for (const button of languages) button.setAttribute("aria-pressed", String(button.dataset.language === language)); };
for (const button of languages) button.addEventListener("click", () => speak(button.dataset.language));
whenLanguageChanges(() => { markLanguage(); nameButton(); tinted(); alternatives.close(); });

// ---- Begin.
const dock = document.querySelector(".dock");
new ResizeObserver(() => document.documentElement.style.setProperty("--dock", `${dock.offsetHeight}px`)).observe(dock);
whenKeyIsWanted(askForKey);
whenChosen((model) => { suitTint(model); tinted(); settings.suit(model); gates.suit(model); });
// The trainings are asked for once the models are known: who gives no key is not asked for it twice.
const fetchAll = async () => { if (await fetchModels()) showRuns(); };
whenBack(fetchAll);
tint.surprise = Boolean(remembered("surprise").is);
by("surprise").setAttribute("aria-pressed", String(tint.surprise));
translate();
markLanguage();
let lasting = true; // whether the text is still there when the page is opened again
const restored = begin((kept) => { lasting = kept; warn(kept ? null : "not-kept"); });
window.addEventListener("beforeunload", (event) => { if (!lasting && desk.tree.text) event.preventDefault(); });
desk.tree.listen((what) => { if (what !== "more") steps(); });
desk.tree.listen((what) => { if (what === "text" && !isWriting()) quiet(); });
versions.watch();
gates.watch();
steps();
tinted();
settings.draw();
if (restored) say("restored");
openLast();
if (window.matchMedia("(pointer: fine)").matches) field.focus();
fetchAll();
