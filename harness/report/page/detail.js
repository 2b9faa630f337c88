/* The detail of one case and variant: what was found, probes, curves, native runs, packages. */

import { address, change, detailAddress, leaveEntry, shown } from "./address.js";
import { baseLine, Curves, Metrics, MODES, observedLine, pickLines, QUANTITIES, referenceLine } from "./curves.js";
import { Envelope } from "./envelope.js";
import { gridTitle } from "./grid.js";
import { html } from "./html.js";
import { cellClass, cellLink } from "./matrix.js";
import { cellOf, columns, environmentOf, familyOf, findColumn, finding, findRow, isDifference, page, rows,
  severity, shownOf, sideOf, symbolOf, tellingOf, worstOf } from "./model.js";
import { Native } from "./native.js";
import { num } from "./packed.js";
import { judgedOf, Probes } from "./probes.js";
import { Badge, Choice, Commands, Fold, fmt, LongText, Name, Num, Panel, plural, quoted, RowSelect, Select, short,
  Table } from "./text.js";

/* Which comparison the address is about; what it leaves open is what is worst. */
function subjectOf(params) {
  const row = findRow(params.get("case") ?? "", params.get("variant") ?? "");
  if (!row) return null;
  const here = row.cells[findColumn(params.get("env"))?.place] ?? row.cells.flat();
  const comparison = here.find((c) => c.against === params.get("against")) ?? worstOf(here);
  return comparison && { case: row.case, variant: row.variant, env: comparison.observed,
    against: comparison.against, baseline: comparison.baseline, row, comparison,
    beside: cellOf(row.case, row.variant, comparison.observed) };
}

/* One sentence with its numbers; a comparison without a difference says so. */
function Headline({ comparison }) {
  const told = tellingOf(comparison);
  if (comparison.problem || told) {
    return html`<p class="headline"><${LongText} text=${comparison.problem || told.sentence} /></p>`;
  }
  const most = comparison.findings.map(finding).filter((found) => found.deviation !== null)
    .sort((a, b) => num(b.deviation) - num(a.deviation))[0];
  return html`<p class="headline">${comparison.verdict === "identical" ? "The same, to the bit or to 1e-12."
    : "The same within what rounding alone can do."}${most && html` Largest deviation <${Num}
    value=${most.deviation} />, allowed <${Num} value=${most.allowance} />.`}</p>`;
}

/* Where, and how large: the numbers of the headline as a short list. */
function Figures({ comparison }) {
  const told = tellingOf(comparison);
  if (!told) return null;
  const over = num(told.deviation) / num(told.allowance);
  const size = told.comes_right ? [["comes right", html`<${Num} value=${told.observed} /> off, was <${Num}
    value=${told.baseline} />`]] : [["deviation", told.deviation !== null && html`<${Num} value=${told.deviation} />`],
    ["that is", over > 1 && `${fmt(over)} × the allowance`]];
  const entries = [["phase", told.phase], ["first seen at", told.checkpoint ??
    (told.step === null ? null : `step ${told.step}`)], ["tensor", told.tensor], ["precision", told.precision],
  ...size, ["allowed", told.allowance !== null && html`<${Num} value=${told.allowance} />`]];
  return html`<dl class="figures${told.comes_right ? " right" : ""}">${entries.filter(([, value]) => value)
    .map(([term, value]) => html`<div><dt>${term}</dt><dd>${typeof value === "string"
      ? html`<${Name} text=${value} />` : value}</dd></div>`)}</dl>`;
}

