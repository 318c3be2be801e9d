// The window stays at the end of the text while the model writes, until the person scrolls away from it.
const NEAR = 160, THERE = 8; // pixels: at the end when the model begins, and come back to it

const below = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY;
let follows = false;
let last = 0; // where the window was

export const toEnd = () => {
  if (follows) window.scrollTo({ top: document.documentElement.scrollHeight });
};

// The model begins to write.
export const beginFollowing = () => { follows = below() < NEAR; };

window.addEventListener("scroll", () => {
  if (window.scrollY < last) follows = false; // no text that grows does that
  else if (below() < THERE) follows = true;
  last = window.scrollY;
}, { passive: true });
