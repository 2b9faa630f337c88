/* What was found, in words and numbers: the headline, the tables, and what to type next. */

/* The finding to show first: what names the phase, else the worst. */
function tellingOf(comparison) {
  const place = comparison.cause ?? comparison.worst;
  return place === null ? null : facts.findings[place];
}

/* One sentence with its numbers; a comparison without a difference says so. */
function headline(comparison) {
  const finding = tellingOf(comparison);
  if (comparison.problem) return h("p.headline", {}, longText(comparison.problem));
  if (!finding) {
    const most = comparison.findings.map((place) => facts.findings[place])
      .filter((found) => found.deviation !== null)
      .sort((a, b) => num(b.deviation) - num(a.deviation))[0];
    return h("p.headline", {}, comparison.verdict === "identical"
      ? "The same, to the bit or to 1e-12." : "The same within what rounding alone can do.",
    most ? [" Largest deviation ", data(most.deviation), ", allowed ", data(most.allowance), "."]
      : null);
  }
  return h("p.headline", {}, longText(finding.sentence));
}

/* Where, and how large: the numbers of the headline as a short list. */
function figuresOf(comparison) {
  const finding = tellingOf(comparison);
  if (!finding) return null;
  const place = finding.checkpoint ?? (finding.step === null ? null : `step ${finding.step}`);
  const over = num(finding.deviation) / num(finding.allowance);
  const entries = [["phase", finding.phase], ["first seen at", place], ["tensor", finding.tensor],
    ["precision", finding.precision], ["deviation", data(finding.deviation)],
    ["allowed", data(finding.allowance)],
    ["that is", over > 1 ? `${fmt(over)} × the allowance` : null]];
  return h("dl.figures", {}, entries.filter(([, value]) => value).map(([term, value]) =>
    h("div", {}, h("dt", {}, term),
      h("dd", {}, typeof value === "string" ? named(value) : value))));
}

const HEADINGS = ["verdict", "against", "finding", "step", "phase", "tensor", "deviation",
  "allowance"];

function findingRow(comparison, finding) {
  const waived = finding.waiver !== null;
  const where = finding.checkpoint ?? finding.step;
  return h("tr", {},
    h("td", {}, badge(finding.verdict, waived)),
    h("td", {}, named(sideOf(comparison))),
    h("td.sentence", {}, longText(finding.sentence),
      h("div.quiet", {}, [finding.check, finding.precision].filter(Boolean).join(", "))),
    h("td.n", {}, typeof where === "number" ? data(where) : where ? named(where) : null),
    h("td", {}, finding.phase ? named(finding.phase) : null),
    h("td", {}, finding.tensor ? named(finding.tensor) : null),
    h("td.n", {}, data(finding.deviation)), h("td.n", {}, data(finding.allowance)));
}

function waiverNote(waiver) {
  return h("div.waiver", {}, h("b", {}, "Waived"), " up to ", data(waiver.at_most), ": ",
    longText(waiver.reason),
    waiver.upstream ? [" (", longText(waiver.upstream), ")"] : null,
    waiver.from_version ? [", from ", named(waiver.from_version)] : null);
}

function findingTable(entries, label) {
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": label },
    h("table.findings", {},
      h("thead", {}, h("tr", {}, HEADINGS.map((heading, place) =>
        h(place === 3 || place > 5 ? "th.n" : "th", { scope: "col" }, heading)))),
      h("tbody", {}, entries.map(([comparison, finding]) => findingRow(comparison, finding)))));
}

/* Of the comparison that was chosen; the environment's others are folded. */
function findingPanel({ comparison, beside }) {
  const others = beside.filter((other) => other !== comparison);
  return h("section.panel", {}, h("h3", {}, "Findings"), findingGroup([comparison]),
    others.length ? h("details.fold", {}, h("summary", {}, `against ${
      others.map(sideOf).map((side) => short(side, 40)).join(" and ")}`), findingGroup(others))
      : null);
}

