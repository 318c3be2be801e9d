// The models that the server has: the picker and what there is to say of the one that is chosen.
import { models } from "./api.js";
import { complain } from "./connection.js";
import { desk } from "./desk.js";
import { remember, remembered } from "./keeping.js";
import { language, number, t, whenLanguageChanges } from "./words.js";

const select = document.getElementById("model");
const line = document.getElementById("facts");
let all = [];
let chosen = () => {};

const drawFacts = () => {
  const facts = desk.model?.longhand;
  delete line.dataset.t;
  if (!facts) { line.textContent = t(all.length ? "loading" : "no-models"); return; }
  const weights = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 }).format(facts.parameters);
  line.textContent = [
    facts.bits_per_character === null ? null : t("fact-bits", { bits: number(facts.bits_per_character, 2) }),
    t("fact-size", { layers: facts.layers, hidden: String(facts.hidden), parameters: weights }),
    t(`fact-tokens-${facts.tokens}`, { count: facts.vocabulary }),
    facts.window === null ? null : t("fact-window", { count: facts.window }),
    facts.documents ? t("fact-documents") : null,
  ].filter(Boolean).join(" · ");
};

const choose = (id) => {
  desk.model = all.find((model) => model.id === id) ?? all[0] ?? null;
  if (desk.model) { select.value = desk.model.id; remember("model", { is: desk.model.id }); }
  drawFacts();
  chosen(desk.model);
};

// Ask for the models; the one that was chosen last is chosen again. Returns whether the server said which they are.
export const fetchModels = async () => {
  try { all = await models(); } catch (error) {
    delete line.dataset.t;
    line.textContent = "";
    complain(error);
    return false;
  }
  select.hidden = all.length === 0;
  select.replaceChildren(...all.map((model) => Object.assign(document.createElement("option"), { value: model.id, textContent: model.id })));
  select.disabled = all.length < 2;
  choose(desk.model?.id ?? remembered("model").is);
  return true;
};

export const whenChosen = (listener) => { chosen = listener; };
select.addEventListener("change", () => choose(select.value));
whenLanguageChanges(drawFacts);
