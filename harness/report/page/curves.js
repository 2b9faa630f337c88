/* The curves of one variant, with the allowance, and beneath them the signed difference on an axis
   that is linear near 0 and logarithmic beyond; which lines, in which role, name and colour. */

import { Chart } from "./chart.js";
import { html } from "./html.js";
import { families, familyOf, page } from "./model.js";
import { num } from "./packed.js";
import { short } from "./text.js";

/* Below this a difference is drawn to scale, above it logarithmically: about one ulp. */
const LINEAR_BELOW = { float64: 1e-16, float32: 1e-8 };
const UNBOUNDED = 1e3; /* stands for an allowance without limit */
export const QUANTITIES = { loss: "loss", gradient_norm: "gradient norm", update_norm: "update norm" };
export const MODES = [["selected", "this comparison"], ["newest", "newest of every framework"],
  ["all", "every distinct curve"]];
const ROLES = { reference: 0, other: 1, base: 2, observed: 3 }; /* the last is drawn on top */
const HUES = [217, 18, 168, 285, 330, 85, 45, 195]; /* one for each family, in their order */

/** The difference as checks measure it, with its sign; gaps where one is not finite. */
export const differences = (curve, base) => Array.from(curve, (value, step) => {
  const difference = (value - base[step]) / Math.max(1, Math.abs(base[step]));
  return Number.isFinite(difference) ? difference : null;
});

/* The line of an environment; where it is measured now and stored, the role decides. */
function lineOf(chart, env, roles) {
  const places = roles.map((role) => chart.lines.findIndex((line) => line.members.some((member) =>
    member.environment === env && member.role === role)));
  return places.find((place) => place >= 0) ?? -1;
}

export const observedLine = (chart, env) => lineOf(chart, env, ["observed", "baseline", "reference"]);
export const referenceLine = (chart) => chart.lines.findIndex((line) =>
  line.members.some((member) => member.role === "reference"));

/** What it is compared with: of the environment's own baseline, the stored side. */
export function baseLine(chart, { env, against, baseline }) {
  if (against === "reference") return referenceLine(chart);
  return lineOf(chart, baseline, baseline === env
    ? ["baseline", "observed"] : ["observed", "baseline", "reference"]);
}

/** The newest environment of every family that the chart has; one that was compared, if any. */
export function newest(chart) {
  const measured = new Set(chart.lines.flatMap((line) => line.members)
    .map((member) => member.environment).filter((env) => env !== "reference"));
  const found = new Map();
  for (const { name } of [...page.facts.others, ...page.facts.environments]) {
    if (measured.has(name)) found.set(familyOf(name), name);
  }
  return [...found.values()];
}

/** The lines of a mode: { index, role, names }, equal bits together. */
export function pickLines(chart, subject, mode) {
  const picked = new Map();
  const pick = (index, role, named) => {
    if (index < 0) return;
    const line = picked.get(index) ?? { index, role, names: [] };
    if (ROLES[role] > ROLES[line.role]) line.role = role;
    if (!line.names.includes(named)) line.names.push(named);
    picked.set(index, line);
  };
  pick(referenceLine(chart), "reference", "reference");
  if (mode === "newest") {
    for (const env of newest(chart)) pick(observedLine(chart, env), "other", env);
  } else if (mode === "all") {
    chart.lines.forEach((line, index) => line.members.forEach(({ environment, role }) =>
      pick(index, environment === "reference" ? "reference" : "other",
        role === "baseline" ? `${environment} (baseline)` : environment)));
  } else {
    pick(baseLine(chart, subject), "base", subject.baseline === subject.env
      ? `${subject.baseline} (its baseline)` : subject.baseline);
    pick(observedLine(chart, subject.env), "observed", subject.env);
  }
  return [...picked.values()].sort((a, b) => ROLES[a.role] - ROLES[b.role]);
}

/* Names in the order of what is being looked at; beyond three they are counted. */
function labelOf(names, nonfinite) {
  const ordered = [...names].reverse().map((name) => short(name, 60));
  const text = ordered.length > 3 ? `${ordered[0]} = ${ordered.length - 1} more` : ordered.join(" = ");
  return nonfinite === null ? text : `${text}, not finite at step ${nonfinite}`;
}

/* One hue for every family, the same in all charts, and one shade for each line in it. */
function hue(family, place) {
  const start = HUES[Math.max(0, families().indexOf(family)) % HUES.length];
  const turn = [0, 14, -10, 22, -16][place % 5];
  return ({ dark }) => `hsl(${start + 9 * place}, ${dark ? 80 : 70}%, ${dark ? 68 + turn / 2 : 38 + turn}%)`;
}

