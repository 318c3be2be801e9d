// What colour each piece has: whose it is, how unexpected it was, or what a unit of the network shows there.
import { bitsOf } from "./pieces.js";
import { number, seen, t } from "./words.js";

const BINS = 7;
const legend = document.getElementById("legend");

// most: the bits of the strongest tint; unit: {values, signed, name}, with values as [from, to, share from -1 or 0 to 1, value, text]
export const tint = { surprise: false, most: 8, unit: null };

export const surpriseBin = (bits) => Math.min(BINS - 1, Math.round((bits / tint.most) * (BINS - 1)));
const unitBin = (share, signed) => signed ? `u${Math.round(share * 3)}` : `g${Math.round(share * (BINS - 1))}`;

// The class of a piece, for manuscript.show; pieces are asked for one after the other.
export const classes = (pieces) => {
  const unit = tint.unit;
  if (!unit) return (piece) => {
    const bits = tint.surprise && piece.m ? bitsOf(piece) : undefined;
    return (piece.m ? "model" : "person") + (bits === undefined ? "" : ` s${surpriseBin(bits)}`);
  };
  return (piece) => piece.m ? "model" : "person";
};

// Pieces cut so that each has one value of the unit that is shown: those of a person are long.
export const cutForUnit = (pieces) => {
  const { values } = tint.unit, result = [], names = [];
  let start = 0, at = 0;
  const put = (text, piece, value) => {
    result.push({ t: text });
    names.push((piece.m ? "model" : "person") + (value === undefined ? "" : ` ${unitBin(value, tint.unit.signed)}`));
  };
  for (const piece of pieces) {
    const end = start + piece.t.length;
    let place = start;
    while (place < end) {
      while (at < values.length && values[at][1] <= place) at++;
      const [from, to, share] = values[at] ?? [Infinity, Infinity];
      const next = Math.min(end, from <= place ? to : from);
      put(piece.t.slice(place - start, next - start), piece, from <= place ? share : undefined);
      place = next;
    }
    start = end;
  }
  return { pieces: result, classOf: (_, index) => names[index] };
};

const swatches = (names) => names.map((name) => {
  const box = document.createElement("i");
  box.className = name;
  return box;
});
const word = (text, name = "") => {
  const span = document.createElement("span");
  span.textContent = text;
  span.className = name;
  return span;
};

const hint = () => window.matchMedia("(hover: hover)").matches ? t("legend-hint") : "";

// One choice among all of a vocabulary by mere chance is the most surprise that is usual, but 8 bits at least.
export const suit = (model) => { tint.most = Math.max(8, Math.ceil(Math.log2(model?.longhand.vocabulary ?? 2))); };

// The legend under the text, and beside it what is pointed at.
export const drawLegend = () => {
  const { unit, surprise } = tint;
  legend.hidden = !unit && !surprise;
  if (legend.hidden) return legend.replaceChildren();
  const scale = document.createElement("span");
  scale.className = "scale";
  if (unit) {
    const names = unit.signed ? [-3, -2, -1, 0, 1, 2, 3].map((bin) => `u${bin}`) : Array.from({ length: BINS }, (_, bin) => `g${bin}`);
    scale.append(word(t(unit.signed ? "negative" : "shut")), ...swatches(names), word(t(unit.signed ? "positive" : "open")));
    legend.replaceChildren(word(unit.name, "what"), scale, word("", "pointed"));
  } else {
    scale.append(word(`0 ${t("expected")}`), ...swatches(Array.from({ length: BINS }, (_, bin) => `s${bin}`)), word(`${tint.most}+ ${t("unexpected")}`));
    legend.replaceChildren(word(t("legend-surprise"), "what"), scale, word(hint(), "pointed"));
  }
};

// Say in the legend what a character at a place shows.
export const point = (place, piece) => {
  const pointed = legend.querySelector(".pointed");
  if (!pointed) return;
  if (tint.unit) {
    const found = tint.unit.values.find(([from, to]) => place >= from && place < to);
    pointed.textContent = found ? t("value-here", { text: seen(piece?.m ? piece.t : found[4]), value: number(found[3], 2) }) : "";
    return;
  }
  const bits = piece?.m ? bitsOf(piece) : undefined;
  pointed.textContent = bits === undefined ? hint() : t("bits-here", { text: seen(piece.t), bits: number(bits, 1) });
};
