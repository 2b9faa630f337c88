/* The comparisons as cells: a row for every case and variant, a column for every version. */

import { detailAddress } from "./address.js";

const KINDS = ["baseline", "previous", "next", "named", "reference"];
const key = (...parts) => parts.join("\u0000");

/* What the page carries, filled once by index(). */
export const page = { facts: null, symbols: {}, meanings: {}, sides: {}, begins: {} };
export const columns = [];
export const rows = [];
const columnOf = new Map();
const rowOf = new Map();
const rank = {};

/** Called once with what the page carries. */
export function index(unpacked) {
  Object.assign(page, unpacked);
  const { facts } = page;
  Object.keys(page.symbols).forEach((verdict, place) => { rank[verdict] = place; });
  facts.environments.forEach(addColumn);
  for (const found of facts.cases) for (const { name } of found.variants) addRow(found.name, name);
  facts.comparisons.forEach(add);
  for (const line of facts.timeline.flatMap((family) => family.lines)) {
    for (const group of line.groups.slice(1)) {
      findRow(line.case, line.variant)?.edges.add(group.versions[0]);
    }
  }
}

function addColumn(environment) {
  const column = { ...environment, place: columns.length,
    query: String(new URLSearchParams({ env: environment.name })) };
  columns.push(column);
  columnOf.set(column.name, column);
  return column;
}

function addRow(caseName, variant) {
  const row = { case: caseName, variant, cells: [], edges: new Set(), link: detailAddress(caseName, variant),
    title: variant === "*" ? "the whole case" : variant };
  rows.push(row);
  rowOf.set(key(caseName, variant), row);
  return row;
}

/* A comparison of something unlisted gets a row or column of its own: nothing is lost. */
function add(comparison) {
  const { case: caseName, variant, observed } = comparison;
  comparison.phase = tellingOf(comparison)?.phase ?? null;
  const row = findRow(caseName, variant) ?? addRow(caseName, variant);
  const column = columnOf.get(observed) ?? addColumn({ name: observed, family: "other",
    version: observed, cases: [], baselines: [], packages: null });
  (row.cells[column.place] ??= []).push(comparison);
}

export const findRow = (caseName, variant) => rowOf.get(key(caseName, variant));
export const findColumn = (env) => columnOf.get(env);
export const finding = (place) => place === null ? null : page.facts.findings[place];

/** The finding to show first: what names the phase, else the worst. */
export const tellingOf = (comparison) => finding(comparison.cause ?? comparison.worst);

export const isDifference = ({ verdict }) => rank[verdict] >= rank.drift;
export const isOpen = (comparison) => isDifference(comparison) && !comparison.waived;

/** What no waiver covers is worse than anything that one does. */
export const severity = (found) =>
  (isOpen(found) ? 20 : isDifference(found) ? 10 : 0) + rank[found.verdict];
export const worstOf = (found) => found.reduce((worst, comparison) =>
  worst && severity(worst) >= severity(comparison) ? worst : comparison, null);

/** The comparisons of a case and variant in one environment. */
export const cellOf = (caseName, variant, env) =>
  findRow(caseName, variant)?.cells[columnOf.get(env)?.place] ?? [];

/** With itself, the one before, or the reference: in words. */
export const sideOf = ({ against, baseline }) => page.sides[against].replace("{}", () => baseline);

/** What a cell shows: the worst of its comparisons, and the reference's beside it. */
export function shownOf(found) {
  const reference = found.find((comparison) => comparison.against === "reference");
  const main = worstOf(found.filter((comparison) => comparison !== reference));
  return { shown: main ?? reference, beside: main && reference };
}

export const symbolOf = ({ verdict, waived }) =>
  waived ? `(${page.symbols[verdict]})` : page.symbols[verdict];
export const isEdge = (row, column) => row.edges.has(column.name);
export const kindsOf = () => KINDS.filter((kind) =>
  page.facts.comparisons.some((c) => c.against === kind));
export const environmentOf = (env) =>
  columnOf.get(env) ?? page.facts.others.find((other) => other.name === env);
export const familyOf = (env) => environmentOf(env)?.family ?? env.split("-")[0];
export const families = () => [...new Set(columns.map((column) => column.family))];

/** The family that a view opens with: of what differs, else of what was measured. */
export function firstFamily() {
  const frameworks = columns.filter((column) => column.family !== "reference");
  const measured = frameworks.find((column) => column.source === "run") ?? frameworks[0];
  return familyOf(page.facts.causes[0]?.environment ?? measured?.name ?? "");
}
