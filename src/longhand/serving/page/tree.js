// The versions of a text: a tree, in which each knows what changed since the one that it came from.
//
// A version is {id, parent, at, removed, pieces, kind, when, next}: in its parent's text `removed` characters at a place are
// replaced by pieces; `kind` is "typed", "written", "branch" or "cleared"; `next` is the child that was left last, for redo.
import { change, lengthOf, splice, textOf, typed } from "./pieces.js";

const MOST = 400; // versions that are kept
const TOGETHER = 1500; // milliseconds between two keys that are one edit

export class Tree {
  constructor(kept) {
    this.versions = new Map();
    this.number = 0;
    this.listeners = [];
    this.#touched = 0;
    if (kept) this.#restore(kept);
    else this.#add({ id: 0, parent: null, at: 0, removed: 0, pieces: [], kind: "typed", when: Date.now() });
    this.go(kept && this.versions.has(kept.current) ? kept.current : this.versions.keys().next().value);
  }

  #touched; // when a person typed last
  #before = ""; // the text before that edit

  #restore(kept) {
    for (const version of kept.versions) this.#add(version);
    this.number = Math.max(...this.versions.keys());
  }

  #add(version) {
    this.versions.set(version.id, version);
    return version;
  }

  // Tell of each change: "text" (all may be new), "more" (longer at its end) or "versions".
  listen(listener) { this.listeners.push(listener); }
  #tell(what) { for (const listener of this.listeners) listener(what); }

  get text() { return this.whole ??= textOf(this.pieces); }
  get undoable() { return this.current.parent !== null; }
  get redoable() { return this.current.next !== undefined && this.versions.has(this.current.next); }

  path(version) {
    const found = [];
    for (let one = version; one; one = this.versions.get(one.parent)) found.push(one);
    return found.reverse();
  }

  piecesOf(version) {
    return this.path(version).reduce((pieces, one) => splice(pieces, one.at, one.removed, one.pieces), []);
  }

  go(id) {
    const path = this.path(this.versions.get(id));
    for (const [place, version] of path.entries()) if (place > 0) path[place - 1].next = version.id;
    this.current = path.at(-1);
    this.pieces = this.piecesOf(this.current);
    this.whole = undefined;
    this.#touched = 0;
    this.#tell("text");
  }

  undo() { if (this.undoable) this.go(this.current.parent); }
  redo() { if (this.redoable) this.go(this.current.next); }

  // A new version, which becomes the present one.
  change(at, removed, pieces, kind) {
    const version = this.#add({ id: ++this.number, parent: this.current.id, at, removed, pieces: [...pieces], kind, when: Date.now() });
    this.current.next = version.id;
    this.current = version;
    this.pieces = splice(this.pieces, at, removed, version.pieces);
    this.whole = undefined;
    this.#touched = 0;
    this.#prune();
    this.#tell("text");
  }

  // What a person typed; keys that follow each other fast are one version.
  edit(after, caret) {
    const { current, text } = this, now = Date.now(), { at, removed, text: put } = change(text, after, caret);
    if (!removed && !put) return;
    const goesOn = current.kind === "typed" && current.parent !== null && current.next === undefined && now - this.#touched < TOGETHER;
    this.pieces = splice(this.pieces, at, removed, put ? [typed(put)] : []);
    this.whole = after;
    if (goesOn) {
      const whole = change(this.#before, after, caret);
      Object.assign(current, { at: whole.at, removed: whole.removed, pieces: whole.text ? [typed(whole.text)] : [], when: now });
    } else {
      this.#before = text;
      const version = { id: ++this.number, parent: current.id, at, removed, pieces: put ? [typed(put)] : [], kind: "typed", when: now };
      current.next = version.id;
      this.current = this.#add(version);
      this.#prune();
    }
    this.#touched = now;
    this.#tell("text");
  }

  // The present version grows at the end of the text.
  append(pieces) {
    this.current.pieces.push(...pieces);
    this.pieces.push(...pieces);
    if (this.whole !== undefined) this.whole += textOf(pieces);
    this.#tell("more");
  }

  // Take a version back into which nothing came.
  dropIfEmpty() {
    const { current } = this;
    if (current.pieces.length || current.removed || current.parent === null) return this.#tell("versions");
    this.versions.delete(current.id);
    this.current = this.versions.get(current.parent);
    this.current.next = undefined;
    this.#tell("versions");
  }

  children(id) { return [...this.versions.values()].filter((version) => version.parent === id); }

  // Where there are too many, forget the ends that were left the longest ago; then join the oldest to their children.
  #prune() {
    while (this.versions.size > MOST) {
      const kept = new Set(this.path(this.current)), parents = new Set([...this.versions.values()].map((version) => version.parent));
      const ends = [...this.versions.values()].filter((version) => !kept.has(version) && !parents.has(version.id));
      if (!ends.length) return this.#forgetBeginning([...kept]);
      const oldest = ends.reduce((one, other) => one.when <= other.when ? one : other);
      this.versions.delete(oldest.id);
    }
  }

  // All versions lie on one line: its first half becomes one.
  #forgetBeginning(path) {
    const root = path[Math.floor(MOST / 2)];
    const pieces = this.piecesOf(root);
    for (const version of path) {
      if (version === root) break;
      this.versions.delete(version.id);
    }
    Object.assign(root, { parent: null, at: 0, removed: 0, pieces });
  }

  get length() { return this.whole?.length ?? lengthOf(this.pieces); }
}
