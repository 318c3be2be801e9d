// Taking the text away: to the clipboard, to a file, off the desk.
import { say } from "./connection.js";
import { desk } from "./desk.js";
import { field } from "./manuscript.js";
import { t } from "./words.js";
import { stop } from "./writing.js";

const copy = async () => {
  try {
    await navigator.clipboard.writeText(desk.tree.text);
    return say("copied");
  } catch { /* not on every address: the old way */ }
  const { activeElement: before } = document;
  field.focus({ preventScroll: true });
  field.select();
  say(document.execCommand("copy") ? "copied" : "copy-failed");
  before?.focus?.();
};

const download = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([desk.tree.text], { type: "text/plain;charset=utf-8" }));
  link.download = t("file");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

const clear = () => {
  stop();
  if (!desk.tree.text) return;
  desk.tree.change(0, desk.tree.text.length, [], "cleared");
  say("cleared");
  field.focus();
};

document.getElementById("copy").addEventListener("click", copy);
document.getElementById("download").addEventListener("click", download);
document.getElementById("clear").addEventListener("click", clear);
