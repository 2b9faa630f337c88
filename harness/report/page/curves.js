/* Which lines of a chart are shown, in which role, name and colour. */

const MODES = [["selected", "this comparison"], ["newest", "newest of every framework"],
  ["all", "every distinct curve"]];
const ROLES = { reference: 0, other: 1, base: 2, observed: 3 }; /* the last is drawn on top */

/* The line of an environment; where it is measured now and stored, the role decides. */
function lineOf(chart, env, roles) {
  for (const role of roles) {
    const found = chart.lines.findIndex((line) => line.members.some((member) =>
      member.environment === env && member.role === role));
    if (found >= 0) return found;
  }
  return -1;
}

const observedLine = (chart, env) => lineOf(chart, env, ["observed", "baseline", "reference"]);
const referenceLine = (chart) =>
  chart.lines.findIndex((line) => line.members.some((member) => member.role === "reference"));

/* What it is compared with: of the environment's own baseline, the stored side. */
function baseLine(chart, { env, against, baseline }) {
  if (against === "reference") return referenceLine(chart);
  return lineOf(chart, baseline, baseline === env
    ? ["baseline", "observed"] : ["observed", "baseline", "reference"]);
}

const familyOf = (env) => columnOf.get(env)?.family ??
  facts.others.find((other) => other.name === env)?.family ?? env.split("-")[0];

/* The newest environment of every family that the chart has; one that was compared, if any. */
function newest(chart) {
  const measured = new Set(chart.lines.flatMap((line) => line.members)
    .map((member) => member.environment).filter((env) => env !== "reference"));
  const order = [...facts.others, ...facts.environments].map((environment) => environment.name);
  const found = new Map();
  for (const env of order.filter((name) => measured.has(name))) found.set(familyOf(env), env);
  return [...found.values()];
}

/* The lines of a mode: { index, role, names }, equal bits together. */
function pickLines(chart, subject, mode) {
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
    for (const [index, line] of chart.lines.entries()) {
      for (const member of line.members) {
        pick(index, index === referenceLine(chart) && member.environment === "reference"
          ? "reference" : "other", nameOf(member));
      }
    }
  } else {
    const own = subject.baseline === subject.env;
    pick(baseLine(chart, subject), "base",
      own ? `${subject.baseline} (its baseline)` : subject.baseline);
    pick(observedLine(chart, subject.env), "observed", subject.env);
  }
  return [...picked.values()].sort((a, b) => ROLES[a.role] - ROLES[b.role]);
}

const nameOf = ({ environment, role }) =>
  role === "baseline" ? `${environment} (baseline)` : environment;

/* Names in the order of what is being looked at; beyond three they are counted. */
function labelOf(names, nonfinite) {
  const ordered = [...names].reverse().map(plain);
  const text = ordered.length > 3 ? `${ordered[0]} = ${ordered.length - 1} more`
    : ordered.join(" = ");
  return nonfinite === null ? text : `${text}, not finite at step ${nonfinite}`;
}

function styleOf(line, used, theme) {
  if (line.role === "reference") return { color: theme.quiet, width: 4, dash: "2px,4px" };
  if (line.role === "base") return { color: theme.base, width: 3.5, dash: "9px,5px" };
  if (line.role === "observed") return { color: theme.observed, width: 1.8 };
  const env = line.names.find((name) => name !== "reference") ?? "reference";
  const family = familyOf(env.replace(/ \(baseline\)$/, ""));
  used[family] = (used[family] ?? -1) + 1;
  return { color: hue(family, used[family], theme.dark), width: 1.7 };
}
