/* Builds the figure of one variant: curves with the allowance, and beneath them the signed
   difference on an axis that is linear near 0 and logarithmic beyond. */

/* Below this a difference is drawn to scale, above it logarithmically: about one ulp. */
const LINEAR_BELOW = { float64: 1e-16, float32: 1e-8 };
const UNBOUNDED = 1e3; /* stands for an allowance without limit */
const QUANTITIES = { loss: "loss", gradient_norm: "gradient norm", update_norm: "update norm" };

/* The difference as harness.checks measures it, with its sign; gaps where one is not finite. */
function differences(curve, base) {
  return Array.from(curve, (value, step) => {
    const difference = (value - base[step]) / Math.max(1, Math.abs(base[step]));
    return Number.isFinite(difference) ? difference : null;
  });
}

const compress = (value, unit) =>
  value === null ? null : Math.sign(value) * Math.log10(1 + Math.abs(value) / unit);

function ticks(limit, unit) {
  const last = Math.max(1, Math.ceil(Math.log10(limit / unit)));
  const stride = Math.max(1, Math.ceil(last / 3));
  const found = { tickvals: [0], ticktext: ["0"] };
  for (let power = stride; power <= last; power += stride) {
    for (const sign of [1, -1]) {
      found.tickvals.push(compress(sign * unit * 10 ** power, unit));
      found.ticktext.push(`${sign < 0 ? "−" : ""}${(unit * 10 ** power).toExponential(0)}`);
    }
  }
  return found;
}

function band(lower, upper, axis, theme) {
  const side = (y, fill) => ({ type: "scatter", mode: "lines", y, yaxis: axis, fill,
    line: { width: 0, color: theme.band }, fillcolor: theme.band, hoverinfo: "skip",
    name: "allowance", legendgroup: "allowance", legendrank: 2000,
    showlegend: Boolean(fill) && axis === "y" });
  return [side(lower, undefined), side(upper, "tonexty")];
}

/* view: { chart, precision, quantity, logarithmic, picked, base: index or -1, mark, height } */
function curveFigure(view, theme) {
  const { chart, precision, quantity, base } = view;
  const unit = LINEAR_BELOW[precision];
  const values = (index) => curveOf(chart, chart.lines[index][quantity], quantity, precision);
  const against = base >= 0 ? values(base) : null;
  const traces = [];
  let limit = 10 * unit;
  if (against && quantity === "loss" && chart.allowance) {
    const allowed = Array.from(curveOf(chart, chart.allowance, "allowance", precision),
      (value) => Math.min(value, UNBOUNDED));
    traces.push(...bands(view, against, allowed, unit, theme));
    limit = allowed.reduce((most, value) => Math.max(most, value), limit);
  }
  const used = {};
  for (const line of view.picked) {
    const curve = values(line.index);
    if (!curve) continue;
    const name = labelOf(line.names, chart.lines[line.index].nonfinite_step);
    const common = { type: "scatter", mode: "lines", line: styleOf(line, used, theme), name,
      legendgroup: `line ${line.index}` };
    traces.push({ ...common, y: Array.from(curve), yaxis: "y",
      hovertemplate: `step %{x}: %{y:.9~g}<extra>${name}</extra>` });
    if (!against || line.index === base) continue;
    const off = differences(curve, against);
    traces.push({ ...common, y: off.map((value) => compress(value, unit)), customdata: off,
      yaxis: "y2", showlegend: false,
      hovertemplate: `step %{x}: %{customdata:+.3e}<extra>${name}</extra>` });
    limit = off.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), limit);
  }
  return { traces, layout: curveLayout(view, Boolean(against), limit, unit, theme) };
}

function bands(view, against, allowed, unit, theme) {
  const around = (sign) => Array.from(against, (value, step) => {
    if (!Number.isFinite(value)) return null;
    const edge = value + sign * allowed[step] * Math.max(1, Math.abs(value));
    return view.logarithmic && edge <= 0 ? value / 10 : edge;
  });
  return [...band(around(-1), around(1), "y", theme),
    ...band(allowed.map((value) => compress(-value, unit)),
      allowed.map((value) => compress(value, unit)), "y2", theme)];
}

function curveLayout(view, hasDifference, limit, unit, theme) {
  const edge = 1.06 * compress(2 * limit, unit);
  const layout = layoutOf(theme, {
    height: view.height ?? 520, shapes: [], annotations: [],
    legend: { orientation: "h", y: -0.12, yanchor: "top", x: 0 },
    xaxis: axisOf(theme, { title: { text: "step", standoff: 4 }, rangemode: "nonnegative",
      anchor: hasDifference ? "y2" : "y" }),
    yaxis: axisOf(theme, { title: { text: QUANTITIES[view.quantity] }, exponentformat: "e",
      type: view.logarithmic ? "log" : "linear", domain: hasDifference ? [0.42, 1] : [0, 1] }),
  });
  if (hasDifference) {
    layout.yaxis2 = axisOf(theme, { title: { text: `difference from ${view.baseName}` },
      domain: [0, 0.36], range: [-edge, edge], zeroline: true, zerolinecolor: theme.line,
      ...ticks(limit, unit) });
    layout.yaxis2.title.font = { size: 11 };
  }
  addMarks(layout, view, theme);
  return layout;
}

function addMarks(layout, { chart, mark, quantity, picked }, theme) {
  const whole = { yref: "paper", y0: 0, y1: 1 };
  const label = { yref: "paper", showarrow: false, font: { size: 11, color: theme.text } };
  if (chart.chaotic_from !== null) {
    const end = picked.reduce((most, line) =>
      Math.max(most, chart.lines[line.index][quantity]?.values?.length ?? 0), 0) - 1;
    layout.shapes.push({ type: "rect", x0: chart.chaotic_from, x1: end, ...whole, layer: "below",
      fillcolor: theme.chaos, line: { width: 0 } });
    layout.annotations.push({ ...label, x: end, y: 0.385, xanchor: "right", yanchor: "middle",
      text: `chaotic from step ${chart.chaotic_from}: not judged` });
  }
  if (!mark) return;
  layout.shapes.push({ type: "line", x0: mark.step, x1: mark.step, ...whole,
    line: { color: theme.text, width: 1, dash: "dot" } });
  layout.annotations.push({ ...label, x: mark.step, y: 1, xanchor: "left", yanchor: "bottom",
    text: `first differing step: ${mark.step}` });
}
