/* The loss and the figures of a program on both sides, with the envelope of the baseline's own runs. */

import { Chart } from "./chart.js";
import { html } from "./html.js";
import { num } from "./packed.js";
import { Panel } from "./text.js";

const DOTS = 40; /* steps, up to which each is a dot */

const visible = (values) => values.map(num).map((value) => Number.isFinite(value) ? value : null);

/* Both sides, and what the baseline's own runs from other last bits do; in their order where several
   figures are of one step. */
const figures = (found, title) => () => {
  const { steps } = found;
  const points = steps.length < DOTS;
  const isByStep = steps.every((step, place) => place === 0 || step > steps[place - 1]);
  return [{ title, label: title ? "" : "loss", height: title ? 190 : 320, xLabel: isByStep ? "step" : "in order",
    x: isByStep ? steps : steps.map((_, place) => place),
    y: { kind: "linear" }, band: { lower: visible(found.low), upper: visible(found.high) },
    lines: [{ name: "baseline", color: (theme) => theme.base, width: 3, dash: [9, 5], points, values: visible(found.baseline) },
      { name: "observed", color: (theme) => theme.observed, width: 1.8, points, values: visible(found.observed) }] }];
};

/** The loss of a program and its figures; nothing if it has none. */
export function Envelope({ id = "", curves }) {
  if (!curves.loss && !curves.figures.length) return null;
  const title = curves.figures.length ? "Loss and figures" : "Loss";
  return html`<${Panel} title=${title}>${curves.loss && html`<${Chart} id="loss ${id}" label="Loss by step"
    figures=${figures(curves.loss)} />`}<div class="smalls">${curves.figures.map((found) => html`<${Chart}
    id="figure ${found.name}" label=${found.name} small=${true} figures=${figures(found, found.name)} />`)}</div>
    <p class="note">Green: between the baseline's own runs from weights that differ by last bits.</p><//>`;
}
