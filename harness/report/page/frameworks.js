/* The newest version of every framework against the reference: is this case right anywhere? */

const closeFrameworks = () => refill(document.getElementById("frameworks-body"));

async function openFrameworks(params) {
  const view = h("div", {});
  refill(document.getElementById("frameworks-body"), view);
  const usable = rows.filter((row) => row.variant !== "*");
  const row = rowOf.get(key(params.get("case") ?? "", params.get("variant") ?? "")) ?? usable[0];
  if (!row) return;
  const set = (values) => {
    change(values);
    openFrameworks(route().params);
  };
  const chunk = await chunkOf(row.case, row.variant);
  if (!view.isConnected) return; /* it was left meanwhile */
  const precisions = Object.keys(chunk?.charts ?? {});
  const precision = precisions.includes(params.get("precision")) ? params.get("precision")
    : precisions[0];
  const axis = params.get("axis") ?? "linear";
  view.replaceChildren(h("div.controls", {},
    select("case and variant", String(rows.indexOf(row)), usable.map((entry) =>
      [String(rows.indexOf(entry)), `${entry.case} · ${entry.title}`]),
    (place) => set({ case: rows[place].case, variant: rows[place].variant })),
    precision ? choice("precision", "fw-precision", precision, precisions.map((p) => [p, p]),
      (v) => set({ case: row.case, variant: row.variant, precision: v })) : null,
    choice("axis", "fw-axis", axis, [["linear", "linear"], ["log", "log"]],
      (v) => set({ case: row.case, variant: row.variant, axis: v }))));
  if (!precision) {
    view.append(h("p", {}, "No curve was recorded."));
    return;
  }
  drawFrameworks(view, row, chunk.charts[precision], precision, axis === "log");
}

function drawFrameworks(view, row, chart, precision, logarithmic) {
  const picked = pickLines(chart, { env: "", against: "", baseline: "" }, "newest");
  const figure = { chart, precision, quantity: "loss", picked, logarithmic, mark: null,
    base: referenceLine(chart), baseName: "reference" };
  const element = h("div.chart.curves", {});
  view.append(element, frameworkTable(row, chart, precision));
  figureIn(element, (theme) => curveFigure(figure, theme));
}

/* Each family's newest version: its verdict against the reference, and where it ends. */
function frameworkTable(row, chart, precision) {
  const place = referenceLine(chart);
  const reference = place < 0 ? null
    : curveOf(chart, chart.lines[place].loss, "loss", precision);
  const lines = newest(chart).map((env) => {
    const curve = curveOf(chart, chart.lines[observedLine(chart, env)].loss, "loss", precision);
    const found = cellOf(row.case, row.variant, env).find((c) => c.against === "reference");
    const most = reference && differences(curve, reference)
      .reduce((largest, off) => Math.max(largest, off === null ? Infinity : Math.abs(off)), 0);
    const told = facts.findings[found?.worst]; /* its own size, which may be another check's */
    const link = found ? h("a", { href: detailAddress(row.case, row.variant, env, "reference") },
      short(env)) : named(env);
    return h("tr", {}, h("td", {}, familyOf(env)), h("th", { scope: "row" }, link),
      h("td", {}, found ? badge(found.verdict, found.waived)
        : h("span.quiet", {}, "not compared")),
      h("td.sentence", {}, told ? [data(told.deviation), " ", h("span.quiet", {},
        [told.check, told.precision, told.tensor].filter(Boolean).join(", "))] : null),
      h("td.n", {}, data(most)),
      h("td.n", {}, data(curve.at(-1))));
  });
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Newest versions" },
    h("table", {}, h("thead", {}, h("tr", {}, ["framework", "newest", "against the reference",
      "because of"].map((text) => h("th", { scope: "col" }, text)),
    [`deviation of the ${precision} loss`, "final loss"].map((text) => h("th.n", { scope: "col" }, text)))),
    h("tbody", {}, lines)));
}
