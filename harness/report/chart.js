/* Builds one Plotly figure from a chart's facts: the losses with the allowance around the
   reference, and beneath them the signed deviation from the reference. Draws nothing itself. */
"use strict";

const HUES = [18, 217, 168, 275, 330, 85]; /* one for each family, in alphabetical order */
const SHADES = [0, 14, -12, 24, -20]; /* added to the lightness, one for each line of a family */
/* Below this a deviation is drawn to scale, above it logarithmically: about one ulp. */
const LINEAR_BELOW = { float64: 1e-16, float32: 1e-8 };
const UNBOUNDED = 1e3; /* stands for an allowance without limit, a null */

const family = (environment) => environment.split("-")[0];

/* Plotly reads a little HTML in its texts; names are text. */
const plain = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const rounded = (precision, value) =>
  value === null ? null : precision === "float32" ? Math.fround(value) : value;

/* The deviation as harness.checks measures it, with its sign. */
function deviations(curve, reference, precision) {
  return curve.map((raw, step) => {
    const value = rounded(precision, raw);
    const base = rounded(precision, reference[step] ?? null);
    return value === null || base === null ? null : (value - base) / Math.max(1, Math.abs(base));
  });
}

const compress = (value, unit) =>
  value === null ? null : Math.sign(value) * Math.log10(1 + Math.abs(value) / unit);

function deviationTicks(limit, unit) {
  const last = Math.max(1, Math.floor(Math.log10(limit / unit)));
  const stride = Math.max(1, Math.ceil(last / 4));
  const values = [0];
  const texts = ["0"];
  for (let power = stride; power <= last; power += stride) {
    const size = unit * 10 ** power;
    for (const sign of [1, -1]) {
      values.push(compress(sign * size, unit));
      texts.push(`${sign < 0 ? "−" : ""}${size.toExponential(0)}`);
    }
  }
  return { tickvals: values, ticktext: texts };
}

/* A line is the reference's, a baseline's alone, or observed. */
function roleOf(line) {
  const roles = line.members.map((member) => member.role);
  return ["reference", "observed", "baseline"].find((role) => roles.includes(role));
}

function labelOf(line) {
  const names = line.members.map((member) =>
    plain(member.environment) + (member.role === "baseline" ? " (baseline)" : ""));
  const more = names.length > 2 ? ` = ${names.length - 1} more` : "";
  const end = line.nonfinite_step === null ? "" : `, not finite at step ${line.nonfinite_step}`;
  return (more ? names[0] + more : names.join(" = ")) + end;
}

/* One hue for every family, the same in all charts, and one shade for each line in it. */
function shade(hue, index, dark) {
  const turn = SHADES[index % SHADES.length];
  return `hsl(${hue + 12 * index}, ${dark ? 85 : 75}%, ${dark ? 68 + turn / 2 : 38 + turn}%)`;
}

function styles(lines, families, theme) {
  const used = {};
  return lines.map((line) => {
    const role = roleOf(line);
    if (role === "reference") {
      return { color: theme.quiet, width: 5, dash: "8px,5px" };
    }
    const name = family(line.members.find((member) => member.role === role).environment);
    used[name] = (used[name] ?? -1) + 1;
    const color = shade(HUES[families.indexOf(name) % HUES.length], used[name], theme.dark);
    return role === "baseline" ? { color, width: 4, dash: "8px,5px" } : { color, width: 1.7 };
  });
}

function band(lower, upper, axis, theme) {
  const side = (y, fill) => ({
    type: "scatter", mode: "lines", y, yaxis: axis, line: { width: 0, color: theme.band },
    fill, fillcolor: theme.band, hoverinfo: "skip", showlegend: Boolean(fill),
    name: "allowance", legendgroup: "allowance", legendrank: 2000,
  });
  const top = side(upper, "tonexty");
  top.showlegend = axis === "y";
  return [side(lower, undefined), top];
}

function markTraces(chart, lines, marks, theme, unit) {
  const traces = [];
  for (const [index, line] of lines.entries()) {
    const members = new Set(line.members.filter((m) => m.role === "observed")
      .map((m) => m.environment));
    const steps = new Map();
    for (const mark of marks.filter((m) => members.has(m.observed))) {
      const who = `${mark.observed} against ${mark.against} ${mark.baseline}`;
      steps.set(mark.step, [...(steps.get(mark.step) ?? []), who]);
    }
    if (!steps.size) continue;
    const x = [...steps.keys()];
    const text = x.map((step) => `first differing step ${step}<br>` +
      steps.get(step).slice(0, 6).map(plain).join("<br>"));
    const common = {
      type: "scatter", mode: "markers", x, text, hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: "circle-open", size: 11, color: theme.styles[index].color,
        line: { width: 2 } },
      showlegend: false, legendgroup: line.curve,
    };
    traces.push({ ...common, y: x.map((step) => line.values[step]), yaxis: "y" });
    if (line.deviations) {
      traces.push({ ...common, yaxis: "y2",
        y: x.map((step) => compress(line.deviations[step], unit)) });
    }
  }
  return traces;
}

