// Does things to a text by chance (SEED), and says what first went wrong: what should be equal are the text as plain JavaScript
// has it, the versions, their pieces, what is kept of them, and what the sheet shows.
return Promise.all([import("/assets/tree.js"), import("/assets/manuscript.js"), import("/assets/pieces.js")])
  .then(([{ Tree }, { show }, { textOf }]) => {
    let state = SEED;
    const below = (most) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor(state / 65536) % most; };
    const letters = (most) => Array.from({ length: below(most) }, () => "ab \n\r漢e\u0301"[below(8)]).join("");
    const written = (text) => [...text].map((t, at) => ({ t, m: true, p: -at, a: [[t, -at]] }));
    const tree = new Tree(null), texts = new Map([[0, ""]]);
    const shown = () => [...document.querySelectorAll(".line")].map((line) => line.textContent).join("\n").replaceAll("\u240d", "\r");
    for (let step = 0; step < 700; step++) {
      const text = tree.text, at = below(text.length + 1), end = at + below(text.length - at + 1), put = letters(6);
      const way = below(8);
      if (way < 2) tree.edit(text.slice(0, at) + put + text.slice(end), at + put.length);
      else if (way === 2) { tree.change(text.length, 0, [], "written"); tree.append(written(put)); tree.dropIfEmpty(); }
      else if (way === 3) tree.change(at, text.length - at, written(put), "branch");
      else if (way === 4) tree.undo();
      else if (way === 5) tree.redo();
      else if (way === 6) { const all = [...tree.versions.keys()]; tree.go(all[below(all.length)]); }
      const expected = [text.slice(0, at) + put + text.slice(end), null, text + put, text.slice(0, at) + put][way < 2 ? 0 : way];
      const place = `step ${step}, way ${way}`;
      if (way < 4 && tree.text !== expected) return place + ": the text";
      if (way > 3 && texts.has(tree.current.id) && texts.get(tree.current.id) !== tree.text) return place + ": a version";
      texts.set(tree.current.id, tree.text);
      if (textOf(tree.pieces) !== tree.text) return place + ": the pieces";
      const again = new Tree({ versions: structuredClone([...tree.versions.values()]), current: tree.current.id });
      if (again.text !== tree.text) return place + ": kept";
      show(tree.pieces, (piece, index) => piece.m ? `model s${index % 7}` : "person");
      if (shown() !== tree.text) return place + ": what is shown";
    }
    return tree.versions.size > 400 ? "too many versions" : "sound";
  });
