/* The page of a user's program under two sides: what differs first, what follows, and the proof. */

import { render } from "preact";
import { Envelope } from "./envelope.js";
import { Heat } from "./heat.js";
import { html } from "./html.js";
import { onLook } from "./look.js";
import { index, page } from "./model.js";
import { num, unpack } from "./packed.js";
import { Badge, Command, factorOf, few, fmt, Fold, LongText, Name, Num, Panel, plural, Table } from "./text.js";

const CAUSES = 12;
const MOVED = 6; /* packages and settings that are shown at once */

function Cause({ cause, isFirst }) {
  const size = cause.factor !== null ? html`<b>${factorOf(cause)} ×</b>
    <span class="quiet"> the baseline's</span>` : cause.deviation !== null && html`<b><${Num} value=${cause.deviation} /> off</b>
    <span class="quiet">, allowed <${Num} value=${cause.allowance} /></span>`;
  const after = Object.entries(cause.following);
  const tensor = cause.tensor !== cause.channel && cause.tensor;
  return html`<li class="change v-${cause.verdict}"><div class="what"><${Badge} verdict=${cause.verdict} />
    ${cause.is_confirmed && html`<span class="badge v-regression">confirmed</span>`}
    <h3>${isFirst && "First: "}${cause.channel}${tensor && html` <${Name} text=${tensor} />`}${
  cause.step !== null && html`<span class="quiet"> step ${cause.step}</span>`}</h3><p class="size">${size}</p></div>
    ${cause.sentence !== page.facts.answer && html`<p class="told"><${LongText} text=${cause.sentence} /></p>`}
    ${cause.proof && html`<p class="told explained"><b>Proof:</b> <${LongText} text=${cause.proof} /></p>`}
    <div class="facts">${cause.module && html`<span>in <code>${cause.module}</code> ${cause.module_class}</span>`}
      ${cause.pattern && html`<span>${cause.pattern}</span>`}
      ${cause.alike > 0 && html`<span class="quiet">${plural(cause.alike, "more tensor")} of the same step</span>`}
      ${after.length > 0 && html`<span class="quiet">what follows is off as well: ${few(after.map(([channel, count]) =>
    `${plural(count, "tensor")} of ${channel}`), 6)}</span>`}</div></li>`;
}

function Answer() {
  const { verdict, sides, answer, outcome, commands, between } = page.facts;
  const program = [sides.observed.program].flat().join(" ");
  return html`<header class="answer ${outcome}"><p class="eyebrow"><b>${verdict.verdict}</b> exit code ${verdict.exit_code}</p>
    <h1>${answer}</h1>
    <dl class="about">${[["Between the sides", html`<${LongText} text=${between.sentence} />`],
    ["Program", program && html`<code>${program}</code>`],
    ["Compared", `${plural(verdict.compared, "event")}, ${plural(verdict.updates.observed, "update")} against ${
      verdict.updates.baseline.toLocaleString("en")}`],
    ...["observed", "baseline"].map((name) => [name, `Python ${sides[name].python}, ended: ${sides[name].ended}`])]
    .filter(([, told]) => told).map(([term, told]) => html`<div><dt>${term}</dt><dd>${told}</dd></div>`)}</dl>
    ${(commands ?? []).map((text) => html`<${Command} text=${text} />`)}</header>`;
}

function Problem({ problem }) {
  return html`<section><h2>Could not be judged</h2><div class="problem"><p>${problem.what}</p>
    ${[problem.where, problem.numbers].filter(Boolean).map((text) => html`<p class="quiet"><${LongText} text=${text} /></p>`)}
    ${problem.next && html`<${Command} text=${problem.next} />`}</div></section>`;
}

/* Whole tensors of the first difference. */
function Capture({ capture }) {
  return html`<${Panel} title="Whole tensors of the first difference"><p>${capture.channel} <${Name} text=${capture.tensor} />,
    step ${capture.step}, shape ${JSON.stringify(capture.shape)}: <${Num} value=${capture.error} /> off, at most <${Num}
    value=${capture.largest} /> in one element, ${fmt(100 * num(capture.share))} % of the elements. ${capture.pattern}</p>
    ${capture.worst.length > 0 && html`<${Table} label="Worst elements" heads=${["element", "#observed", "#baseline"]}>${
  capture.worst.map((one) => html`<tr><th scope="row">${JSON.stringify(one.index)}</th><td class="n"><${Num}
    value=${one.observed} /></td><td class="n"><${Num} value=${one.baseline} /></td></tr>`)}<//>`}<//>`;
}

