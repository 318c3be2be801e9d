// All versions of the text, as a list to go back by; a fork is a step in.
import { desk } from "./desk.js";
import { element } from "./dom.js";
import { isShown, whenOpened } from "./panels.js";
import { textOf } from "./pieces.js";
import { language, seen, t, whenLanguageChanges } from "./words.js";
import { stop } from "./writing.js";

const panel = document.getElementById("panel-versions");
const EXCERPT = 70;
const DEEPEST = 5;

// Versions in the order of the list, each with how far it stands in: the first child goes straight on.
const ordered = (tree) => {
  const children = new Map(), found = [];
  for (const version of tree.versions.values()) {
    if (version.parent === null) found.push(version);
    else children.set(version.parent, [...(children.get(version.parent) ?? []), version]);
  }
  const result = [], stack = found.map((version) => ({ version, depth: 0 }));
  while (stack.length) {
    const { version, depth } = stack.pop();
    result.push({ version, depth });
    const [first, ...others] = children.get(version.id) ?? [];
    if (first) stack.push({ version: first, depth }, ...others.reverse().map((one) => ({ version: one, depth: depth + 1 })));
  }
  return result;
};

const excerpt = (version) => {
  const whole = textOf(version.pieces), text = whole.trim().replace(/\s*\n\s*/g, " ↵ ") || seen(whole.slice(0, EXCERPT));
  if (whole) return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
  return version.parent === null ? t("empty-page") : t("removed", { count: version.removed });
};

const rowOf = ({ version, depth }, hour) => {
  const kind = version.parent === null ? t("beginning") : t(`version-${version.kind}`);
  const words = element("span", { className: "what", textContent: `${kind} · ${hour.format(version.when)}` });
  const text = element("span", { className: "excerpt", textContent: excerpt(version) });
  const made = element("button", { type: "button", className: `version ${version.kind}` }, words, text);
  if (version === desk.tree.current) made.setAttribute("aria-current", "true");
  made.dataset.id = version.id;
  const row = element("li", {}, made);
  row.style.paddingInlineStart = `${0.9 * Math.min(depth, DEEPEST)}rem`;
  return row;
};

export const draw = () => {
  if (!isShown("versions")) return;
  const rows = ordered(desk.tree), hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  const note = element("p", { className: "lead", textContent: t(rows.length > 1 ? "versions-note" : "no-versions") });
  const list = element("ol");
  if (rows.length > 1) list.append(...rows.map((row) => rowOf(row, hour)));
  const focused = panel.contains(document.activeElement);
  panel.replaceChildren(note, list);
  const current = list.querySelector("[aria-current]");
  current?.scrollIntoView({ block: "nearest" });
  if (focused) current?.focus();
};

panel.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-id]");
  if (!button) return;
  stop();
  desk.tree.go(Number(button.dataset.id));
});

let soon = null;
export const watch = () => {
  desk.tree.listen((what) => {
    if (what !== "more" && isShown("versions")) soon ??= setTimeout(() => { soon = null; draw(); }, 60);
  });
  whenOpened("versions", draw);
  whenLanguageChanges(draw);
};
