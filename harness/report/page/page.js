/* Starts the page, follows its address, and handles what belongs to all views. */

let overviewAddress = "#matrix"; /* where Back leads, with the filters that were set */
let shownView = null;
let overviewEntry; /* of the history, in which the overview was left */
let leadsBack = false; /* whether what was clicked or pressed leads to the overview as it was */
const READING = 2000; /* milliseconds in which nobody asks for a chart */

const OPENERS = { detail: openDetail, frameworks: openFrameworks, timeline: openTimeline,
  trend: openTrend };
const CLOSERS = { detail: closeDetail, frameworks: closeFrameworks };

/* Shows what the address says. */
async function follow(event) {
  const { view, anchor, params } = route();
  const [before, isFirst] = [shownView, !event];
  if (before && before !== view) CLOSERS[before]?.();
  if (before === "overview") {
    overviewEntry = shownEntry;
    if (view !== before) overviewAddress = new URL(event.oldURL).hash || "#";
  }
  if (event && entryNow() !== undefined) leaveEntry(shownEntry); /* Back; a click did it itself */
  const kept = enter();
  const entry = shownEntry = entryNow();
  shownView = view;
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll("#views a")) {
    const isHere = link.dataset.view === view && view !== "overview";
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view === "overview") showOverview(anchor, kept, isFirst);
  else {
    window.scrollTo({ top: 0, behavior: "instant" });
    if (!isFirst) document.querySelector(`#${view} h2`)?.focus({ preventScroll: true });
    await OPENERS[view](params);
    if (kept && shownEntry === entry) window.scrollTo({ top: kept, behavior: "instant" });
  }
  leadsBack = false;
}

/* Back to where it was left; a link to a section leads there. */
function showOverview(anchor, kept, isFirst) {
  drawMatrix();
  const section = document.getElementById(anchor);
  const place = leadsBack ? places.get(overviewEntry) : kept;
  if (place !== undefined) {
    window.scrollTo({ top: place, behavior: "instant" });
    focusLast();
  } else if (section && (anchor !== "matrix" || !isFirst || route().params.size)) {
    section.scrollIntoView();
  } else if (!isFirst) window.scrollTo({ top: 0, behavior: "instant" });
}

let lastLink = null;

/* The keyboard goes on where it went away. */
function focusLast() {
  const link = lastLink && [...document.querySelectorAll("#cells a")]
    .find((candidate) => candidate.getAttribute("href") === lastLink);
  if (link) focusCell(link, { preventScroll: true });
}

function onClick(event) {
  const inside = event.target.closest("a[href^='#']");
  if (inside) {
    leaveEntry();
    leadsBack = inside.matches(".back");
  }
  const link = event.target.closest("#cells a");
  if (link) lastLink = link.getAttribute("href");
  const button = event.target.closest("button.copy");
  if (button) copy(button);
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch { /* not allowed here: select it for the keyboard's copy */
    getSelection().selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

/* Escape leads back to the overview as it was left. */
function onKey(event) {
  if (event.key !== "Escape" || shownView === "overview" || event.defaultPrevented) return;
  if (event.target.matches("input[type=search]") && event.target.value) return;
  leaveEntry();
  leadsBack = true;
  location.hash = overviewAddress;
}

async function start() {
  const status = document.getElementById("matrix-status");
  if (!window.DecompressionStream) {
    status.textContent = "This browser is too old to unpack the matrix: it has no " +
      "DecompressionStream. What changed is above, all of it in the report's JSON.";
    return;
  }
  const element = document.getElementById("facts");
  index(JSON.parse(await unpack(element)));
  element.remove();
  drawFilters(document.getElementById("filters"));
  const table = document.getElementById("cells");
  table.addEventListener("keydown", gridKey);
  table.addEventListener("pointerover", gridTitle);
  table.addEventListener("focusin", gridTitle);
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", onClick, true);
  document.addEventListener("keydown", onKey);
  document.addEventListener("pointerover", (event) => {
    if (event.target.closest("a[href^='#detail']")) plotly(); /* soon needed */
  });
  history.scrollRestoration = "manual";
  follow();
  document.body.dataset.ready = "true";
  setTimeout(whenIdle, READING);
}

/* While the answer is read, what charts need gets ready. */
function whenIdle() {
  if (window.requestIdleCallback) requestIdleCallback(rehearse);
  else rehearse();
}

start();
