/* Native runs: the framework's own initialisers, shuffling and loop; every seed is a dot. */

function nativeFigure(samples, theme) {
  const labels = samples.map((sample) => `${plain(sample.environment)}` +
    `${sample.role === "baseline" ? " (baseline)" : ""}<br>${shareOf(sample)}`);
  const traces = [true, false].map((trained) => {
    const points = samples.flatMap((sample, place) => sample.final_loss
      .map((loss, seed) => ({ loss: num(loss), seed, place, metric: num(sample.metric[seed]) }))
      .filter((point) => sample.trained[point.seed] === trained));
    return { type: "scatter", mode: "markers", name: trained ? "trained" : "did not train",
      x: points.map((point) => Number.isFinite(point.loss) ? point.loss : null),
      /* spread by seed, so that equal losses stay apart, and the same in every report */
      y: points.map((point) => -point.place + 0.5 * ((point.seed * 0.618) % 1 - 0.5)),
      text: points.map((point) => `seed ${point.seed}: loss ${fmt(point.loss)}, ` +
        `${plain(samples[point.place].metric_name)} ${fmt(point.metric)}`),
      hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: trained ? "circle" : "x-thin", size: trained ? 8 : 9, opacity: 0.85,
        color: trained ? theme.observed : theme.base,
        line: { width: trained ? 0 : 2, color: theme.base } } };
  });
  return { traces, layout: layoutOf(theme, {
    height: 110 + 62 * samples.length, showlegend: true,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    xaxis: axisOf(theme, { type: "log", title: { text: "final loss", standoff: 4 },
      exponentformat: "e" }),
    yaxis: axisOf(theme, { tickvals: samples.map((_, place) => -place), ticktext: labels,
      range: [-samples.length + 0.5, 0.5], showgrid: false }),
  }) };
}

function shareOf(sample) {
  const percent = (value) => `${Math.round(100 * num(value))}`;
  const trained = sample.trained.filter(Boolean).length;
  return `${trained} of ${sample.trained.length} trained ` +
    `(${percent(sample.interval[0])}–${percent(sample.interval[1])} %)`;
}

/* The environment, what it is compared with, or every one. */
function nativePanel(samples, subject, wanted, onchange) {
  if (!samples?.length) return null;
  const mine = samples.filter((sample) => sample.environment === subject.env ||
    sample.environment === subject.baseline);
  const isAll = wanted === "all" || !mine.length;
  const shown = isAll ? samples : mine;
  const chart = h("div.chart", {});
  figureIn(chart, (theme) => nativeFigure(shown, theme));
  const told = shown.map((sample) => h("li", {}, named(sample.environment),
    `: ${shareOf(sample)}`));
  return h("section.panel.native", {}, h("h3", {}, "Native runs: every seed a dot"),
    mine.length < samples.length && mine.length ? h("div.controls", {},
      choice("shown", "native-shown", isAll ? "all" : "",
        [["", "this comparison"], ["all", "every environment"]], (v) => onchange("native", v)))
      : null,
    chart, h("ul.hidden", {}, told),
    h("p.note", {}, `Trained: ${samples[0].metric_name} of at least ${fmt(samples[0].minimum)}. `,
      "The interval holds the true share with 95 %."));
}
