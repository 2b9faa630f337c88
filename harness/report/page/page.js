/* Starts the page and draws what its address says: every view is a function of the address and of
   the facts that the page carries. */

import { render } from "preact";
import { chunkNow, loadChunk, unpack } from "./packed.js";
import { enter, entryNow, leaveEntry, placeOf, route, shown } from "./address.js";
import { Detail } from "./detail.js";
import { frameworkRow, Frameworks } from "./frameworks.js";
import { focusCell } from "./grid.js";
import { html } from "./html.js";
import { onLook } from "./look.js";
import { index } from "./model.js";
import { Overview } from "./overview.js";
import { Timeline } from "./timeline.js";
import { Trend } from "./trend.js";

const VIEWS = { overview: Overview, detail: Detail, frameworks: Frameworks, timeline: Timeline, trend: Trend };
const LINKS = [["changes", "What changed"], ["matrix", "Matrix"], ["frameworks", "Frameworks"],
  ["timeline", "Timeline"], ["trend", "Trend"], ["waivers", "Waivers"]];
const here = { view: null, overviewEntry: undefined, leadsBack: false, lastLink: null };
shown.overview = "#matrix"; /* where Back leads, with the filters that were set */

function Page({ at }) {
  const { anchor, view } = at;
  const chunk = chunkNow(chunkName(at));
  return html`<a class="skip" href="#matrix">Skip to the matrix</a><nav id="views" aria-label="Views">
    <span class="brand">Training report</span>${LINKS.map(([name, text]) => html`<a href="#${name}"
    aria-current=${name === anchor && view === anchor ? "page" : null}>${text}</a>`)}</nav>
    <main><${VIEWS[view]} route=${at} chunk=${chunk} /></main>`;
}

/* What a view needs unpacked. */
function chunkName({ view, params }) {
  if (view === "detail") return `${params.get("case")}/${params.get("variant")}`;
  const row = view === "frameworks" && frameworkRow(params);
  return row ? `${row.case}/${row.variant}` : null;
}

function draw(at = route()) {
  document.body.dataset.view = at.view;
  render(html`<${Page} at=${at} />`, document.getElementById("page"));
}

/* Shows what the address says; without an event it was opened with it. */
async function follow(event) {
  const at = route();
  const [before, isFirst] = [here.view, !event];
  if (before === "overview") {
    here.overviewEntry = shown.entry;
    if (at.view !== before) shown.overview = new URL(event.oldURL).hash || "#";
  }
  if (event && entryNow() !== undefined) leaveEntry(shown.entry); /* Back; a click did it itself */
  const kept = enter();
  const { entry } = shown;
  here.view = at.view;
  const name = chunkName(at);
  if (name && chunkNow(name) === undefined) {
    await loadChunk(name);
    if (shown.entry !== entry) return; /* it was left meanwhile */
  }
  draw();
  if (at.view === "overview") place(at, kept, isFirst);
  else {
    window.scrollTo({ top: kept ?? 0, behavior: "instant" });
    const title = /** @type {HTMLElement} */ (document.querySelector(`#${at.view} h2`));
    if (!isFirst) title?.focus({ preventScroll: true });
  }
  here.leadsBack = false;
}

/* Back to where it was left; a link to a section leads there. */
function place({ anchor, params }, kept, isFirst) {
  const section = document.getElementById(anchor);
  const top = here.leadsBack ? placeOf(here.overviewEntry) : kept;
  if (top !== undefined) {
    window.scrollTo({ top, behavior: "instant" });
    const links = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#cells a"))];
    const link = links.find((candidate) => candidate.getAttribute("href") === here.lastLink);
    if (link) focusCell(link, { preventScroll: true }); /* the keyboard goes on where it went away */
  } else if (section && (anchor !== "matrix" || !isFirst || params.size)) section.scrollIntoView();
  else if (!isFirst) window.scrollTo({ top: 0, behavior: "instant" });
}

function onClick(event) {
  const inside = event.target.closest("a[href^='#']");
  if (!inside) return;
  leaveEntry();
  here.leadsBack = inside.matches(".back");
  if (inside.closest("#cells")) here.lastLink = inside.getAttribute("href");
}

/* Escape leads back to the overview as it was left. */
function onKey(event) {
  if (event.key !== "Escape" || here.view === "overview" || event.defaultPrevented) return;
  if (event.target.matches("input[type=search]") && event.target.value) return;
  leaveEntry();
  here.leadsBack = true;
  location.hash = shown.overview;
}

async function start() {
  const element = document.getElementById("facts");
  index(await unpack(element));
  element.remove();
  document.getElementById("page").replaceChildren();
  shown.draw = draw;
  onLook(() => draw());
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", onClick, true);
  document.addEventListener("keydown", onKey);
  history.scrollRestoration = "manual";
  await follow();
  document.body.dataset.ready = "true";
}

start();
