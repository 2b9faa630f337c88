/* Every family's versions as segments that behave the same, and what changed between them; narrow,
   a list of the changes by version. */

import { change, detailAddress } from "./address.js";
import { html } from "./html.js";
import { look } from "./look.js";
import { finding, firstFamily, isDifference, page, severity, symbolOf } from "./model.js";
import { Badge, Choice, few, LongText, plural, Select, short } from "./text.js";

const versionOf = (family, env) => env.startsWith(`${family}-`) ? env.slice(family.length + 1) : env;
const precisionOf = (line) => line.precision
  ?? (line.variant === "program" ? "as it runs" : "native runs");

/* What was found where a group begins, the worst first. */
const foundAt = ({ findings }) => findings.map(finding).filter(isDifference)
  .sort((a, b) => severity(b) - severity(a));

/* The boundary: its verdict, in brackets where it is explained, and what was found. */
function Boundary({ line, one }) {
  const [worst] = foundAt(one);
  const verdict = worst?.verdict ?? "error";
  const told = `${one.observed} against ${one.baseline}: ${verdict}${one.explained ? ", explained"
    : ", not explained"}${one.creeping ? ", by small steps" : ""}`;
  return html`<a class="boundary v-${verdict}${one.explained ? " waived" : ""}" aria-label=${told}
    href=${detailAddress(line.case, line.variant, one.observed, "previous")}
    title="${told}\n${short(worst?.sentence ?? "", 400)}">${symbolOf({ verdict, waived: one.explained })}${
    one.creeping && "…"}</a>`;
}

function Segment({ found, line, cell: { group, span, env, isFirst } }) {
  if (!group) {
    const why = short(line.absent[env] ?? "not measured", 300);
    return html`<td class="absent" colspan=${span} title=${why}><span role="img" aria-label="not there: ${why}">·</span></td>`;
  }
  const changed = isFirst ? line.changes.filter((one) => one.observed === group.versions[0]) : [];
  return html`<td class="segment${changed.length ? " begins" : ""}" colspan=${span}><div style="--span: ${span}">
    ${changed.map((one) => html`<${Boundary} line=${line} one=${one} />`)}<span class="same">${
    page.symbols[group.verdict]}</span>${group.like && html`<span class="like">like ${
    short(versionOf(found.family, group.like), 24)}</span>`}</div></td>`;
}

/* A cell for every group, as wide as its versions; what was not measured is apart. */
function Line({ found, line }) {
  const groupOf = new Map(line.groups.flatMap((group) => group.versions.map((env) => [env, group])));
  const cells = [];
  for (const env of found.versions) {
    const group = groupOf.get(env) ?? null;
    const last = cells.at(-1);
    if (last && last.group === group) last.span += 1;
    else cells.push({ group, span: 1, env, isFirst: !cells.some((one) => one.group === group) });
  }
  return html`<tr><th scope="row"><span class="quiet">${short(line.case)}</span> <a href=${
    detailAddress(line.case, line.variant)}>${short(line.variant)}</a> <span class="precision">${
    precisionOf(line)}</span></th>${cells.map((cell) => html`<${Segment} found=${found} line=${line} cell=${cell} />`)}</tr>`;
}

const LineTable = ({ found, lines }) => html`<div class="scroll" tabindex="0" role="region" aria-label="Timeline">
  <table class="timeline"><thead><tr><th scope="col">case, variant, precision</th>${found.versions.map((env) =>
  html`<th class="version" scope="col" title=${short(env)}><span>${short(versionOf(found.family, env), 24)}</span></th>`)}
  </tr></thead><tbody>${lines.map((line) => html`<${Line} found=${found} line=${line} />`)}</tbody></table></div>`;

/* The changes of one version, those together that are of one case and explained alike. */
function grouped(lines, env) {
  const groups = new Map();
  for (const line of lines) {
    for (const one of line.changes.filter((candidate) => candidate.observed === env)) {
      const [worst] = foundAt(one);
      const name = [line.case, worst?.phase, worst?.waiver, one.explained].join(" ");
      const group = groups.get(name) ?? { line, one, worst, variants: new Set() };
      group.variants.add(line.variant);
      groups.set(name, group);
    }
  }
  return [...groups.values()];
}

/* What fits a telephone: the newest version first. */
const ChangeList = ({ found, lines }) => html`<ol class="bychange">${[...found.versions].reverse().map((env) =>
  [env, grouped(lines, env)]).filter(([, groups]) => groups.length).map(([env, groups]) => html`<li><h3>${env}</h3><ul>
  ${groups.map(({ line, one, worst, variants }) => html`<li><${Badge} verdict=${worst?.verdict ?? "error"}
    waived=${one.explained} /> <a href=${detailAddress(line.case, line.variant, env, "previous")}>${line.case}</a>
    <span class="quiet"> ${worst?.phase}</span><p>${few([...variants], 2)}</p><p class="quiet"><${LongText}
    text=${page.facts.waivers[worst?.waiver]?.reason ?? worst?.sentence ?? ""} /></p></li>`)}</ul></li>`)}</ol>`;

export function Timeline({ route: { params } }) {
  const { timeline } = page.facts;
  const values = Object.fromEntries(["family", "case", "q", "steady"].map((name) => [name, params.get(name) ?? ""]));
  const found = timeline.find((entry) => entry.family === (values.family || firstFamily())) ?? timeline[0];
  const head = html`<h2 tabindex="-1">Timeline</h2><p class="lead">Versions that behave the same are one segment, = to the
    bit or to 1e-12, ≈ within rounding. Where one begins, something changed: in (brackets) if a waiver explains it.</p>`;
  if (!found) {
    return html`<section id="timeline" class="view">${head}<p>No family has two versions with baselines yet.</p></section>`;
  }
  const set = (name, how) => (value) => change({ ...values, [name]: value }, how);
  const asked = found.lines.filter((line) => (!values.case || line.case === values.case) &&
    line.variant.toLowerCase().includes(values.q.toLowerCase()));
  const changed = asked.filter((line) => line.changes.length);
  const lines = values.steady && !look.narrow ? asked : changed;
  return html`<section id="timeline" class="view">${head}<div class="controls">
    <${Select} label="framework" value=${found.family} options=${timeline.map(({ family }) => [family, family])}
      onChange=${set("family")} />
    <${Select} label="case" value=${values.case} onChange=${set("case")} options=${[["", "all"],
  ...[...new Set(found.lines.map((line) => line.case))].map((name) => [name, name])]} />
    <label class="field"><span>variant</span><input type="search" value=${values.q}
      onInput=${(event) => set("q", { replace: true })(event.target.value)} /></label>
    ${!look.narrow && html`<${Choice} label="show" name="tl-steady" value=${values.steady}
      options=${[["", "what changed"], ["all", "everything"]]} onChange=${set("steady")} />`}</div>
    <p class="status" role="status">${changed.length} of ${plural(asked.length, "line")} changed between ${
  short(found.versions[0])} and ${short(found.versions.at(-1))}.</p>
    ${!lines.length ? html`<p>Nothing changed.</p>` : look.narrow ? html`<${ChangeList} found=${found} lines=${lines} />`
    : html`<${LineTable} found=${found} lines=${lines} />`}</section>`;
}
