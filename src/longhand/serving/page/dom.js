// Making elements.

// An element with these properties and children; children that are null are left out.
export const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
};

// A button that does something; what it says where its text is a sign goes to label.
export const button = (className, textContent, action, label = null) => {
  const made = element("button", { type: "button", className, textContent });
  if (label) {
    made.title = label;
    made.setAttribute("aria-label", label);
  }
  made.addEventListener("click", action);
  return made;
};

// A choice of [value, text], with its label.
export const select = (id, label, options, value, chosen) => {
  const made = element("select", { id }, ...options.map(([key, textContent]) => element("option", { value: key, textContent })));
  made.value = value;
  made.addEventListener("change", () => chosen(made.value));
  return element("label", { htmlFor: id, className: id }, element("span", { textContent: label }), made);
};
