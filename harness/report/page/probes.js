/* One step from a fixed checkpoint, tensor by tensor, in the order of a step: the first tensor
   that is off tells the phase. What is off on both sides alike is not what changed; the rules
   are those of harness.checks. */

const PHASE_NAMES = { forward: "forward", loss: "loss", gradient: "gradients", update: "updates" };
const STEPS_OVER = [1, 10, 1e3, 1e6]; /* error over allowance at which the colour changes */

const ratioOf = (error, allowed) =>
  error === 0 ? 0 : !Number.isFinite(error) ? Infinity : allowed ? error / allowed : Infinity;

/* The tensors of one checkpoint with their errors; before is the other side's, null if none. */
function tensorsAt(probe, base, checkpoint) {
  const value = (side, name, place) => num(side?.[name]?.[checkpoint]?.[place] ?? null);
  return probe.tensors.map((tensor, place) => {
    const error = value(probe, "errors", place);
    const before = value(base, "errors", place);
    const allowed = Math.max(value(probe, "allowances", place) ?? 0,
      value(base, "allowances", place) ?? 0);
    const found = { tensor, phase: probe.phases[place], error, before, allowed,
      ratio: error === null ? null : ratioOf(error, allowed),
      judged: checkpoint.startsWith("step_") || probe.phases[place] !== "update" };
    return { ...found, state: stateOf(found, probe.precision) };
  });
}

function stateOf({ error, before, allowed, judged }, precision) {
  if (error === null) return "none";
  if (!judged) return "unjudged";
  const low = before === null ? 0 : Math.min(error, before);
  const high = Math.max(error, before ?? 0);
  if (!(high > allowed)) return "good";
  const differs = high > page.contrast[precision] * low &&
    (low <= allowed || precision === "float64");
  return differs ? error > allowed ? "off" : "right" : "alike";
}

/* The first that differs and is large enough to be why the rest does. */
function culpritOf(tensors) {
  const off = tensors.filter(({ state }) => state === "off" || state === "right");
  const size = ({ error, before }) => Math.max(error, before ?? 0);
  const largest = off.reduce((most, found) => Math.max(most, size(found)), 0);
  return off.find((found) => size(found) >= page.cause * largest || size(found) === largest) ??
    null;
}

function heat({ ratio, state }) {
  if (state !== "off") return state === "good" && ratio > 0.1 ? "near" : state;
  return `over${STEPS_OVER.filter((edge) => ratio > edge).length}`;
}

function times(ratio) {
  if (ratio === null) return "–";
  if (!Number.isFinite(ratio)) return "∞";
  if (ratio === 0) return "0";
  if (ratio >= 0.01 && ratio < 1000) return String(Number(ratio.toPrecision(2)));
  return `e${Math.floor(Math.log10(ratio))}`;
}

const SAYS = { none: "", good: "", off: "; off", right: "; comes right", unjudged: "; not judged",
  alike: "; off on both sides alike" };

function tensorBox(found, culprit) {
  const { tensor, error, before, allowed, state } = found;
  const told = error === null ? `${tensor}: not measured`
    : `${tensor}: error ${fmt(error)}, ${before === null ? "" : `baseline ${fmt(before)}, `}` +
      `allowed ${fmt(allowed)}${found === culprit ? "; the first that differs" : SAYS[state]}`;
  return h(`li.tensor.h-${heat(found)}${found === culprit ? ".culprit" : ""}`,
    { title: told, "data-told": told },
    h("span", { "aria-hidden": "true" }, times(found.ratio)), h("span.hidden", {}, told));
}

function verdictOf(tensors, culprit) {
  if (culprit) {
    return [h("b", {}, "First that differs: "), named(culprit.tensor), ", error ",
      data(culprit.error), culprit.before === null ? null : [", baseline ", data(culprit.before)],
      ", allowed ", data(culprit.allowed), "."];
  }
  return tensors.some(({ state }) => state === "alike")
    ? "Nothing differs; what is beyond its allowance is so on both sides alike."
    : "Every tensor is within its allowance.";
}

function probeStrip(tensors) {
  const culprit = culpritOf(tensors);
  const told = h("p.told", { "aria-live": "polite" }, verdictOf(tensors, culprit));
  const phases = [...new Set([...page.phases, ...tensors.map((found) => found.phase)])];
  const groups = phases.map((phase) => {
    const mine = tensors.filter((found) => found.phase === phase);
    const begins = mine.includes(culprit);
    return h(`li.phase${begins ? ".begins" : ""}`, {}, h("h4", {}, PHASE_NAMES[phase] ?? phase,
      begins ? h("span.verb", {}, culprit.state === "right" ? " comes right here" : " begins here")
        : null),
    h("ol.tensors", {}, mine.map((found) => tensorBox(found, culprit))));
  });
  const strip = h("ol.strip", {}, groups);
  strip.addEventListener("pointerover", (event) => {
    const box = event.target.closest(".tensor");
    if (box) told.textContent = box.dataset.told;
  });
  return [strip, told];
}

/* The strip of one environment with its switches; null where nothing was probed.

   found: [{ probe, base }]; wanted: { precision, checkpoint }, "" for what tells most. */
function probePanel(found, wanted, onchange) {
  if (!found.length) return null;
  const off = ({ probe, base }) => Object.keys(probe.errors).filter((checkpoint) =>
    culpritOf(tensorsAt(probe, base, checkpoint)));
  const pair = found.find(({ probe }) => probe.precision === wanted.precision) ??
    found.find((candidate) => off(candidate).length) ?? found[0];
  const { probe, base } = pair;
  const checkpoints = Object.keys(probe.errors);
  const bad = off(pair);
  const checkpoint = checkpoints.includes(wanted.checkpoint) ? wanted.checkpoint
    : bad.includes(wanted.told) ? wanted.told : bad[0] ?? checkpoints[0];
  const options = checkpoints.map((one) =>
    [one, bad.includes(one) ? `${one} ●` : one, bad.includes(one) ? "something differs" : ""]);
  return h("section.panel.probes", {}, h("h3", {}, "Probe: one step from fixed weights"),
    h("div.controls", {},
      choice("precision", "probe-precision", probe.precision,
        found.map((one) => [one.probe.precision, one.probe.precision]), (v) => onchange("pp", v)),
      choice("checkpoint", "probe-checkpoint", checkpoint, options, (v) => onchange("cp", v))),
    probeStrip(tensorsAt(probe, base, checkpoint)),
    h("p.note", {}, "A box is a tensor, in the order of a step; its number is the error against ",
      "the reference over what is allowed. Up to 1 is right; e3 is a thousand times too much; ",
      "grey is so on both sides, or is not judged."));
}
