// Keeps the text with its versions in the browser, so that nothing is lost on a reload. Each tab has a text of its own; a new
// tab begins with the one that was kept last.
const TEXT = "longhand.text.", TAB = "longhand.tab";
const FORMAT = 1;
const LARGEST = 2_000_000; // characters of a kept text
const TEXTS = 4; // that are kept
const LATER = 700; // milliseconds from a change until it is kept

const short = (number) => Math.round(number * 1000) / 1000;
const packed = (piece) => {
  if (!piece.m) return piece.t;
  if (piece.a) return [piece.t, short(piece.p ?? 0), piece.a.flatMap(([text, p]) => [text, short(p)])];
  return piece.p === undefined ? [piece.t] : [piece.t, short(piece.p)];
};
const unpacked = (kept) => {
  if (typeof kept === "string") return { t: kept, m: false };
  const [text, p, all] = kept, piece = { t: String(text), m: true };
  if (typeof p === "number") piece.p = p;
  if (Array.isArray(all)) piece.a = Array.from({ length: all.length / 2 }, (_, at) => [String(all[2 * at]), Number(all[2 * at + 1])]);
  return piece;
};

// A text as it is kept: when, a new line, and its versions.
const record = (tree, simple) => `${Date.now()}\n` + JSON.stringify({
  format: FORMAT, current: tree.current.id,
  versions: [...tree.versions.values()].map((version) => [
    version.id, version.parent, version.at, version.removed, version.kind, version.when, version.next ?? null,
    version.pieces.map((piece) => simple && piece.m ? [piece.t] : packed(piece)),
  ]),
});

// What was kept, as a Tree takes it; null where it is damaged.
const restored = (text) => {
  try {
    const kept = JSON.parse(text.slice(text.indexOf("\n") + 1));
    if (kept.format !== FORMAT) return null;
    const versions = kept.versions.map(([id, parent, at, removed, kind, when, next, pieces]) =>
      ({ id, parent, at, removed, kind, when, next: next ?? undefined, pieces: pieces.map(unpacked) }));
    const ids = new Set(versions.map((version) => version.id));
    const known = ({ id, parent }) => parent === null || (ids.has(parent) && parent < id);
    return ids.has(kept.current) && versions.every(known) ? { versions, current: kept.current } : null;
  } catch { return null; }
};

export class Keeper {
  #timer = null;
  #changed = false; // since it was kept

  // told: is called with whether the text could be kept, each time
  constructor(told) {
    this.told = told;
    this.name = TEXT + this.#tab();
    window.addEventListener("storage", (event) => { // a copy of this tab, which the browser made, keeps its text under our name
      if (event.key !== this.name || event.newValue === null) return;
      this.name = TEXT + this.#newTab();
      this.keep(); // ours is no more under the name that we had
    });
  }

  #tab() {
    try { return sessionStorage.getItem(TAB) || this.#newTab(); } catch { return "only"; }
  }

  #newTab() {
    const made = Date.now().toString(36) + Math.floor(Math.random() * 1e6).toString(36);
    sessionStorage.setItem(TAB, made);
    return made;
  }

  #others() {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(TEXT) && name !== this.name);
    const when = (name) => parseInt(localStorage.getItem(name), 10) || 0;
    return names.map((name) => ({ name, when: when(name) })).sort((one, other) => other.when - one.when);
  }

  load() {
    try {
      const own = restored(localStorage.getItem(this.name));
      if (own) return own;
      const [latest] = this.#others();
      return latest ? restored(localStorage.getItem(latest.name)) : null;
    } catch { return null; }
  }

  watch(tree) {
    this.tree = tree;
    tree.listen(() => { this.#changed = true; this.#timer ??= setTimeout(() => this.keep(), LATER); });
    const leave = () => { if (this.#changed) this.keep(); }; // one that was only looked at is not the latest
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  }

  // Keep it now; where there is no room, without alternatives and in the place of older texts.
  keep() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#changed = false;
    const whole = record(this.tree, false), simple = () => record(this.tree, true);
    const texts = whole.length <= LARGEST ? [() => whole, simple] : [simple];
    try {
      for (const text of texts) {
        if (this.#put(text())) { this.#forget(TEXTS - 1); return this.told(true); }
        this.#forget(0);
        if (this.#put(text())) return this.told(true);
      }
    } catch { /* no storage at all */ }
    this.told(false);
  }

  #put(text) {
    try { localStorage.setItem(this.name, text); return true; } catch { return false; }
  }

  #forget(most) {
    for (const { name } of this.#others().slice(most)) localStorage.removeItem(name);
  }
}

// Small settings: a record by name.
export const remembered = (name) => {
  try { return JSON.parse(localStorage.getItem(`longhand.${name}`)) ?? {}; } catch { return {}; }
};
export const remember = (name, values) => {
  try { localStorage.setItem(`longhand.${name}`, JSON.stringify(values)); } catch { /* as good as it goes */ }
};
