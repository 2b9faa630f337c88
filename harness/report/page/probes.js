/* One step from a fixed checkpoint, tensor by tensor, in the order of a step: the first tensor that
   differs tells the phase. What is to be said of each was judged where verdicts are made. */

import { html } from "./html.js";
import { num } from "./packed.js";
import { Choice, fmt, Name, Num, Panel } from "./text.js";

const PHASES = { forward: "forward", loss: "loss", gradient: "gradients", update: "updates" };
const STEPS_OVER = [1, 10, 1e3, 1e6]; /* error over allowance at which the colour changes */
const SAYS = { g: "", o: "; off", r: "; comes right", u: "; not judged", a: "; off on both sides alike" };
const HEATS = { g: "good", r: "right", u: "unjudged", a: "alike" };

/* The tensors of one checkpoint with their errors and what was judged of them. */
function tensorsAt({ probe, base, judged }, checkpoint) {
  const { states, first } = judged.checkpoints[checkpoint];
  const value = (side, name, place) => num(side?.[name]?.[checkpoint]?.[place] ?? null);
  return probe.tensors.map((tensor, place) => {
    const error = value(probe, "errors", place);
    const allowed = Math.max(value(probe, "allowances", place) ?? 0, value(base, "allowances", place) ?? 0);
    return { tensor, phase: probe.phases[place], error, before: value(base, "errors", place), allowed,
      ratio: error === 0 ? 0 : error / allowed, state: states[place], isFirst: place === first };
  });
}

function heat({ ratio, state }) {
  if (state === "o") return `over${Math.max(1, STEPS_OVER.filter((edge) => ratio > edge).length)}`;
  return state === "g" && ratio > 0.1 ? "near" : HEATS[state];
}

/** A ratio in a few characters: 0.03, 12, e3 for a thousand. */
export function times(ratio) {
  if (Number.isNaN(ratio)) return "NaN";
  if (!Number.isFinite(ratio)) return "∞";
  if (ratio === 0) return "0";
  if (ratio >= 0.01 && ratio < 1000) return String(Number(ratio.toPrecision(2)));
  return `e${Math.floor(Math.log10(ratio))}`;
}

function Tensor({ found }) {
  const told = `${found.tensor}: error ${fmt(found.error)}, ${found.before === null ? ""
    : `baseline ${fmt(found.before)}, `}allowed ${fmt(found.allowed)}${
    found.isFirst ? `; the first that differs${found.state === "r" ? ", and comes right" : ""}`
      : SAYS[found.state]}`;
  return html`<li class="tensor h-${heat(found)}${found.isFirst ? " culprit" : ""}" title=${told}>
    <span aria-hidden="true">${times(found.ratio)}</span><span class="hidden">${told}</span></li>`;
}

function Strip({ tensors }) {
  const first = tensors.find((found) => found.isFirst);
  const told = first ? html`<b>${first.state === "r" ? "First that comes right: " : "First that differs: "}</b>
    <${Name} text=${first.tensor} />, error <${Num} value=${first.error} />${first.before !== null &&
    html`, baseline <${Num} value=${first.before} />`}, allowed <${Num} value=${first.allowed} />.`
    : tensors.some(({ state }) => state === "a")
      ? "Nothing differs; what is beyond its allowance is so on both sides alike."
      : "Every tensor is within its allowance.";
  return html`<ol class="strip">${Object.keys(PHASES).map((phase) => {
    const begins = first?.phase === phase;
    const right = begins && first.state === "r";
    return html`<li class="phase${begins ? right ? " begins right" : " begins" : ""}"><h4>${PHASES[phase]}${
      begins && html`<span class="verb">${right ? " come right here" : " begin to differ here"}</span>`}</h4>
      <ol class="tensors">${tensors.filter((found) => found.phase === phase).map((found) =>
    html`<${Tensor} found=${found} />`)}</ol></li>`;
  })}</ol><p class="told">${told}</p>`;
}

/** The strip of one comparison with its switches; nothing where no probe was judged.

   found: [{ probe, base, judged }]; wanted: { precision, checkpoint, told }, "" for what tells most. */
export function Probes({ found, wanted, set }) {
  if (!found.length) return null;
  const differing = ({ judged }) => Object.keys(judged.checkpoints).filter((name) =>
    judged.checkpoints[name].first !== null);
  const pair = found.find(({ probe }) => probe.precision === wanted.precision) ??
    found.find((candidate) => differing(candidate).length) ?? found[0];
  const checkpoints = Object.keys(pair.judged.checkpoints);
  const bad = differing(pair);
  const checkpoint = checkpoints.includes(wanted.checkpoint) ? wanted.checkpoint
    : bad.includes(wanted.told) ? wanted.told : bad[0] ?? checkpoints[0];
  return html`<${Panel} name="probes" title="Probe: one step from fixed weights"><div class="controls">
    <${Choice} label="precision" name="probe-precision" value=${pair.probe.precision}
      options=${found.map(({ probe }) => [probe.precision, probe.precision])} onChange=${set("pp")} />
    <${Choice} label="checkpoint" name="probe-checkpoint" value=${checkpoint} onChange=${set("cp")}
      options=${checkpoints.map((one) => [one, bad.includes(one) ? `${one} ●` : one,
    bad.includes(one) ? "something differs" : ""])} /></div>
    <${Strip} tensors=${tensorsAt(pair, checkpoint)} />
    <p class="note">A box is a tensor, in the order of a step; its number is the error against the reference
      over what is allowed. Up to 1 is right; e3 is a thousand times too much; grey is so on both sides, or
      is not judged.</p><//>`;
}

/** What was judged of a comparison's probes, in every precision. */
export function judgedOf(chunk, lines) {
  const found = new Map();
  for (const [chart, observed, baseline] of lines) {
    const [mine, theirs] = [observed, baseline].map((index) => chart.lines[index]?.probes ?? null);
    const judged = chunk.judged.find((one) => one.observed === mine && one.baseline === theirs);
    if (judged) found.set(mine, { judged, probe: chunk.probes[mine], base: chunk.probes[theirs] ?? null });
  }
  return [...found.values()];
}