/* The variant's row of the matrix, as the way to its other versions. */
function Versions({ subject, families, label }) {
  const cell = (column) => {
    const found = subject.row.cells[column.place];
    const isHere = column.name === subject.env;
    return html`<td class="${isHere ? "here " : ""}${cellClass(subject.row, column)}">${
      cellLink(subject.row, column, found, { "aria-current": isHere ? "true" : null },
        html`<span>${short(column.version, 14)}</span>`)}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="rowstrip"
    aria-label=${label} onPointerOver=${gridTitle}><tbody>${families.map((family) => html`<tr>
    <th scope="row">${short(family)}</th>${columns.filter((column) => column.family === family &&
      subject.row.cells[column.place]).map(cell)}</tr>`)}</tbody></table></div>`;
}

function Head({ subject }) {
  const { comparison, row } = subject;
  const go = (next) => {
    leaveEntry();
    location.hash = next;
  };
  const present = columns.filter((column) => row.cells[column.place]);
  const own = familyOf(subject.env);
  const others = [...new Set(present.map((column) => column.family))].filter((family) => family !== own);
  const variant = { case: subject.case, variant: subject.variant };
  return html`<header class="subject"><p class="crumbs"><a class="back" href=${shown.overview}>← Overview</a>
    <a href=${address("frameworks", variant)}>All frameworks</a>
    <a href=${address("timeline", { case: subject.case, q: subject.variant })}>Timeline</a></p>
    <h2 tabindex="-1"><${Name} text=${subject.case} /> <span class="variant">${row.title}</span></h2>
    <p class="versus"><${Badge} ...${comparison} /> <b><${Name} text=${subject.env} /></b> against <${Name}
      text=${sideOf(comparison)} /></p>
    <${Headline} comparison=${comparison} /><${Figures} comparison=${comparison} />
    <nav class="sides" aria-label="Compared with">${subject.beside.map((one) => html`<a
      href=${detailAddress(subject.case, subject.variant, subject.env, one.against)}
      aria-current=${one === comparison ? "true" : null}><${Badge} ...${one} /> against <${Name}
      text=${sideOf(one)} /></a>`)}</nav>
    <div class="controls chooser"><${RowSelect} row=${row} among=${rows}
      onChange=${(one) => go(detailAddress(one.case, one.variant, subject.env, subject.against))} />
    <${Select} label="environment" value=${subject.env} options=${present.map((column) => [column.name,
  `${symbolOf(shownOf(row.cells[column.place]).shown)}  ${column.name}`])}
      onChange=${(env) => go(detailAddress(subject.case, subject.variant, env, subject.against))} /></div>
    <${Versions} subject=${subject} families=${[own]} label="Versions" />
    ${others.length > 0 && html`<${Fold} summary="Other frameworks"><${Versions} subject=${subject}
      families=${others} label="Versions of other frameworks" /><//>`}</header>`;
}

/* The step at which a comparison's loss first leaves its allowance in a precision, or null. */
function firstStep({ findings }, precision) {
  const steps = findings.map(finding).filter((found) => isDifference(found) && found.step !== null &&
    found.check === `${precision}_trajectory`).map((found) => found.step);
  return steps.length ? Math.min(...steps) : null;
}

/* The precision of the finding that is shown, or one in which the loss differs. */
function firstPrecision({ comparison }, names) {
  const told = tellingOf(comparison)?.precision;
  return names.includes(told) ? told
    : names.find((name) => firstStep(comparison, name) !== null) ?? names[0];
}

function CurvePanels({ subject, charts, params, set }) {
  const precisions = Object.keys(charts);
  if (!precisions.length) return html`<p class="panel quiet">No curve was recorded.</p>`;
  const chosen = (name, options, fallback) => options.includes(params.get(name)) ? params.get(name) : fallback;
  const precision = chosen("precision", precisions, firstPrecision(subject, precisions));
  const chart = charts[precision];
  const quantities = Object.entries(QUANTITIES).filter(([name]) => chart.lines.some((line) => line[name]));
  const quantity = chosen("curve", quantities.map(([name]) => name), "loss");
  const axis = chosen("axis", ["log"], "linear");
  const mode = chosen("lines", MODES.map(([name]) => name), "selected");
  const picked = pickLines(chart, subject, mode).filter((line) => chart.lines[line.index][quantity]);
  const own = mode === "selected" ? baseLine(chart, subject) : -1;
  const view = { chart, precision, quantity, axis, picked, base: own >= 0 ? own : referenceLine(chart),
    baseName: own < 0 ? "reference" : subject.baseline === subject.env ? "baseline" : short(subject.baseline, 24),
    mark: quantity === "loss" ? firstStep(subject.comparison, precision) : null };
  const shared = picked.filter((line) => line.names.length > 1);
  const id = [subject.row.link, subject.env, subject.against, precision, quantity, axis, mode].join(" ");
  return html`<${Panel} title="Curves"><div class="controls">
    <${Choice} label="precision" name="precision" value=${precision} options=${precisions.map((one) => [one, one])}
      onChange=${set("precision")} />
    <${Choice} label="curve" name="curve" value=${quantity} options=${quantities} onChange=${set("curve")} />
    <${Choice} label="axis" name="axis" value=${axis} options=${[["linear", "linear"], ["log", "log"]]}
      onChange=${set("axis")} />
    <${Choice} label="lines" name="lines" value=${mode} options=${MODES} onChange=${set("lines")} /></div>
    <${Curves} id=${id} view=${view} />
    ${shared.length > 0 && html`<${Fold} summary="Curves that agree to the bit"><ul class="shared">${shared.map((line) =>
    html`<li>${line.names.map((name, place) => html`${place > 0 && " = "}<${Name} text=${name} />`)}</li>`)}</ul><//>`}
    <//><${Metrics} id=${id} chart=${chart} picked=${picked} />`;
}

const HEADS = ["verdict", "against", "finding", "#step", "phase", "tensor", "#deviation", "#allowance"];

const FindingTable = ({ entries, label }) => html`<${Table} name="findings" label=${label} heads=${HEADS}>${
  entries.map(([comparison, found]) => html`<tr><td><${Badge} verdict=${found.verdict}
    waived=${found.waiver !== null} /></td><td><${Name} text=${sideOf(comparison)} /></td>
    <td class="sentence"><${LongText} text=${found.sentence} /><div class="quiet">${
    [found.check, found.precision].filter(Boolean).join(", ")}</div></td>
    <td class="n">${found.checkpoint ?? html`<${Num} value=${found.step} />`}</td>
    <td>${found.phase && html`<${Name} text=${found.phase} />`}</td>
    <td>${found.tensor && html`<${Name} text=${found.tensor} />`}</td>
    <td class="n"><${Num} value=${found.deviation} /></td><td class="n"><${Num} value=${found.allowance} /></td></tr>`)}<//>`;

/* Differences first, what is waived last; what agrees is folded. */
function FindingGroup({ comparisons }) {
  const all = comparisons.flatMap((comparison) => comparison.findings.map((place) => [comparison, finding(place)]));
  const weight = ([, found]) => severity({ ...found, waived: found.waiver !== null });
  const notable = all.filter(([, found]) => isDifference(found)).sort((a, b) => weight(b) - weight(a));
  const agreeing = all.filter(([, found]) => !isDifference(found));
  const problems = comparisons.filter((comparison) => comparison.problem);
  const waivers = [...new Set(notable.map(([, found]) => found.waiver))].filter((place) => place !== null)
    .map((place) => page.facts.waivers[place]);
  return html`${problems.map((one) => html`<div class="problem"><${Badge} verdict=${one.verdict} /> against <${Name}
    text=${sideOf(one)} /><pre><${LongText} text=${one.problem} /></pre></div>`)}
    ${notable.length ? html`<${FindingTable} entries=${notable} label="Differences" />`
    : !problems.length && html`<p>No check found a difference.</p>`}
    ${agreeing.length > 0 && html`<${Fold} open=${!notable.length && !problems.length} summary="${
  plural(agreeing.length, "check")} ${agreeing.length === 1 ? "agrees" : "agree"}"><${FindingTable}
      entries=${agreeing} label="Agreements" /><//>`}
    ${waivers.map((waiver) => html`<div class="waiver"><b>Waived</b> up to <${Num} value=${waiver.at_most} />: <${LongText}
      text=${waiver.reason} />${waiver.upstream && html` (<${LongText} text=${waiver.upstream} />)`}${
  waiver.from_version && `, from ${waiver.from_version}`}</div>`)}`;
}

/* Of the comparison that was chosen; the environment's others are folded. */
function Findings({ subject: { comparison, beside } }) {
  const others = beside.filter((other) => other !== comparison);
  return html`<${Panel} title="Findings"><${FindingGroup} comparisons=${[comparison]} />${others.length > 0 &&
    html`<${Fold} summary="against ${others.map((one) => short(sideOf(one), 40)).join(" and ")}"><${FindingGroup}
    comparisons=${others} /><//>`}<//>`;
}

