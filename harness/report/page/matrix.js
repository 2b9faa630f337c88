/* The matrix and its filters: which comparisons are asked for, as a table or, narrow, a list. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { h } from "preact";
import { change } from "./address.js";
import { gridKey, gridTitle, resetGrid } from "./grid.js";
import { html } from "./html.js";
import { look } from "./look.js";
import { columns, families, findColumn, isDifference, isEdge, isOpen, kindsOf, page, rows, severity,
  shownOf, symbolOf, worstOf } from "./model.js";
import { Fold, plural, Select, short } from "./text.js";

const CHARACTERS = 4; /* of a family's name that fit across one column; a longer one is upright */
const SHEET_COLUMNS = 16;
const UNREACHED = { tabIndex: -1 };
const PASSES = { changed: isOpen, differences: isDifference, all: () => true };
const FILTERS = ["show", "family", "case", "phase", "against", "q", "sort"];
export const filtersOf = (params) =>
  Object.fromEntries(FILTERS.map((filter) => [filter, params.get(filter) ?? ""]));

/* Whether a comparison passes; made once for all of them, so that each is quick. */
function matcher({ show, family, phase, against, case: caseName, q }) {
  const usual = page.facts.versions ? "differences" : "changed"; /* of two versions, explained or not */
  const passes = PASSES[show || usual] ?? ((comparison) => comparison.verdict === show);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean).map(wordMatcher);
  return (comparison) => passes(comparison) &&
    (!family || findColumn(comparison.observed).family === family) &&
    (!caseName || comparison.case === caseName) &&
    (!phase || comparison.phase === phase) &&
    (!against || comparison.against === against) &&
    words.every((word) => word(comparison));
}

/* Every name and sentence is searched once, however many comparisons share it. */
function wordMatcher(word) {
  const known = new Map();
  const holds = (text) => {
    if (!known.has(text)) known.set(text, text.toLowerCase().includes(word));
    return known.get(text);
  };
  const heard = page.facts.findings.map((finding) => holds(finding.sentence));
  return (c) => holds(c.case) || holds(c.variant) || holds(c.observed) || holds(c.baseline) ||
    holds(c.problem) || c.findings.some((place) => heard[place] &&
      (!isDifference(c) || isDifference(page.facts.findings[place])));
}

/** The rows and columns that have a match, with the matches by column. */
export function selection(filters) {
  const passes = matcher(filters);
  const shown = new Set();
  const found = [];
  for (const row of rows) {
    const matches = [];
    for (const column of columns) {
      const passing = row.cells[column.place]?.filter(passes) ?? [];
      if (!passing.length) continue;
      matches[column.place] = passing;
      shown.add(column.family);
    }
    const all = matches.flat();
    if (all.length) {
      found.push({ row, matches, all: all.length, worst: severity(worstOf(all)),
        open: all.filter(isOpen).length, differing: all.filter(isDifference).length });
    }
  }
  const order = { worst: (a, b) => b.worst - a.worst,
    count: (a, b) => b.open - a.open || b.differing - a.differing }[filters.sort];
  return { rows: order ? found.sort(order) : found, count: found.reduce((n, one) => n + one.all, 0),
    columns: columns.filter((column) => shown.has(column.family)) };
}

function Filters({ filters }) {
  const plain = (values) => values.map((value) => [value, value]);
  const options = {
    show: [["", "what changed"], !page.facts.versions && ["differences", "what changed, and what is waived"],
    ["all", "everything"], ...Object.entries(page.symbols).map(([verdict, symbol]) =>
        [verdict, `${symbol} ${verdict}`])].filter(Boolean),
    family: [["", "all"], ...plain(families())],
    case: [["", "all"], ...plain(page.facts.cases.map((found) => found.name))],
    phase: [["", "any"],
      ...plain([...new Set(page.facts.comparisons.map((c) => c.phase).filter(Boolean))])],
    against: [["", "anything"], ...plain(kindsOf())],
    sort: [["", "by name"], ["worst", "by worst verdict"], ["count", "by number of differences"]],
  };
  const labels = { family: "framework", sort: "sort rows" };
  const set = (name, how) => (value) => change({ [name]: value }, { anchor: "matrix", ...how });
  return html`<form id="filters" class="controls" role="search" aria-label="Filters of the matrix"
    onSubmit=${(event) => event.preventDefault()}><label class="field"><span>search</span>
    <input type="search" name="q" placeholder="name or sentence" value=${filters.q}
      onInput=${(event) => set("q", { replace: true })(event.target.value)} /></label>
    ${Object.entries(options).map(([name, values]) => html`<${Select} label=${labels[name] ?? name}
      name=${name} value=${filters[name]} options=${values} onChange=${set(name)} />`)}</form>`;
}

