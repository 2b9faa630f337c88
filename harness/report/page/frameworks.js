/* The newest version of every framework against the reference: is this case right anywhere? */

import { change, detailAddress } from "./address.js";
import { Curves, differences, newest, observedLine, pickLines, referenceLine } from "./curves.js";
import { html } from "./html.js";
import { cellOf, familyOf, finding, findRow, rows } from "./model.js";
import { Badge, Choice, Num, RowSelect, short, Table } from "./text.js";

const usable = () => rows.filter((row) => row.variant !== "*");

/** The row that an address is about, the first one where it names none. */
export const frameworkRow = (params) =>
  findRow(params.get("case") ?? "", params.get("variant") ?? "") ?? usable()[0];

/* Each family's newest version: its verdict against the reference, and where it ends. */
function Newest({ row, chart, precision }) {
  const place = referenceLine(chart);
  return html`<${Table} label="Newest versions" heads=${["framework", "newest", "against the reference", "because of",
    `#deviation of the ${precision} loss`, "#final loss"]}>${newest(chart).map((env) => {
    const curve = chart.lines[observedLine(chart, env)].loss;
    const found = cellOf(row.case, row.variant, env).find((c) => c.against === "reference");
    const told = finding(found?.worst ?? null); /* its own size, which may be another check's */
    const most = place < 0 ? null : differences(curve, chart.lines[place].loss)
      .reduce((largest, off) => Math.max(largest, off === null ? Infinity : Math.abs(off)), 0);
    return html`<tr><td>${familyOf(env)}</td><th scope="row">${found ? html`<a href=${
      detailAddress(row.case, row.variant, env, "reference")}>${short(env)}</a>` : short(env)}</th>
      <td>${found ? html`<${Badge} ...${found} />` : html`<span class="quiet">not compared</span>`}</td>
      <td class="sentence">${told && html`<${Num} value=${told.deviation} /> <span class="quiet">${
      [told.check, told.precision, told.tensor].filter(Boolean).join(", ")}</span>`}</td>
      <td class="n"><${Num} value=${most} /></td><td class="n"><${Num} value=${curve.at(-1)} /></td></tr>`;
  })}<//>`;
}

export function Frameworks({ route: { params }, chunk }) {
  const row = frameworkRow(params);
  const charts = chunk?.charts ?? {};
  const precisions = Object.keys(charts);
  const precision = precisions.includes(params.get("precision")) ? params.get("precision") : precisions[0];
  const axis = params.get("axis") ?? "linear";
  const chart = charts[precision];
  const set = (name) => (value) => change({ case: row.case, variant: row.variant, [name]: value });
  const view = chart && { chart, precision, quantity: "loss", axis, mark: null, base: referenceLine(chart),
    baseName: "reference", picked: pickLines(chart, { env: "", against: "", baseline: "" }, "newest") };
  return html`<section id="frameworks" class="view"><h2 tabindex="-1">Across frameworks</h2>
    <p class="lead">The newest version of every framework, and the reference, on one chart.</p>${row && html`
    <div class="controls"><${RowSelect} row=${row} among=${usable()}
      onChange=${(one) => change({ case: one.case, variant: one.variant })} />
    ${chart && html`<${Choice} label="precision" name="fw-precision" value=${precision}
      options=${precisions.map((one) => [one, one])} onChange=${set("precision")} />
    <${Choice} label="axis" name="fw-axis" value=${axis} options=${[["linear", "linear"], ["log", "log"]]}
      onChange=${set("axis")} />`}</div>
    ${chart ? html`<${Curves} id="frameworks ${row.link} ${precision} ${axis}" view=${view} />
      <${Newest} row=${row} chart=${chart} precision=${precision} />` : html`<p>No curve was recorded.</p>`}`}</section>`;
}