/* What differs in what was installed; the own baseline's packages if the facts know them. */
function Packages({ subject: { env, baseline, against, case: caseName } }) {
  if (against === "reference") return null;
  const own = environmentOf(baseline)?.baselines?.find((entry) => entry.case === caseName)?.packages;
  const [observed, before] = [environmentOf(env)?.packages,
    baseline === env ? own : environmentOf(baseline)?.packages].map((place) => page.facts.packages[place ?? -1]);
  const title = "Packages that differ";
  if (!observed || !before) {
    return html`<${Panel} title=${title}><p class="quiet">The record of one side does not say what was installed.</p><//>`;
  }
  const all = [...new Set([...Object.keys(before), ...Object.keys(observed)])].sort();
  const changed = all.filter((entry) => before[entry] !== observed[entry]);
  const rest = `${all.length - changed.length} of ${plural(all.length, "package")} are the same.`;
  if (!changed.length) return html`<${Panel} title=${title}><p>None: ${rest}</p><//>`;
  const cell = (value) => html`<td>${value === undefined ? html`<span class="quiet">not installed</span>` : value}</td>`;
  return html`<${Panel} title=${title}><${Table} name="packages" label=${title} heads=${["package",
    short(baseline === env ? "its baseline" : baseline), short(env)]}>${changed.map((entry) =>
    html`<tr><th scope="row">${entry}</th>${cell(before[entry])}${cell(observed[entry])}</tr>`)}<//>
    <p class="note">${rest}</p><//>`;
}

