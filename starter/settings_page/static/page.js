// Optional: fetches what is shown of the progress again while there is any. Without scripts, reload the page.
"use strict";

async function refresh(live) {
  if (document.hidden) return true;
  const answer = await fetch(live.dataset.address, { headers: { Accept: "text/html" } });
  const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page && page.querySelector("[data-live]");
  if (!fresh) return true;
  live.replaceChildren(...fresh.childNodes);
  return fresh.dataset.live === "pending";
}

for (const live of document.querySelectorAll("[data-live=pending]")) {
  const timer = setInterval(async () => (await refresh(live)) || clearInterval(timer), 2000);
}
