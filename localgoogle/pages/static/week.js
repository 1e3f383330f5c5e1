// The page works without this. With it, the week keeps itself up to date, and keys move about in it.

const PERIOD = 2000;
const shown = new Map();

const live = (page) => page.querySelectorAll("[data-live]");
const eventsOf = (part) => [...part.querySelectorAll("[data-event]")];

function replace(part, fresh) {
  const before = new Set(eventsOf(part).map((event) => event.dataset.event));
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const { scrollTop, scrollLeft } = part;
  const folded = part.querySelector("details:not([open])") !== null;
  part.replaceChildren(...fresh.childNodes);
  if (folded) part.querySelector("details").open = false;
  part.scrollTo(scrollLeft, scrollTop);
  const again = focused?.id ? `#${CSS.escape(focused.id)}` : `[href="${CSS.escape(focused?.getAttribute("href") ?? "")}"]`;
  if (focused) (part.querySelector(again) ?? part).focus({ preventScroll: true });
  for (const event of eventsOf(part)) if (!before.has(event.dataset.event)) event.classList.add("arrived");
}

async function refresh() {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of live(document)) {
    const fresh = page.getElementById(part.id);
    if (fresh === null || shown.get(part.id) === fresh.innerHTML) continue;
    shown.set(part.id, fresh.innerHTML);
    replace(part, fresh);
  }
}

async function keepFresh() {
  // A server that is away for a moment comes back; until then the last week stays in sight.
  if (!document.hidden) await refresh().catch(() => undefined);
  setTimeout(keepFresh, PERIOD);
}

function follow(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
}

document.documentElement.classList.add("scripted");
for (const part of live(document)) shown.set(part.id, part.innerHTML);
document.addEventListener("change", (event) => event.target.closest("[data-submit]")?.requestSubmit());
document.addEventListener("keydown", follow);
setTimeout(keepFresh, PERIOD);