function styleOf(line, used) {
  if (line.role === "reference") return { color: (theme) => theme.quiet, width: 4, dash: [2, 4] };
  if (line.role === "base") return { color: (theme) => theme.base, width: 3.5, dash: [9, 5] };
  if (line.role === "observed") return { color: (theme) => theme.observed, width: 1.8 };
  const env = line.names.find((name) => name !== "reference") ?? "reference";
  const family = familyOf(env.replace(/ \(baseline\)$/, ""));
  used[family] = (used[family] ?? -1) + 1;
  return { color: hue(family, used[family]), width: 1.7 };
}

/* view: { chart, precision, quantity, axis, picked, base: index or -1, baseName, mark: step or null } */
function curveFigures({ chart, precision, quantity, axis, picked, base, baseName, mark }) {
  const values = (index) => chart.lines[index][quantity];
  const visible = (value) => Number.isFinite(value) && (axis !== "log" || value > 0) ? value : null;
  const against = base >= 0 ? values(base) : null;
  const allowed = against && quantity === "loss" && chart.allowance
    ? Array.from(chart.allowance, (value) => Math.min(value, UNBOUNDED)) : null;
  const used = {};
  const lines = picked.filter((line) => values(line.index)).map((line) => ({ index: line.index,
    name: labelOf(line.names, chart.lines[line.index].nonfinite_step), ...styleOf(line, used),
    values: Array.from(values(line.index), visible), raw: values(line.index) }));
  const x = Array.from({ length: Math.max(1, ...lines.map((line) => line.values.length)) }, (_, n) => n);
  const edge = (sign) => Array.from(against ?? [], (value, step) =>
    visible(value + sign * (allowed?.[step] ?? 0) * Math.max(1, Math.abs(value))));
  const common = { x, shade: chart.chaotic_from, marks: mark === null ? [] : [mark] };
  const curves = { ...common, label: QUANTITIES[quantity], height: 300, y: { kind: axis }, lines,
    band: allowed && { lower: edge(-1), upper: edge(1), wide: true } };
  if (!against) return [{ ...curves, xLabel: "step" }];
  const unit = LINEAR_BELOW[precision];
  const off = lines.filter((line) => line.index !== base)
    .map((line) => ({ ...line, values: differences(line.raw, against) }));
  const limit = 2 * Math.max(10 * unit, ...allowed ?? [],
    ...off.flatMap((line) => line.values.map((value) => Math.abs(value ?? 0))));
  return [curves, { ...common, label: `off ${baseName}`, height: 240, xLabel: "step", digits: 4,
    lines: off, y: { kind: "asinh", unit, limit },
    band: allowed && { lower: allowed.map((value) => -value), upper: allowed } }];
}

/** Curves and differences, with what is marked in words below. */
export function Curves({ id, view }) {
  const { chart, mark } = view;
  return html`<div class="curves"><${Chart} id=${id} label="Curves by step" figures=${() => curveFigures(view)} />
    <p class="note">${mark !== null && `Dotted: first differing step: ${mark}. `}${
    chart.chaotic_from !== null && `Grey: chaotic from step ${chart.chaotic_from}: not judged. `}${
    chart.allowance && view.quantity === "loss" && "Green: what is allowed. "}Drag to zoom, double click to
    reset.</p></div>`;
}

/** What a user watches while training: precision, recall and the like, by step. */
export function Metrics({ id, chart, picked }) {
  const names = [...new Set(chart.lines.flatMap((line) => Object.keys(line.metrics ?? {})))]
    .filter((metric) => metric !== "step");
  if (!names.length) return null;
  const figures = (metric) => {
    const used = {};
    const measured = picked.map((line) => ({ line, own: chart.lines[line.index].metrics }))
      .filter(({ own }) => own?.[metric]);
    const x = [...new Set(measured.flatMap(({ own }) => own.step))].sort((a, b) => a - b);
    return [{ title: short(metric, 60), height: 190, x, xLabel: "step", digits: 4, y: { kind: "linear",
      range: (_, low, high) => [Math.min(0, low ?? 0), high === null || high === low ? 1 : high * 1.05] },
    lines: measured.map(({ line, own }) => ({ name: labelOf(line.names, null), points: true,
      ...styleOf(line, used), values: x.map((step) => {
        const value = num(own[metric][own.step.indexOf(step)]);
        return Number.isFinite(value) ? value : null;
      }) })) }];
  };
  return html`<section class="panel"><h3>Metrics</h3><div class="smalls">${names.map((metric) =>
    html`<${Chart} key=${metric} id="${id} ${metric}" label=${metric} small=${true}
      figures=${() => figures(metric)} />`)}</div></section>`;
}
