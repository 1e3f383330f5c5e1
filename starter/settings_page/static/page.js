// Only a convenience: while a calendar fills, the progress is fetched again. Without scripts, reloading does the same.
"use strict";
const live = document.querySelector("[data-live=filling]");

async function look() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
  if (!fresh) return;
  live.replaceChildren(...fresh.childNodes);
  if (fresh.dataset.live !== "filling") clearInterval(looking);
}

const looking = live ? setInterval(look, 2000) : 0;
