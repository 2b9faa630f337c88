/* What a user watches while training: precision, recall and the like, by step. */

function metricNames(chart) {
  return [...new Set(chart.lines.flatMap((line) => Object.keys(line.metrics ?? {})))]
    .filter((metric) => metric !== "step");
}

function metricFigure(chart, picked, metric, theme) {
  const used = {};
  const traces = picked.map((line) => {
    const metrics = chart.lines[line.index].metrics;
    const name = labelOf(line.names, null);
    return { type: "scatter", mode: "lines+markers", name, showlegend: false,
      line: styleOf(line, used, theme), x: metrics?.step ?? [],
      marker: { size: metrics?.step?.length === 1 ? 10 : 4 }, cliponaxis: false,
      y: (metrics?.[metric] ?? []).map(num).map((v) => Number.isFinite(v) ? v : null),
      hovertemplate: `step %{x}: %{y:.4~g}<extra>${name}</extra>` };
  });
  return { traces, layout: layoutOf(theme, {
    height: 210, title: { text: plain(metric), font: { size: 12 }, x: 0, xref: "paper", y: 0.97 },
    margin: { l: 44, r: 12, t: 28, b: 32 },
    xaxis: axisOf(theme, {}), yaxis: axisOf(theme, { rangemode: "tozero" }),
  }) };
}

function metricPanel(chart, picked) {
  const names = metricNames(chart);
  if (!names.length) return null;
  const charts = names.map((metric) => {
    const element = h("div.chart.small", {});
    figureIn(element, (theme) => metricFigure(chart, picked, metric, theme));
    return element;
  });
  return h("section.panel", {}, h("h3", {}, "Metrics"), h("div.smalls", {}, charts));
}