function figure(chart, precision, logarithmic, curves, families, theme) {
  const unit = LINEAR_BELOW[precision];
  const found = chart.lines.find((line) => roleOf(line) === "reference");
  const reference = found ? curves[found.curve] : null;
  const lines = chart.lines.map((line) => ({
    ...line, values: curves[line.curve],
    deviations: reference && deviations(curves[line.curve], reference, precision),
  }));
  theme = { ...theme, styles: styles(lines, families, theme) };
  const traces = [];
  let limit = 10 * unit;
  if (reference && chart.allowance) {
    const allowed = curves[chart.allowance].map((value) => Math.min(value ?? UNBOUNDED, UNBOUNDED));
    const around = (sign) => reference.map((value, step) => {
      if (value === null) return null;
      const edge = value + sign * allowed[step] * Math.max(1, Math.abs(value));
      return logarithmic && edge <= 0 ? value / 10 : edge;
    });
    traces.push(...band(around(-1), around(1), "y", theme));
    traces.push(...band(allowed.map((value) => compress(-value, unit)),
      allowed.map((value) => compress(value, unit)), "y2", theme));
    limit = allowed.reduce((most, value) => Math.max(most, value), limit);
  }
  for (const [index, line] of lines.entries()) {
    const name = labelOf(line);
    const common = { type: "scatter", mode: "lines", line: theme.styles[index], name,
      legendgroup: line.curve, legendrank: roleOf(line) === "reference" ? 1 : 1000 };
    traces.push({ ...common, y: line.values, yaxis: "y",
      hovertemplate: `step %{x}: %{y:.9~g}<extra>${name}</extra>` });
    if (!line.deviations || line.curve === found.curve) continue;
    traces.push({ ...common, y: line.deviations.map((value) => compress(value, unit)),
      customdata: line.deviations, yaxis: "y2", showlegend: false,
      hovertemplate: `step %{x}: %{customdata:+.3e}<extra>${name}</extra>` });
    limit = line.deviations.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), limit);
  }
  traces.push(...markTraces(chart, lines, chart.marks, theme, unit));
  return { traces, layout: layoutOf(chart, logarithmic, Boolean(reference), limit, unit, theme) };
}

function layoutOf(chart, logarithmic, hasReference, limit, unit, theme) {
  const axis = { gridcolor: theme.grid, linecolor: theme.line, zeroline: false, automargin: true };
  const steps = chart.marks.map((mark) => mark.step);
  const first = Math.min(...steps);
  const edge = 1.06 * compress(3 * limit, unit);
  const layout = {
    font: { family: "system-ui, sans-serif", size: 12, color: theme.text },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", height: 560,
    margin: { l: 64, r: 16, t: 24, b: 44 }, hovermode: "closest",
    hoverlabel: { namelength: -1, align: "left" },
    legend: { orientation: "h", y: -0.13, yanchor: "top", x: 0 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.quiet, activecolor: theme.text },
    xaxis: { ...axis, title: { text: "step", standoff: 6 }, anchor: hasReference ? "y2" : "y",
      rangemode: "nonnegative" },
    yaxis: { ...axis, title: { text: "loss" }, type: logarithmic ? "log" : "linear",
      domain: hasReference ? [0.46, 1] : [0, 1], exponentformat: "e" },
    shapes: [], annotations: [],
  };
  if (hasReference) {
    layout.yaxis2 = { ...axis, title: { text: "deviation from reference" }, domain: [0, 0.4],
      range: [-edge, edge], ...deviationTicks(limit, unit) };
  }
  if (steps.length) {
    layout.shapes.push({ type: "line", x0: first, x1: first, yref: "paper", y0: 0, y1: 1,
      line: { color: theme.text, width: 1, dash: "dot" } });
    layout.annotations.push({ x: first, y: 1, yref: "paper", yanchor: "top", xanchor: "left",
      showarrow: false, text: ` first differing step: ${first}`, font: { size: 11 } });
  }
  return layout;
}