/* Differences first, what is waived last; what agrees is folded. */
function findingGroup(comparisons) {
  const all = comparisons.flatMap((comparison) =>
    comparison.findings.map((place) => [comparison, facts.findings[place]]));
  const weight = ([, finding]) => (finding.waiver === null ? 10 : 0) + rank[finding.verdict];
  const notable = all.filter(([, finding]) => rank[finding.verdict] >= rank.drift)
    .sort((a, b) => weight(b) - weight(a));
  const agreeing = all.filter(([, finding]) => rank[finding.verdict] < rank.drift);
  const problems = comparisons.filter((comparison) => comparison.problem);
  const waivers = [...new Set(notable.map(([, finding]) => finding.waiver))]
    .filter((place) => place !== null);
  return [
    problems.map((comparison) => h("div.problem", {}, badge(comparison.verdict), " against ",
      named(sideOf(comparison)), h("pre", {}, longText(comparison.problem)))),
    notable.length ? findingTable(notable, "Differences")
      : problems.length ? null : h("p", {}, "No check found a difference."),
    agreeing.length ? h("details.fold", { open: !notable.length && !problems.length },
      h("summary", {}, `${agreeing.length} ${agreeing.length === 1 ? "check agrees"
        : "checks agree"}`), findingTable(agreeing, "Agreements")) : null,
    waivers.map((place) => waiverNote(facts.waivers[place]))];
}

/* What differs in what was installed; the own baseline's packages if the facts know them. */
function packagePanel({ env, baseline, against, case: caseName }) {
  if (against === "reference") return null;
  const listOf = (name, stored) => {
    const found = [...columns, ...facts.others].find((environment) => environment.name === name);
    const kept = found?.baselines?.find((entry) => entry.case === caseName)?.packages;
    const place = stored ? kept : found?.packages;
    return place === null || place === undefined ? null : facts.packages[place];
  };
  const [observed, before] = [listOf(env, false), listOf(baseline, baseline === env)];
  const head = h("h3", {}, "Packages that differ");
  if (!observed || !before) {
    return h("section.panel", {}, head,
      h("p.quiet", {}, "The record of one side does not say what was installed."));
  }
  const all = [...new Set([...Object.keys(before), ...Object.keys(observed)])].sort();
  const changed = all.filter((entry) => before[entry] !== observed[entry]);
  const rest = `${all.length - changed.length} of ${all.length} packages are the same.`;
  if (!changed.length) return h("section.panel", {}, head, h("p", {}, "None: ", rest));
  const cell = (value) => h("td", {}, value === undefined ? h("span.quiet", {}, "not installed")
    : named(value));
  return h("section.panel", {}, head, h("div.scroll", { tabindex: 0, role: "region",
    "aria-label": "Packages that differ" }, h("table.packages", {},
    h("thead", {}, h("tr", {}, ["package", short(baseline === env ? "its baseline" : baseline),
      short(env)].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, changed.map((entry) => h("tr", {}, h("th", { scope: "row" }, named(entry)),
      cell(before[entry]), cell(observed[entry])))))), h("p.note", {}, rest));
}

function commandsOf({ env, case: caseName, variant, against, baseline }) {
  const environment = columnOf.get(env);
  const only = variant === "*" ? "" : ` --variant ${quoted(variant)}`;
  const other = against === "named" || against === "next" ? ` --against ${quoted(baseline)}` : "";
  return [
    ["measure again", environment?.pinned ? `tox run -e ${quoted(env)} -- ${quoted(caseName)}`
      : null],
    ["compare again", `harness compare ${quoted(env)}${other} --case ${quoted(caseName)}${only}`],
    ["accept as right", environment?.source === "run" && against === "baseline"
      ? `harness accept ${quoted(env)} ${quoted(caseName)} --reason "…"` : null],
  ].filter(([, text]) => text);
}

function commandPanel(subject) {
  return h("section.panel", {}, h("h3", {}, "What to type"),
    h("dl.commands", {}, commandsOf(subject).map(([term, text]) =>
      [h("dt", {}, term), h("dd", {}, command(text))])));
}
