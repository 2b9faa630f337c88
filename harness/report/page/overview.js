/* The first view: the answer, what changed, the matrix, and what the answer rests on. */

import { useMemo } from "preact/hooks";
import { Causes } from "./causes.js";
import { html } from "./html.js";
import { look } from "./look.js";
import { Matrix } from "./matrix.js";
import { columns, families, page } from "./model.js";
import { Badge, Commands, day, duration, Fold, LongText, Name, Names, plural, Table } from "./text.js";
import { Waivers } from "./waivers.js";

const OUTCOMES = { match: "Match", difference: "Difference", failure: "Not all could be compared" };
const PROBLEMS = 20;
const NOTES = 6;

const Counts = ({ counts, waived }) => html`<div class="totals">
  ${Object.keys(page.symbols).filter((verdict) => counts[verdict]).map((verdict) =>
    html`<a class="badge v-${verdict}" href="#matrix?show=${verdict}" title=${page.meanings[verdict]}>
      <b aria-hidden="true">${page.symbols[verdict]}</b>${counts[verdict].toLocaleString("en")} ${verdict}</a>`)}
  ${waived > 0 && html`<a class="badge waived" href="#matrix?show=differences"
    title="differences that waivers explain"><b aria-hidden="true">( )</b>${
  waived.toLocaleString("en")} waived</a>`}</div>`;

function Compared() {
  return families().filter((family) => family !== "reference").map((family, place) => {
    const mine = columns.filter((column) => column.family === family);
    return html`${place > 0 && ", "}<${Name} text=${family} /> <${Name} text=${mine[0].version} />${
      mine.length > 1 && html` to <${Name} text=${mine.at(-1).version} />
      <span class="quiet"> (${mine.length})</span>`}`;
  });
}

function Answer() {
  const { facts } = page;
  const notes = facts.notes.length + facts.not_compared.length;
  const about = [["Compared", facts.versions ? `${facts.versions.observed} with ${facts.versions.baseline}`
    : html`<${Compared} />`],
    ["With", facts.kinds.map((kind, place) => html`${place > 0 && ", "}${kind.against === "named"
      ? "a named one" : page.sides[kind.against].replace(" {}", "")} <span class="quiet">(${
      kind.comparisons.toLocaleString("en")})</span>`)],
    ["Machine", facts.machines],
    ["Took", facts.seconds === null ? "not recorded" : `${duration(facts.seconds)} of measuring`],
    ["Not measured", notes ? html`<a href="#not-compared">${plural(notes, "note")}, with reasons</a>`
      : "nothing was left out"],
    ["Written", html`${facts.generated} <span class="quiet">by harness ${facts.harness}</span>`]];
  return html`<header class="answer ${facts.outcome}">
    <p class="eyebrow"><b>${OUTCOMES[facts.outcome]}</b> exit code ${facts.exit_code}</p>
    <h1>${facts.answer}</h1><${Counts} ...${facts} />
    <dl class="about">${about.map(([term, told]) => html`<div><dt>${term}</dt><dd>${told}</dd></div>`)}</dl>
  </header>`;
}

function NotCompared() {
  const { not_compared: problems, notes } = page.facts;
  const list = (some) => html`<ul class="notes">${some.map((note) =>
    html`<li><${LongText} text=${note} /></li>`)}</ul>`;
  return html`<section id="not-compared"><h2>Not measured, not compared</h2>
    ${!problems.length && !notes.length && html`<p>Every comparison that was asked for could be made.</p>`}
    ${problems.slice(0, PROBLEMS).map((entry) => html`<div class="problem"><p><${Badge}
      verdict=${entry.verdict} /> <${Name} text=${entry.observed} /> on <${Name} text=${entry.case} />,
      against ${entry.against.join(", ")}: ${entry.variants[0] === "*" ? "the whole case"
    : html`<${Names} items=${entry.variants} />`}</p>
      <div class="pre"><${LongText} text=${entry.problem} /></div></div>`)}
    ${problems.length > PROBLEMS && html`<p>And ${problems.length - PROBLEMS} more:
      <a href="#matrix?show=error"> errors</a> and <a href="#matrix?show=missing">missing ones</a>
      in the matrix.</p>`}
    ${notes.length > 0 && list(notes.slice(0, NOTES))}
    ${notes.length > NOTES && html`<${Fold} summary=${`${plural(notes.length - NOTES, "more note")}`}>
      ${list(notes.slice(NOTES))}<//>`}</section>`;
}

