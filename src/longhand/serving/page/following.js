// The window stays at the end of the text while the model writes, until the person scrolls away from it.
// Half a window from the end is at the end: a fast model writes as much between two frames.
const near = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY < window.innerHeight / 2;
let follows = false;
let last = 0; // where the window was, as far as is known

export const toEnd = () => {
  if (!follows) return;
  window.scrollTo({ top: document.documentElement.scrollHeight });
  last = window.scrollY; // not what the person did
};

// The model begins to write.
export const beginFollowing = () => { follows = near(); };

window.addEventListener("scroll", () => {
  if (window.scrollY < last) follows = false; // no text that grows does that
  else if (near()) follows = true;
  last = window.scrollY;
}, { passive: true });
