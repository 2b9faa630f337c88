/* One step from a fixed checkpoint, tensor by tensor, in the order of a step: the first tensor
   over its allowance tells the phase. */

const PHASE_NAMES = { forward: "forward", loss: "loss", gradient: "gradients", update: "updates" };
const STEPS_OVER = [1, 10, 1e3, 1e6]; /* error over allowance at which the colour changes */

const ratioOf = (error, allowed) =>
  error === 0 ? 0 : !Number.isFinite(error) ? Infinity : allowed ? error / allowed : Infinity;

/* The tensors of one checkpoint with error, allowance and their ratio. */
function tensorsAt(probe, checkpoint) {
  return probe.tensors.map((tensor, place) => {
    const error = num(probe.errors[checkpoint]?.[place] ?? null);
    const allowed = num(probe.allowances[checkpoint]?.[place] ?? null);
    return { tensor, phase: probe.phases[place], error, allowed,
      ratio: error === null || allowed === null ? null : ratioOf(error, allowed) };
  });
}

const culpritOf = (tensors) => tensors.find(({ ratio }) => ratio > 1) ?? null;

function heat(ratio) {
  if (ratio === null) return "none";
  if (ratio <= 1) return ratio > 0.1 ? "near" : "good";
  return `over${STEPS_OVER.filter((edge) => ratio > edge).length}`;
}

function times(ratio) {
  if (ratio === null) return "–";
  if (!Number.isFinite(ratio)) return "∞";
  if (ratio === 0) return "0";
  if (ratio >= 0.01 && ratio < 1000) return String(Number(ratio.toPrecision(2)));
  return `e${Math.floor(Math.log10(ratio))}`;
}

function tensorBox(found, culprit) {
  const { tensor, error, allowed, ratio } = found;
  const told = error === null ? `${tensor}: not measured`
    : `${tensor}: error ${fmt(error)}, allowed ${allowed === null ? "unknown" : fmt(allowed)}` +
      `${found === culprit ? "; the first over its allowance" : ratio > 1 ? "; over" : ""}`;
  return h(`li.tensor.h-${heat(ratio)}${found === culprit ? ".culprit" : ""}`,
    { title: told, "data-told": told },
    h("span", { "aria-hidden": "true" }, times(ratio)), h("span.hidden", {}, told));
}

function probeStrip(tensors) {
  const culprit = culpritOf(tensors);
  const told = h("p.told", { "aria-live": "polite" }, culprit
    ? [h("b", {}, "First over its allowance: "), named(culprit.tensor), ", ", data(culprit.error),
      " where ", data(culprit.allowed), " is allowed."]
    : "Every tensor is within its allowance.");
  const phases = [...new Set([...page.phases, ...tensors.map((found) => found.phase)])];
  const groups = phases.map((phase) => {
    const mine = tensors.filter((found) => found.phase === phase);
    const state = !mine.length ? "none" : mine.includes(culprit) ? "culprit"
      : mine.some(({ ratio }) => ratio > 1) ? "over" : "good";
    return h(`li.phase.${state}`, {}, h("h4", {}, PHASE_NAMES[phase] ?? phase,
      state === "culprit" ? h("span.verb", {}, " begins here") : null),
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

   wanted: { precision, checkpoint }, "" for what tells most; onchange(name, value). */
function probePanel(found, wanted, onchange) {
  if (!found.length) return null;
  const over = (probe) => Object.keys(probe.errors).filter((checkpoint) =>
    culpritOf(tensorsAt(probe, checkpoint)));
  const probe = found.find(({ precision }) => precision === wanted.precision) ??
    found.find((candidate) => over(candidate).length) ?? found[0];
  const checkpoints = Object.keys(probe.errors);
  const bad = over(probe);
  const checkpoint = checkpoints.includes(wanted.checkpoint) ? wanted.checkpoint
    : bad[0] ?? checkpoints[0];
  const options = checkpoints.map((name) =>
    [name, bad.includes(name) ? `${name} ●` : name, bad.includes(name) ? "over allowance" : ""]);
  return h("section.panel.probes", {}, h("h3", {}, "Probe: one step from fixed weights"),
    h("div.controls", {},
      choice("precision", "probe-precision", probe.precision,
        found.map(({ precision }) => [precision, precision]), (v) => onchange("pp", v)),
      choice("checkpoint", "probe-checkpoint", checkpoint, options, (v) => onchange("cp", v))),
    probeStrip(tensorsAt(probe, checkpoint)),
    h("p.note", {}, "Each box is a tensor, in the order of a step, with its error against the ",
      "reference in units of its allowance: up to 1 is right."));
}
