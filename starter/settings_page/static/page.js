// Optional: fetches the progress again while entries are being written. Without scripts, reload the page.
"use strict";
const live = document.querySelector("[data-live=pending]");

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(live.dataset.address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
  if (!fresh) return;
  live.replaceChildren(...fresh.childNodes);
  if (fresh.dataset.live !== "pending") clearInterval(timer);
}

const timer = live ? setInterval(refresh, 2000) : 0;