/* What is always so of a cell, worked out once: thousands of cells are drawn at every key press. */
function told(row, column) {
  const found = row.cells[column.place];
  row.told ??= [];
  return row.told[column.place] ??= (() => {
    const { shown, beside } = shownOf(found);
    const edge = isEdge(row, column);
    const words = found.map((one) => `${one.verdict}${one.waived ? ", waived" : ""} against ${one.against}`);
    return { symbol: symbolOf(shown), words: words.join("; ") + (edge ? "; a new group begins" : ""),
      link: `${row.link}&${column.query}&against=`,
      state: `v-${shown.verdict}${shown.waived ? " waived" : ""}${edge ? " edge" : ""}`,
      beside: beside && { symbol: symbolOf(beside), class: `r-${beside.verdict}${beside.waived ? " w" : ""}` } };
  })();
}

/** A cell's link; h() is called directly, since there are thousands. */
export function cellLink(row, column, matches, extra, ...more) {
  const { link, words, symbol, beside } = told(row, column);
  return h("a", { href: link + worstOf(matches).against, "aria-label": words, class: beside?.class,
    "data-beside": beside?.symbol, ...extra }, symbol, ...more);
}

export const cellClass = (row, column) => told(row, column).state;

function cell(row, column, matches) {
  const found = row.cells[column.place];
  if (!found) {
    return h("td", { key: column.name, role: "gridcell", class: `none${isEdge(row, column) ? " edge" : ""}` }, "·");
  }
  return h("td", { key: column.name, role: "gridcell", class: told(row, column).state + (matches ? "" : " off") },
    cellLink(row, column, matches ?? found, UNREACHED));
}

/* Rows and cells lay themselves out, and only while they are in view (matrix.css), so that thousands
   open at once; what makes this a table is said by roles. */
function Head({ shown }) {
  const spans = families().map((family) => [family, shown.filter((one) => one.family === family)])
    .filter(([, mine]) => mine.length);
  const corner = html`<td role="gridcell" class="corner"></td>`;
  return html`<thead role="rowgroup"><tr role="row">${corner}${spans.map(([family, mine]) =>
    html`<th role="columnheader" class="family${short(family).length > CHARACTERS * mine.length
      ? " tight" : ""}" aria-colspan=${mine.length} style="--span: ${mine.length}"><span>${
      short(family)}</span></th>`)}</tr><tr role="row">${corner}${shown.map((column, place) =>
    html`<th role="columnheader" class="version${column.family === shown[place - 1]?.family ? ""
      : " start"}" title=${short(column.name)}><span>${short(column.version || column.name, 24)}
      </span></th>`)}</tr></thead>`;
}

function Row({ entry: { row, matches, open }, shown, isGrouped }) {
  return h("tr", { role: "row" }, html`<th role="rowheader"><a href=${row.link} tabindex="-1">${
    !isGrouped && html`<span class="quiet">${short(row.case)} </span>`}${short(row.title)}</a>${
    open > 0 && html`<span class="count" title="not waived">${open}</span>`}</th>`,
  shown.map((column) => cell(row, column, matches[column.place])));
}

const summaryOf = (name) => page.facts.cases.find((found) => found.name === name)?.summary ?? "";

/* Cases are sections while rows stand by name; otherwise every row names its case. All are one list
   with keys: what stays under another filter stays the same elements. */
const withCases = (found, Title, Entry, more) => found.flatMap((entry, place) => [
  more.isGrouped && entry.row.case !== found[place - 1]?.row.case &&
    h(Title, { key: entry.row.case, name: entry.row.case }),
  h(Entry, { key: entry.row.link, entry, ...more })]);

const CaseRow = ({ name }) => html`<tr role="row" class="case"><th role="rowheader"><span>${short(name)}
  <span class="quiet"> ${short(summaryOf(name), 160)}</span></span></th></tr>`;

function Grid({ found, shown = found.columns, isGrouped, id = null }) {
  const table = useRef(null);
  useLayoutEffect(() => { if (id) resetGrid(table.current); });
  return html`<table id=${id} ref=${table} class="matrix" role="grid" aria-label="Verdicts by variant and version"
    style="--columns: ${shown.length}" onKeyDown=${id && gridKey} onPointerOver=${gridTitle} onFocusIn=${gridTitle}>
    <${Head} shown=${shown} /><tbody role="rowgroup">${
  withCases(found.rows, CaseRow, Row, { shown, isGrouped })}</tbody></table>`;
}

