// The dialog that asks for the key of the server.
const dialog = document.getElementById("key-dialog");
const input = document.getElementById("key");

// Returns the key, or null where the person gives none; wrong: one was given and refused.
export const askForKey = (wrong) => new Promise((answered) => {
  document.getElementById("key-wrong").hidden = !wrong;
  input.value = "";
  const done = (key) => {
    ended.abort();
    dialog.close();
    answered(key);
  };
  const ended = new AbortController(), until = { signal: ended.signal };
  dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); if (input.value.trim()) done(input.value.trim()); }, until);
  document.getElementById("key-cancel").addEventListener("click", () => done(null), until);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); done(null); }, until);
  dialog.showModal();
  input.focus();
});
