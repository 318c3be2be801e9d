// The lowest contrast, by WCAG 2, of any text in the page that is to be seen, and the text.
const numbers = (colour) => {
  const found = colour.match(/^rgba?\((.*)\)$/)[1].split(",").map(Number);
  return found.length === 4 ? found : [...found, 1];
};
const luminance = (colour) => {
  const [red, green, blue] = colour.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = numbers(getComputedStyle(one).backgroundColor);
    if (colour[3] === 1) return colour;
    if (colour[3] > 0) throw new Error("a background that one can see through: " + one.tagName);
  }
  throw new Error("no background");
};
let lowest = [Infinity, ""];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  const text = texts.currentNode.textContent.trim();
  if (!text || !element.checkVisibility() || element.closest("title, desc, script, style")) continue;
  const style = getComputedStyle(element);
  const colour = numbers(element.closest("svg") ? style.fill : style.color);
  const [light, dark] = [luminance(colour), luminance(behind(element))].sort((one, other) => other - one);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < lowest[0]) lowest = [ratio, text];
}
return lowest;
