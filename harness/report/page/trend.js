/* The trend over many nights: every figure that changed, as a plot with its steps marked. */

import { Chart } from "./chart.js";
import { html } from "./html.js";
import { page } from "./model.js";
import { num } from "./packed.js";
import { Badge, day, LongText, Name, Num, Panel, plural, Table } from "./text.js";

const secondsOf = (time) => Date.parse(time) / 1000;

const figures = (series) => () => [{ height: 220, time: true, x: series.times.map(secondsOf), y: { kind: "linear" },
  marks: series.changes.map((change) => secondsOf(change.time)),
  lines: [{ name: series.name, color: (theme) => theme.observed, width: 1.2, points: true,
    values: series.values.map(num).map((value) => Number.isFinite(value) ? value : null) }] }];

function Group({ group, hosts }) {
  return html`<${Panel} title=${group.environment}><p class="versus"><${Name} text=${group.variant === "*"
    ? "the whole case" : group.variant} /> ${group.verdict && html`<${Badge} ...${group.verdict} />`}
    <span class="quiet"> ${group.series.length} series changed in ${plural(group.nights, "night")}</span></p>
    <${Table} label="Changes" heads=${["figure", "since", "change", "#before", "#after"]}>${group.series.flatMap((series) =>
    series.changes.map((change, place) => html`<tr><td>${!place && html`<${Name} text=${series.name} />${hosts > 1 &&
      html`<div class="quiet">${series.host}</div>`}`}</td><td>${day(change.time)}</td><td>${change.kind}</td>
      <td class="n"><${Num} value=${change.before} /></td><td class="n"><${Num} value=${change.after} /></td></tr>`))}<//>
    <div class="smalls">${group.series.map((series) => html`<figure><figcaption>${series.name}</figcaption><${Chart}
      id="${group.environment} ${group.variant} ${series.name} ${series.host}" label="${series.name} by night"
      small=${true} figures=${figures(series)} /></figure>`)}</div><//>`;
}

function Case({ found }) {
  const changed = found.changed.reduce((count, group) => count + group.series.length, 0);
  return html`<h3>${found.case}</h3><p>${plural(found.nights, "night")}${found.hosts.length > 1 &&
    ` on ${plural(found.hosts.length, "machine")}`} from ${day(found.from)} to ${day(found.to)}: ${changed} series changed; ${
    found.steady} vary without a change; ${found.constant.series} series of ${
    plural(found.constant.environments, "environment")} are constant.</p>${found.changed.map((group) =>
    html`<${Group} group=${group} hosts=${found.hosts.length} />`)}`;
}

export function Trend() {
  const { problem, cases } = page.facts.trend;
  return html`<section id="trend" class="view"><h2 tabindex="-1">Trend over nights</h2>
    ${problem && html`<div class="problem"><div class="pre"><${LongText} text=${problem} /></div></div>`}
    ${cases.length > 0 ? html`<p class="lead">What stepped or slowly drifted over many nights, on one machine at a time. A
      night with a difference is told in the overview; this finds what no single night shows. Dotted: where it
      changed.</p>${cases.map((found) => html`<${Case} found=${found} />`)}`
    : !problem && html`<p>No history yet: it begins with the first <code>tox run -m nightly</code>.</p>`}</section>`;
}