/* The program's modules as it nests them; what is off, and since when. */
function Modules({ modules }) {
  const off = modules.filter((one) => one.first !== null);
  const table = (listed) => html`<${Table} label="Modules" name="modules" heads=${["module", "class", "#off since step",
    "#× allowance"]}>${listed.map((one) => html`<tr class=${one.first === null ? "" : "off"}><th scope="row"
    style="padding-left: ${1.1 * one.path.split(".").length}rem">${one.path.split(".").at(-1) || "the whole model"}</th>
    <td>${one.class}</td><td class="n">${one.first}</td><td class="n"><${Num} value=${one.excess} /></td></tr>`)}<//>`;
  return modules.length > 0 && html`<${Panel} title="Modules"><p>${off.length ? `${plural(off.length, "module")} of ${
    modules.length} off, first: ${few(off.sort((a, b) => a.first - b.first).map(({ path }) => path))}.`
    : `None of ${plural(modules.length, "module")} is off.`}</p>
    <${Fold} summary="The tree of modules" open=${modules.length < 40}>${table(modules)}<//><//>`;
}

/* What was asked for comes first; of many the rest is folded. */
function Differs({ title, listed }) {
  const table = (some) => html`<${Table} label=${title} name="packages" heads=${["what", "baseline", "observed"]}>${
    some.map((one) => html`<tr><th scope="row">${one.name || one.kind}${one.kind !== "package" && one.name &&
    html` <span class="quiet">${one.kind}</span>`}</th><td>${one.baseline || "none"}</td>
    <td>${one.observed || "none"}</td></tr>`)}<//>`;
  return listed.length > 0 && html`<${Panel} title=${title}>${table(listed.slice(0, MOVED))}${listed.length > MOVED &&
    html`<${Fold} summary="${listed.length - MOVED} more">${table(listed.slice(MOVED))}<//>`}<//>`;
}

function Program() {
  const { verdict, heat, modules, curves, differs, sides, between, operator } = page.facts;
  const notes = [...new Set([...verdict.notes, ...sides.observed.notes.map((note) => note.text)])];
  return html`<main><div class="view program"><${Answer} />
    <${Differs} title="What differs between the sides" listed=${[...between.differences,
  ...differs.settings.map((one) => ({ ...one, kind: "setting" }))]} />
    ${verdict.problem && html`<${Problem} problem=${verdict.problem} />`}
    ${verdict.causes.length > 0 && html`<section id="changes"><h2>What differs</h2><ol class="changes">${
  verdict.causes.slice(0, CAUSES).map((cause, place) => html`<${Cause} cause=${cause} isFirst=${!place} />`)}</ol></section>`}
    ${verdict.outcome && html`<p class="lead">${verdict.outcome.sentence}</p>`}
    ${operator && html`<p class="lead">In the captured step: <${LongText} text=${operator} /></p>`}
    ${verdict.capture && html`<${Capture} capture=${verdict.capture} />`}
    ${heat.rows.length > 0 && html`<${Panel} title="Every tensor, step by step"><${Heat} heat=${heat} /><//>`}
    <${Envelope} curves=${curves} /><${Modules} modules=${modules} />
    ${notes.length > 0 && html`<${Panel} title="Notes"><ul class="notes">${notes.map((note) =>
    html`<li><${LongText} text=${note} /></li>`)}</ul><//>`}</div></main>`;
}

async function start() {
  const element = document.getElementById("facts");
  const unpacked = await unpack(element);
  index({ ...unpacked, facts: { environments: [], cases: [], comparisons: [], timeline: [], ...unpacked.facts } });
  document.getElementById("page").replaceChildren();
  const draw = () => render(html`<${Program} />`, document.getElementById("page"));
  onLook(draw);
  draw();
  document.body.dataset.ready = "true";
}

start();
