// Optional: fetches progress again while entries are being written. Without scripts, reload the page.
"use strict";

function follow(live) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(live.dataset.address, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (!fresh) return;
    live.replaceChildren(...fresh.childNodes);
    if (fresh.dataset.live !== "pending") clearInterval(timer);
  }, 2000);
}

document.querySelectorAll("[data-live=pending]").forEach(follow);
