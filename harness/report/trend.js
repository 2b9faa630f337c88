/* Draws one figure over the nights, with its changes marked, when it scrolls into view. */
const NUMBERS = { NaN: null, Infinity: null, "-Infinity": null }; /* gaps */
const { trends } = JSON.parse(document.getElementById("data").textContent);

function trendFigure(series, theme) {
  const color = `hsl(217, ${theme.dark ? 85 : 75}%, ${theme.dark ? 68 : 38}%)`;
  const values = series.values.map((value) => NUMBERS[value] === null ? null : value);
  const axis = { gridcolor: theme.grid, linecolor: theme.line, zeroline: false, automargin: true };
  const line = (change) => ({ type: "line", x0: change.time, x1: change.time, yref: "paper",
    y0: 0, y1: 1, line: { color: theme.text, width: 1, dash: "dot" } });
  const middle = series.times[Math.floor(series.times.length / 2)];
  const label = (change) => ({ x: change.time, y: 1, yref: "paper", yanchor: "top",
    xanchor: change.time < middle ? "left" : "right", showarrow: false, font: { size: 11 },
    text: ` ${change.kind} ${change.time.slice(0, 10)} ` });
  return {
    traces: [{ type: "scatter", mode: "lines+markers", x: series.times, y: values,
      line: { color, width: 1.2 }, marker: { color, size: 4 },
      hovertemplate: "%{x|%Y-%m-%d %H:%M}: %{y:.9~g}<extra></extra>" }],
    layout: {
      font: { family: "system-ui, sans-serif", size: 12, color: theme.text },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", height: 230,
      title: { text: plain(series.name), font: { size: 12 }, x: 0, xref: "paper", y: 0.97 },
      margin: { l: 64, r: 16, t: 30, b: 36 }, showlegend: false, hovermode: "closest",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.quiet, activecolor: theme.text },
      xaxis: { ...axis, type: "date" },
      yaxis: { ...axis, exponentformat: "e" },
      shapes: series.changes.map(line), annotations: series.changes.map(label),
    },
  };
}

function drawTrend(element) {
  const [name, group, place] = element.dataset.trend.split(" ");
  const { traces, layout } = trendFigure(trends[name][group][place], themeNow());
  return Plotly.react(element, traces, layout, CONFIG).then(() => {
    element.dataset.drawn = "trend";
  });
}

const trendObserver = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    trendObserver.unobserve(target);
    drawTrend(target);
  }
}, { rootMargin: "300px" });
for (const element of document.querySelectorAll(".trend-chart")) trendObserver.observe(element);
darkness.addEventListener("change", () => {
  for (const element of document.querySelectorAll(".trend-chart[data-drawn]")) drawTrend(element);
});
