/* The comparisons as cells: a row for every case and variant, a column for every version. */

const KINDS = ["baseline", "previous", "next", "named", "reference"];
const key = (...parts) => parts.join("\u0000");

let page, facts, verdicts, rank, columns, rows, columnOf, rowOf, boundaries;

/* Called once with what the page carries. */
function index(unpacked) {
  page = unpacked;
  facts = page.facts;
  verdicts = Object.keys(page.symbols);
  rank = Object.fromEntries(verdicts.map((verdict, place) => [verdict, place]));
  columns = facts.environments.map((environment, place) => ({ ...environment, place }));
  columnOf = new Map(columns.map((column) => [column.name, column]));
  rows = facts.cases.flatMap((found) => found.variants.map((variant) =>
    rowFor(found.name, variant.name)));
  rowOf = new Map(rows.map((row) => [key(row.case, row.variant), row]));
  for (const [place, comparison] of facts.comparisons.entries()) add(comparison, place);
  boundaries = new Set(facts.timeline.flatMap((family) => family.lines).flatMap((line) =>
    line.groups.slice(1).map((group) => key(line.case, line.variant, group.versions[0]))));
}

const rowFor = (caseName, variant) => ({ case: caseName, variant, cells: [],
  title: variant === "*" ? "the whole case" : variant });

/* A comparison of something unlisted gets a row or column of its own: nothing is lost. */
function add(comparison, place) {
  const { case: caseName, variant, observed } = comparison;
  comparison.place = place;
  comparison.phase = phaseOf(comparison);
  let row = rowOf.get(key(caseName, variant));
  if (!row) {
    row = rowFor(caseName, variant);
    rows.push(row);
    rowOf.set(key(caseName, variant), row);
  }
  let column = columnOf.get(observed);
  if (!column) {
    column = { name: observed, family: "other", version: observed, place: columns.length,
      cases: [], baselines: [], packages: null };
    columns.push(column);
    columnOf.set(observed, column);
  }
  (row.cells[column.place] ??= []).push(comparison);
}

function phaseOf(comparison) {
  const cause = comparison.cause ?? comparison.worst;
  return cause === null ? null : facts.findings[cause].phase;
}

const differs = (comparison) => rank[comparison.verdict] >= rank.drift;
const isOpen = (comparison) => differs(comparison) && !comparison.waived;

/* What no waiver covers is worse than anything that one does. */
const severity = (comparison) => (isOpen(comparison) ? 20 : differs(comparison) ? 10 : 0) +
  rank[comparison.verdict];
const worstOf = (found) => found.reduce((worst, comparison) =>
  worst && severity(worst) >= severity(comparison) ? worst : comparison, null);

/* The comparisons of a case and variant in one environment. */
const cellOf = (caseName, variant, env) =>
  rowOf.get(key(caseName, variant))?.cells[columnOf.get(env)?.place] ?? [];

/* With itself, the one before, or the reference: in words. */
const sideOf = ({ against, baseline, observed }) =>
  against === "baseline" ? "its own baseline" : against === "reference" ? "the reference"
    : against === "previous" || against === "next" ? `the ${against} ${baseline}` : baseline;

/* What a cell shows: the worst of its comparisons, and the reference's beside it. */
function shownOf(found) {
  const reference = found.find((comparison) => comparison.against === "reference");
  const main = worstOf(found.filter((comparison) => comparison !== reference));
  return { shown: main ?? reference, beside: main && reference };
}

/* A cell's address in two parts, each made once: thousands of cells share them. */
const linkOf = (row) => row.link ??= esc(detailAddress(row.case, row.variant));
const linkEnd = (column) => column.link ??= esc(`&${new URLSearchParams({ env: column.name })}`);

const edgeOf = (row, column) =>
  boundaries.has(key(row.case, row.variant, column.name)) ? " edge" : "";

/* A cell's classes and its link in two pieces, between which more may stand: attributes after
   start, content after symbols. matches: those that are asked for, undefined if none is. */
function cellParts(row, column, found, matches) {
  const edge = edgeOf(row, column);
  const { shown, beside } = shownOf(found);
  const words = found.map((comparison) => `${comparison.verdict}${comparison.waived
    ? ", waived" : ""} against ${comparison.against}`).join("; ");
  const small = beside ? `<small class="r-${beside.verdict}${beside.waived ? " w" : ""}">` +
    `${symbolOf(beside.verdict, beside.waived)}</small>` : "";
  const link = `${linkOf(row)}${linkEnd(column)}&amp;against=${worstOf(matches ?? found).against}`;
  return {
    state: `v-${shown.verdict}${shown.waived ? " waived" : ""}${matches ? "" : " off"}${edge}`,
    start: `<a href="${link}" aria-label="${words}${edge ? "; a new group begins" : ""}"`,
    symbols: `${symbolOf(shown.verdict, shown.waived)}${small}` };
}

function cellHtml(row, column, matches) {
  const found = row.cells[column.place];
  if (!found?.length) return `<td role="gridcell" class="none${edgeOf(row, column)}">·</td>`;
  const { state, start, symbols } = cellParts(row, column, found, matches);
  return `<td role="gridcell" class="${state}">${start} tabindex="-1">${symbols}</a></td>`;
}
