/* The trend over many nights: the tables are in the page, the charts are drawn in view. */

function trendFigure(series, theme) {
  const axis = (more) => axisOf(theme, more);
  const line = (change) => ({ type: "line", x0: change.time, x1: change.time, yref: "paper",
    y0: 0, y1: 1, line: { color: theme.text, width: 1, dash: "dot" } });
  const middle = series.times[Math.floor(series.times.length / 2)];
  const label = (change) => ({ x: change.time, y: 1, yref: "paper", yanchor: "top",
    xanchor: change.time < middle ? "left" : "right", showarrow: false, font: { size: 11 },
    text: ` ${plain(change.kind)} ${plain(change.time.slice(0, 10))} ` });
  return {
    traces: [{ type: "scatter", mode: "lines+markers", x: series.times,
      y: series.values.map(num).map((value) => Number.isFinite(value) ? value : null),
      line: { color: theme.observed, width: 1.2 }, marker: { color: theme.observed, size: 4 },
      hovertemplate: "%{x|%Y-%m-%d %H:%M}: %{y:.9~g}<extra></extra>" }],
    layout: layoutOf(theme, { height: 210, showlegend: false,
      title: { text: plain(series.name), font: { size: 12 }, x: 0, xref: "paper", y: 0.97 },
      margin: { l: 64, r: 16, t: 30, b: 36 }, xaxis: axis({ type: "date" }),
      yaxis: axis({ exponentformat: "e" }), shapes: series.changes.map(line),
      annotations: series.changes.map(label) }),
  };
}

function openTrend() {
  for (const element of document.querySelectorAll(".trend-chart")) {
    const [caseOf, group, place] = element.dataset.trend.split(" ").map(Number);
    const series = facts.trend.cases[caseOf].changed[group].series[place];
    figureIn(element, (theme) => trendFigure(series, theme));
  }
}
