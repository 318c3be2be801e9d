// What lies on the desk: the text with its versions, the model that is chosen, and the sheet that shows both.
import { Keeper } from "./keeping.js";
import * as manuscript from "./manuscript.js";
import { classes, cutForUnit, drawLegend, tint } from "./tints.js";
import { Tree } from "./tree.js";

export const desk = { tree: null, keeper: null, model: null };
let typing = false; // the field is ahead of the sheet: it is what was typed

export const draw = () => {
  const { pieces } = desk.tree;
  if (tint.unit) {
    const cut = cutForUnit(pieces);
    manuscript.show(cut.pieces, cut.classOf);
  } else manuscript.show(pieces, classes(pieces));
};

export const tinted = () => { draw(); drawLegend(); };

// What was typed becomes part of the text.
export const typed = () => {
  typing = true;
  desk.tree.edit(manuscript.typedText(), manuscript.field.selectionEnd);
  typing = false;
};

// Begin with what was kept; told: hears each time whether the text could be kept. Returns whether there was a text.
export const begin = (told) => {
  desk.keeper = new Keeper(told);
  const kept = desk.keeper.load();
  desk.tree = new Tree(kept);
  desk.keeper.watch(desk.tree);
  desk.tree.listen((what) => {
    if (what === "versions") return;
    if (what === "text") tint.unit = null; // its values belong to the text as it was
    draw();
    if (!typing) manuscript.follow(desk.tree.text, { now: what === "text" });
    if (what === "text") drawLegend();
  });
  draw();
  manuscript.follow(desk.tree.text);
  return kept !== null && desk.tree.text !== "";
};
