/* The trend over many nights: every figure that changed, as a plot with its steps marked; and the
   deviation from the reference over the versions of a framework. */

import { change as go } from "./address.js";
import { Chart } from "./chart.js";
import { html } from "./html.js";
import { columns, families, findRow, finding, firstFamily, isEdge, page, rows } from "./model.js";
import { num } from "./packed.js";
import { Badge, day, LongText, Name, Num, Panel, plural, RowSelect, Select, short, Table } from "./text.js";

const PRECISIONS = [["float64", (theme) => theme.observed], ["float32", (theme) => theme.base]];
const SMALLEST = 1e-17; /* a deviation of 0, where the axis is logarithmic */

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

/* The largest deviation of a curve from the reference, where a version was compared with it. */
function deviation(row, column, precision) {
  const compared = row.cells[column.place]?.find((one) => one.against === "reference");
  const sizes = (compared?.findings ?? []).map(finding).filter((found) => found.precision === precision &&
    found.check.endsWith("_trajectory") && found.deviation !== null).map((found) => num(found.deviation));
  const most = Math.max(...sizes);
  return Number.isFinite(most) ? Math.max(most, SMALLEST) : null;
}

function versions(row, mine) {
  return [{ height: 280, label: "off the reference", names: mine.map((column) => short(column.version, 14)),
    x: mine.map((_, place) => place), y: { kind: "log" }, digits: 3,
    marks: mine.flatMap((column, place) => place && isEdge(row, column) ? [place - 0.5] : []),
    lines: PRECISIONS.map(([name, color]) => ({ name, color, width: 1.4, points: true,
      values: mine.map((column) => deviation(row, column, name)) })) }];
}

function Versions({ params }) {
  const usable = rows.filter((row) => row.variant !== "*" && row.cells.flat().some((one) => one.against === "reference"));
  const row = findRow(params.get("case") ?? "", params.get("variant") ?? "") ?? usable[0];
  if (!row) return null;
  const family = params.get("family") ?? firstFamily();
  const mine = columns.filter((column) => column.family === family && row.cells[column.place]);
  const set = (values) => go({ case: row.case, variant: row.variant, family, ...values });
  return html`<${Panel} title="Over versions"><div class="controls">
    <${RowSelect} row=${row} among=${usable} onChange=${(one) => set({ case: one.case, variant: one.variant })} />
    <${Select} label="framework" value=${family} onChange=${(value) => set({ family: value })}
      options=${families().filter((name) => name !== "reference").map((name) => [name, name])} /></div>
    ${mine.length > 1 ? html`<${Chart} id="versions ${row.link} ${family}" label="Deviation from the reference by version"
      figures=${() => versions(row, mine)} /><p class="note">The largest relative deviation of the loss from the
      reference. Dotted: a new group of the timeline begins, something changed.</p>`
    : html`<p class="quiet">This framework has fewer than two versions here.</p>`}<//>`;
}

export function Trend({ route: { params } }) {
  const { problem, cases } = page.facts.trend;
  return html`<section id="trend" class="view"><h2 tabindex="-1">Trend</h2><${Versions} params=${params} />
    <h3 class="degree">Over nights</h3>
    ${problem && html`<div class="problem"><div class="pre"><${LongText} text=${problem} /></div></div>`}
    ${cases.length > 0 ? html`<p class="lead">What stepped or slowly drifted over many nights, on one machine at a time. A
      night with a difference is told in the overview; this finds what no single night shows. Dotted: where it
      changed.</p>${cases.map((found) => html`<${Case} found=${found} />`)}`
    : !problem && html`<p>No history yet: it begins with the first <code>tox run -m nightly</code>.</p>`}</section>`;
}
