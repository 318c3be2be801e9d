// A text as pieces: what a person typed, and the tokens that a model wrote.
//
// A piece is {t, m, p, a}: its text, whether a model wrote it, the natural logarithm of its probability, and the likeliest tokens
// there as [[text, logarithm], ...]. What is not known is missing: of a person's words all but the text, of half a token too.
export const END = "<|end|>"; // the end of a document, as a token
const PART = "bytes:"; // how a token begins that is a part of a character

export const typed = (text) => ({ t: text, m: false });
export const textOf = (pieces) => pieces.map((piece) => piece.t).join("");
export const lengthOf = (pieces) => pieces.reduce((sum, piece) => sum + piece.t.length, 0);
export const bitsOf = (piece) => piece.p === undefined ? undefined : Math.max(0, -piece.p / Math.LN2);

// A part of a piece: a token that was cut is no token any more.
const part = (piece, from, to) => from === 0 && to === piece.t.length ? piece : { t: piece.t.slice(from, to), m: piece.m };

// The index of the piece that holds the character at a place, and where it begins; behind all of them at the end.
export const pieceAt = (pieces, place) => {
  let start = 0;
  for (let index = 0; index < pieces.length; index++) {
    const end = start + pieces[index].t.length;
    if (place < end) return { index, start };
    start = end;
  }
  return { index: pieces.length, start };
};

const slice = (pieces, from, to) => {
  const found = [];
  let start = 0;
  for (const piece of pieces) {
    const end = start + piece.t.length;
    if (end > from && start < to) found.push(part(piece, Math.max(from, start) - start, Math.min(to, end) - start));
    if (end >= to) break;
    start = end;
  }
  return found;
};

// Pieces with `removed` characters at a place replaced; words of a person that touch become one piece.
export const splice = (pieces, at, removed, inserted) => {
  const result = slice(pieces, 0, at);
  for (const piece of [...inserted, ...slice(pieces, at + removed, Infinity)]) {
    const last = result.at(-1);
    if (last && !last.m && !piece.m) result[result.length - 1] = typed(last.t + piece.t);
    else result.push(piece);
  }
  return result;
};

// What was changed from one text to another: where, how much was removed, what was put in. The caret stands behind it.
export const change = (before, after, caret = after.length) => {
  const most = Math.min(before.length, after.length);
  let behind = 0;
  while (behind < Math.min(most, after.length - caret) && before.at(-1 - behind) === after.at(-1 - behind)) behind++;
  let ahead = 0;
  while (ahead < most - behind && before[ahead] === after[ahead]) ahead++;
  while (behind < most - ahead && before.at(-1 - behind) === after.at(-1 - behind)) behind++;
  return { at: ahead, removed: before.length - ahead - behind, text: after.slice(ahead, after.length - behind) };
};

// Makes pieces of what a stream brings. A character that several tokens make is one piece, without alternatives.
export class Assembler {
  #sum = 0; // logarithm of the probability of tokens whose text is still to come
  #parts = 0;

  #piece(text, p, choices) {
    const piece = { t: text, m: true };
    if (p !== undefined) piece.p = this.#sum + p;
    if (choices && this.#parts === 0) piece.a = choices;
    this.#sum = this.#parts = 0;
    return piece;
  }

  read(choice) {
    const text = choice.text, listed = choice.logprobs, pieces = [];
    let place = 0;
    for (const [number, token] of (listed?.tokens ?? []).entries()) {
      const p = listed.token_logprobs[number] ?? undefined;
      const width = token === END && !text.startsWith(END, place) ? 0 : text.startsWith(token, place) ? token.length : this.#characterAt(text, place, token);
      if (width === 0) {
        if (token !== END) { this.#sum += p ?? 0; this.#parts++; }
        continue;
      }
      const choices = Object.entries(listed.top_logprobs?.[number] ?? {}).sort((one, other) => other[1] - one[1]);
      pieces.push(this.#piece(text.slice(place, place + width), p, choices));
      place += width;
    }
    if (place < text.length) pieces.push(this.#piece(text.slice(place), undefined));
    return pieces;
  }

  // How long a character is that this part of one completes: a last byte, by what UTF-8 says of how many there are.
  #bytes = [];
  #characterAt(text, place, token) {
    if (!token.startsWith(PART)) return 0;
    for (const [, hex] of token.matchAll(/\\x([0-9a-f]{2})/gi)) this.#bytes.push(parseInt(hex, 16));
    const [first] = this.#bytes, needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (this.#bytes.length < needed || place >= text.length) return 0;
    this.#bytes = [];
    return text.codePointAt(place) > 0xffff ? 2 : 1;
  }
}

export const choosable = (text) => text === END || !text.startsWith(PART);