function commandsOf({ env, case: caseName, variant, against, baseline }) {
  const column = findColumn(env);
  const only = variant === "*" ? "" : ` --variant ${quoted(variant)}`;
  const other = against === "named" || against === "next" ? ` --against ${quoted(baseline)}` : "";
  return [["measure again", column?.pinned && `tox run -e ${quoted(env)} -- ${quoted(caseName)}`],
    ["compare again", `harness compare ${quoted(env)}${other} --case ${quoted(caseName)}${only}`],
    ["accept as right", column?.source === "run" && against === "baseline" &&
      `harness accept ${quoted(env)} ${quoted(caseName)} --reason "…"`]].filter(([, text]) => text);
}

export function Detail({ route: { params }, chunk }) {
  const subject = subjectOf(params);
  if (!subject) {
    return html`<article id="detail" class="view"><h2 tabindex="-1">Nothing here</h2><p>This report has no such case
      and variant. <a href="#matrix">To the matrix</a></p></article>`;
  }
  const set = (name) => (value) => change({ [name]: value }, { replace: true });
  const charts = chunk?.charts ?? {};
  const loss = chunk?.losses?.find((one) => one.sides.observed === subject.env && one.sides.baseline === subject.baseline);
  const judged = chunk ? judgedOf(chunk, Object.values(charts).map((chart) =>
    [chart, observedLine(chart, subject.env), baseLine(chart, subject)])) : [];
  return html`<article id="detail" class="view"><${Head} subject=${subject} /><div class="body">
    <${Probes} found=${judged} set=${set} wanted=${{ precision: params.get("pp"), checkpoint: params.get("cp"),
  told: tellingOf(subject.comparison)?.checkpoint }} />
    ${loss ? html`<${Envelope} id=${[subject.row.link, subject.env, subject.baseline].join(" ")}
      curves=${{ loss, figures: [] }} />`
    : html`<${CurvePanels} subject=${subject} charts=${charts} params=${params} set=${set} />`}
    <${Native} samples=${chunk?.native} subject=${subject} wanted=${params.get("native")} set=${set} />
    <${Findings} subject=${subject} /><${Packages} subject=${subject} />
    <${Panel} title="What to type"><${Commands} listed=${commandsOf(subject)} /><//></div></article>`;
}
