/* Native runs: the framework's own initialisers, shuffling and loop; every seed is a dot. */

import { html } from "./html.js";
import { num } from "./packed.js";
import { Choice, fmt, Panel } from "./text.js";

const ROW = 62; /* pixels, of one environment */
const GOLDEN = 0.618; /* spreads dots by their seed, so that equal losses stay apart */

function shareOf(sample) {
  const percent = (value) => `${Math.round(100 * num(value))}`;
  return `${sample.trained.filter(Boolean).length} of ${sample.trained.length} trained ` +
    `(${percent(sample.interval[0])}–${percent(sample.interval[1])} %)`;
}

function Dots({ samples }) {
  const losses = samples.flatMap((sample) => sample.final_loss.map(num))
    .filter((loss) => Number.isFinite(loss) && loss > 0);
  const [low, high] = [Math.min(...losses), Math.max(...losses)].map(Math.log10);
  const [from, to] = [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
  const across = (loss) => `${2 + 96 * (Math.log10(loss) - from) / (to - from)}%`;
  const powers = Array.from({ length: to - from + 1 }, (_, place) => 10 ** (from + place));
  const height = ROW * samples.length;
  return html`<svg class="dots" width="100%" height=${height + 24} role="img"
    aria-label="Final losses of every seed">${powers.map((loss) => html`<line x1=${across(loss)} x2=${across(loss)}
      y1="0" y2=${height} class="grid" /><text x=${across(loss)} y=${height + 16}>${fmt(loss)}</text>`)}
    ${samples.map((sample, place) => sample.final_loss.map((value, seed) => {
    const loss = num(value);
    if (!(Number.isFinite(loss) && loss > 0)) return null;
    const y = ROW * (place + 0.5 + 0.6 * (seed * GOLDEN % 1 - 0.5));
    const told = `seed ${seed}: loss ${fmt(loss)}, ${sample.metric_name} ${fmt(sample.metric[seed])}`;
    return sample.trained[seed] ? html`<circle cx=${across(loss)} cy=${y} r="4"><title>${told}</title></circle>`
      : html`<text class="failed" x=${across(loss)} y=${y + 5}>×<title>${told}</title></text>`;
  }))}</svg>`;
}

/** The environment, what it is compared with, or every one. */
export function Native({ samples, subject, wanted, set }) {
  if (!samples?.length) return null;
  const mine = samples.filter((sample) =>
    sample.environment === subject.env || sample.environment === subject.baseline);
  const isAll = wanted === "all" || !mine.length;
  const shown = isAll ? samples : mine;
  return html`<${Panel} name="native" title="Native runs: every seed a dot">
    ${mine.length > 0 && mine.length < samples.length && html`<div class="controls"><${Choice} label="shown"
      name="native-shown" value=${isAll ? "all" : ""} onChange=${set("native")}
      options=${[["", "this comparison"], ["all", "every environment"]]} /></div>`}
    <div class="distributions"><ul>${shown.map((sample) => html`<li style="height: ${ROW}px"><b>${
    sample.environment}</b>${sample.role === "baseline" && html`<span>(baseline)</span>`}<span>${
    shareOf(sample)}</span></li>`)}</ul>
    <div><${Dots} samples=${shown} /></div></div>
    <p class="note">Across: final loss. × did not train: ${samples[0].metric_name} below ${
  fmt(samples[0].minimum)}. The interval holds the true share with 95 %.</p><//>`;
}
