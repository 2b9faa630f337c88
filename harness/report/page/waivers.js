/* Known, explained differences: a card for each reason, and what it covers. */

import { html } from "./html.js";
import { page } from "./model.js";
import { Fold, LongText, Num, plural } from "./text.js";

/* Waivers that give one reason are one card. */
function grouped(waivers) {
  const groups = new Map();
  for (const waiver of waivers) {
    groups.set(waiver.reason, [...groups.get(waiver.reason) ?? [], waiver]);
  }
  return [...groups.values()];
}

const Cover = ({ waiver }) => html`<li>${waiver.covers > 0 &&
  html`<b class="covers">${waiver.covers.toLocaleString("en")}</b> `}${waiver.environment}
  <span class="quiet"> against</span> ${waiver.against}<span class="quiet">, in</span> ${waiver.case}
  ${" "}${waiver.variant}<span class="quiet">, check</span> ${waiver.check}<span class="quiet">, at most </span>
  <${Num} value=${waiver.at_most} /></li>`;

const Cards = ({ waivers }) => html`<ol class="waiverlist">${grouped(waivers).map((group) =>
  html`<li class="panel"><p class="sentence"><${LongText} text=${group[0].reason} /></p>
    <p class="quiet"><${LongText} text=${[...new Set(group.flatMap((one) => [one.upstream, one.date]))]
    .filter(Boolean).join(", ")} /></p>
    <ul class="covered">${group.map((waiver) => html`<${Cover} waiver=${waiver} />`)}</ul></li>`)}</ol>`;

export function Waivers() {
  const { unused_waivers: unused } = page.facts;
  const waivers = page.facts.waivers.filter((waiver) => waiver.covers);
  const earlier = page.facts.waivers.filter((waiver) => !waiver.covers);
  return html`<section id="waivers"><h2>Waivers</h2>${waivers.length ? html`
    <p class="lead">Known, explained differences that do not change the exit code. A difference larger
      than <em>at most</em> is not covered. The number is of the comparisons that one covers.</p>
    <${Fold} summary="${plural(waivers.length, "waiver")} applied, for ${
  plural(grouped(waivers).length, "reason")}"><${Cards} waivers=${waivers} /><//>`
    : html`<p>None applied.</p>`}
    ${earlier.length > 0 && html`<${Fold} summary="${earlier.length} more in the timeline"><${Cards}
      waivers=${earlier} /><//>`}
    ${unused.length > 0 && html`<${Fold} summary="${unused.length} ${unused.length === 1 ? "matches"
    : "match"} nothing any more"><${Cards} waivers=${unused} /><//>`}</section>`;
}