function Environment({ environment: one }) {
  const reasons = new Map(one.baselines.map((entry) => [entry.reason, entry.at]));
  return html`<tr><th scope="row"><${Name} text=${one.name} />${one.python &&
    html`<div class="quiet">Python ${one.python}</div>`}</th>
    <td>${one.cases.map((entry) => html`<div>${entry.case}: ${entry.variants} of ${
    plural(entry.of, "variant")}${entry.precisions.length < 2 &&
      `, ${entry.precisions[0] ?? "no precision"}`}${entry.selection &&
      html` (selected: <${Names} items=${[entry.selection].flat()} />)`}</div>`)}</td>
    <td>${one.cpu || one.platform ? [one.cpu, one.platform].filter(Boolean).map((part) =>
    html`<div><${LongText} text=${part} /></div>`) : "not recorded"}</td>
    <td><${Names} items=${one.recorded} most=${3} />${one.seconds !== null &&
      html`<div class="quiet">in ${duration(one.seconds)}</div>`}${one.source === "baseline" &&
      html`<div class="quiet">stored record, not measured now</div>`}</td>
    <td>${reasons.size ? [...reasons].map(([reason, at]) => html`<div><${LongText}
      text=${reason || "no reason recorded"} /> <span class="quiet">${day(at)}</span></div>`)
    : html`<span class="quiet">none</span>`}</td></tr>`;
}

function WhatWasCompared() {
  const { kinds, environments } = page.facts;
  return html`<section id="compared"><h2>What was compared</h2>
    <${Table} label="Kinds of comparison" name="kinds"
      heads=${["against", "the question", "#comparisons", "verdicts"]}>${kinds.map((kind) =>
    html`<tr><th scope="row">${kind.against}</th><td>${kind.question}</td>
        <td class="n">${kind.comparisons.toLocaleString("en")}</td><td><${Counts} ...${kind} /></td></tr>`)}<//>
    <${Fold} summary="${environments.length > 1 ? "All " : ""}${plural(environments.length, "environment")}: versions,
      machines, and how much of each case was measured"><${Table} label="Environments" name="environments"
        heads=${["environment", "measured", "machine", "recorded", "own baseline"]}>${
  environments.map((one) => html`<${Environment} environment=${one} />`)}<//><//>
    <p class="lead">A variant or a precision that an imported record does not hold is not compared;
      the list of environments says how much each one measured.</p></section>`;
}

const Usual = () => html`<section id="commands"><h2>Commands</h2><${Commands} listed=${[
  ["Measure again what is pinned", "tox run -m quick"],
  ["Measure one case in one environment", "tox run -e ENV -- CASE"],
  ["Compare again, with exit code", "harness compare"],
  ["Promote a run to its baseline", 'harness accept ENV CASE --reason "…"']]} />
  <p class="lead">Accepting settles a difference against <em>baseline</em>. One against
    <em> previous</em> or <em>reference</em> stays until it is fixed, or explained by a waiver in
    <code> results/waivers.toml</code>. Each detail has its own commands, ready to copy.</p></section>`;

/* Around the matrix nothing depends on its filters: it is not worked out again at every key press. */
export function Overview({ route }) {
  const [above, below] = useMemo(() => [html`<${Answer} /><${Causes} />`, html`<${NotCompared} />
    <${WhatWasCompared} /><${Waivers} /><${Usual} />`], [look.paper, look.narrow]);
  return html`<div class="view overview">${above}<${Matrix} route=${route} />${below}</div>`;
}
