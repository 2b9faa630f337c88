/* Starts the page, follows its address, and handles what belongs to all views. */

let overviewAddress = "#matrix"; /* where Back leads, with the filters that were set */
let shownView = null;
const scrolled = {};
const READING = 2000; /* milliseconds in which nobody asks for a chart */

const OPENERS = { detail: openDetail, frameworks: openFrameworks, timeline: openTimeline,
  trend: openTrend };
const CLOSERS = { detail: closeDetail, frameworks: closeFrameworks };

/* Shows what the address says. */
function follow(event) {
  const { view, anchor, params } = route();
  const [before, isFirst] = [shownView, !event];
  if (before && before !== view) {
    scrolled[before] = window.scrollY;
    CLOSERS[before]?.();
  }
  if (before === "overview" && view !== before) overviewAddress = new URL(event.oldURL).hash || "#";
  shownView = view;
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll("#views a")) {
    const isHere = link.dataset.view === view && view !== "overview";
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view === "overview") showOverview(anchor, before, isFirst);
  else {
    OPENERS[view](params);
    if (before !== view || view === "detail") window.scrollTo({ top: 0, behavior: "instant" });
    if (!isFirst) document.querySelector(`#${view} h2`)?.focus({ preventScroll: true });
  }
}

/* Back to where it was left; a link to a section leads there. */
function showOverview(anchor, before, isFirst) {
  drawMatrix();
  const place = document.getElementById(anchor);
  if (before && before !== "overview" && scrolled.overview !== undefined) {
    window.scrollTo({ top: scrolled.overview, behavior: "instant" });
    focusLast();
  } else if (place && (anchor !== "matrix" || !isFirst || route().params.size)) {
    place.scrollIntoView();
  }
}

let lastLink = null;

/* The keyboard goes on where it went away. */
function focusLast() {
  const link = lastLink && [...document.querySelectorAll("#cells a")]
    .find((candidate) => candidate.getAttribute("href") === lastLink);
  if (link) focusCell(link);
}

function onClick(event) {
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