/* Consecutive versions with one verdict, as what fits a telephone: "D 2.4.1 to 2.6.0". */
function runs(row, matches) {
  const found = [];
  for (const column of columns) {
    const cells = matches[column.place];
    if (!cells) continue;
    const symbol = symbolOf(worstOf(cells));
    const last = found.at(-1);
    if (last?.symbol === symbol && last.family === column.family &&
      last.end.place === column.place - 1) last.end = column;
    else found.push({ symbol, family: column.family, start: column, end: column, cells });
  }
  return found;
}

const Runs = ({ entry: { row, matches } }) => html`<li><a href=${row.link}>${short(row.title)}</a>
  <p class="runs">${runs(row, matches).map(({ symbol, family, start, end, cells }) =>
    html`<a class="badge ${cellClass(row, start)}" href="${row.link}&${
      start.query}&against=${worstOf(cells).against}"><b>${symbol}</b>${
      family} ${short(start.version, 16)}${end !== start && ` to ${short(end.version, 16)}`}</a>`)}</p></li>`;

const CaseItem = ({ name }) => html`<li class="case"><b>${short(name)}</b>
  <span class="quiet"> ${short(summaryOf(name), 160)}</span></li>`;

function Status({ found, filters }) {
  const total = page.facts.comparisons.length;
  const isNarrowed = FILTERS.some((filter) => filters[filter] && filter !== "sort");
  const all = html`<a href="#matrix?show=all">show everything</a>`;
  return html`<p id="matrix-status" class="status" role="status">${found.rows.length
    ? html`${plural(found.count, "comparison")} of ${total.toLocaleString("en")} ${found.count === 1
      ? "matches" : "match"}, in ${plural(found.rows.length, "variant")}. ${filters.show !== "all" && all}`
    : html`${isNarrowed ? "Nothing matches these filters."
      : `No ${page.facts.versions ? "" : "open "}difference in ${plural(total, "comparison")}.`} ${all}`}${isNarrowed &&
    html` · <a href="#matrix">clear the filters</a>`}</p>`;
}

/* On paper a table for each framework, a large one in equal parts. */
function sheets(found) {
  return families().flatMap((family) => {
    const own = found.columns.filter((column) => column.family === family);
    const size = Math.ceil(own.length / Math.ceil(own.length / SHEET_COLUMNS)) || 1;
    return Array.from({ length: Math.ceil(own.length / size) }, (_, place) =>
      own.slice(place * size, (place + 1) * size));
  });
}

const Legend = () => html`<${Fold} name="legend-fold" open=${!look.narrow} summary="How to read it"><ul class="legend">
  ${Object.entries(page.symbols).map(([verdict, symbol]) => html`<li><span class="sample v-${verdict}">${
    symbol}</span> ${verdict}<span class="quiet">, ${page.meanings[verdict]}</span></li>`)}
  <li><span class="sample v-drift waived">(D)</span> in brackets<span class="quiet">, a waiver covers it</span></li>
  <li><span class="sample v-drift r-regression" data-beside="R">D</span> large<span class="quiet">, the worst
    against its own baseline, the previous version or a named one;</span> small<span class="quiet">, against the
    reference</span></li>
  <li><span class="sample edge">=</span> line at the left<span class="quiet">, this version begins a new group of
    the timeline</span></li><li><span class="sample none">·</span> no comparison</li></ul>
  <p class="note">A cell leads to its detail. Arrow keys move, Enter opens, Escape returns.</p><//>`;

export function Matrix({ route }) {
  const filters = filtersOf(route.params);
  const found = selection(filters);
  const isGrouped = !filters.sort;
  return html`<section id="matrix"><h2>Matrix</h2><${Filters} filters=${filters} />
    <${Status} found=${found} filters=${filters} />
    ${!found.rows.length ? null : look.narrow
    ? html`<ol class="variants">${withCases(found.rows, CaseItem, Runs, { isGrouped })}</ol>`
    : html`<div class="scroll sheet" id="sheet"><${Grid} id="cells" found=${found} isGrouped=${isGrouped} /></div>`}
    <div id="paper-sheets">${look.paper && found.rows.length > 0 && sheets(found).map((shown) =>
    html`<${Grid} found=${found} shown=${shown} isGrouped=${isGrouped} />`)}</div><${Legend} /></section>`;
}
