/* The detail of one case and variant: what was found, probes, curves, native runs, packages. */

const CHOICES = ["precision", "axis", "lines", "curve", "pp", "cp", "native"];

const closeDetail = () => refill(document.getElementById("detail"));

async function openDetail(params) {
  const view = document.getElementById("detail");
  const subject = subjectOf(params);
  if (!subject) {
    refill(view, h("h2", { tabindex: -1 }, "Nothing here"), h("p", {},
      "This report has no such case and variant. ", h("a", { href: "#matrix" }, "To the matrix")));
    return;
  }
  const body = h("div.body", {});
  refill(view, detailHead(subject), body);
  const chunk = await chunkOf(subject.case, subject.variant);
  if (body.isConnected) drawBody(body, subject, chunk); /* else it was left meanwhile */
}

function detailHead(subject) {
  const { comparison } = subject;
  const jump = (next) => {
    leaveEntry();
    location.hash = next;
  };
  return h("header.subject", {},
    h("p.crumbs", {}, h("a.back", { href: overviewAddress }, "← Overview"),
      h("a", { href: address("frameworks", { case: subject.case, variant: subject.variant }) },
        "All frameworks"),
      h("a", { href: address("timeline", { case: subject.case, q: subject.variant }) },
        "Timeline")),
    h("h2", { tabindex: -1 }, named(subject.case), " ", h("span.variant", {}, subject.row.title)),
    h("p.versus", {}, badge(comparison.verdict, comparison.waived), " ", h("b", {},
      named(subject.env)), " against ", named(sideOf(comparison))),
    headline(comparison), figuresOf(comparison),
    sideTabs(subject), chooser(subject, jump), rowStrip(subject));
}

/* Draws everything below the head again, after a switch: the address holds the choice. */
function drawBody(body, subject, chunk) {
  const chosen = Object.fromEntries(CHOICES.map((name) => [name, route().params.get(name) ?? ""]));
  const set = (name, value) => {
    change({ [name]: value }, { replace: true });
    const focus = document.activeElement?.name;
    drawBody(body, subject, chunk);
    body.querySelector(`input[name="${focus}"]:checked`)?.focus({ preventScroll: true });
  };
  const height = body.offsetHeight;
  body.style.minHeight = `${height}px`; /* the page must not jump while it is drawn again */
  refill(body, ...[
    probes(subject, chunk, chosen, set), ...curvePanels(subject, chunk, chosen, set),
    nativePanel(chunk?.native, subject, chosen.native, set), findingPanel(subject),
    packagePanel(subject), commandPanel(subject)].filter(Boolean));
  body.style.minHeight = "";
}

/* The probes of both sides, in every precision. */
function probes(subject, chunk, chosen, set) {
  const found = new Map();
  for (const chart of Object.values(chunk?.charts ?? {})) {
    const probeOf = (index) => chunk.probes[chart.lines[index]?.probes ?? -1] ?? null;
    const probe = probeOf(observedLine(chart, subject.env));
    if (probe) found.set(probe, { probe, base: probeOf(baseLine(chart, subject)) });
  }
  const told = tellingOf(subject.comparison)?.checkpoint;
  return probePanel([...found.values()],
    { precision: chosen.pp, checkpoint: chosen.cp, told }, set);
}

/* The precision of the finding that is shown, or that in which most differs. */
function firstPrecision(subject, chunk) {
  const names = Object.keys(chunk.charts);
  const told = tellingOf(subject.comparison)?.precision;
  return names.includes(told) ? told : names.reduce((best, name) =>
    chunk.charts[name].marks.length > chunk.charts[best].marks.length ? name : best, names[0]);
}

function curvePanels(subject, chunk, chosen, set) {
  const precisions = Object.keys(chunk?.charts ?? {});
  if (!precisions.length) return [h("p.panel.quiet", {}, "No curve was recorded.")];
  const precision = precisions.includes(chosen.precision) ? chosen.precision
    : firstPrecision(subject, chunk);
  const chart = chunk.charts[precision];
  const quantities = Object.entries(QUANTITIES).filter(([name]) =>
    chart.lines.some((line) => line[name]));
  const quantity = quantities.some(([name]) => name === chosen.curve) ? chosen.curve : "loss";
  const picked = pickLines(chart, subject, chosen.lines || "selected")
    .filter((line) => chart.lines[line.index][quantity]);
  const view = { chart, precision, quantity, picked, logarithmic: chosen.axis === "log",
    ...baseOf(chart, subject, chosen.lines), mark: markOf(chart, subject, quantity) };
  const element = h("div.chart.curves", {});
  figureIn(element, (theme) => curveFigure(view, theme));
  const controls = h("div.controls", {},
    choice("precision", "precision", precision, precisions.map((p) => [p, p]),
      (v) => set("precision", v)),
    choice("curve", "curve", quantity, quantities, (v) => set("curve", v)),
    choice("axis", "axis", chosen.axis || "linear", [["linear", "linear"], ["log", "log"]],
      (v) => set("axis", v)),
    choice("lines", "lines", chosen.lines || "selected", MODES, (v) => set("lines", v)));
  return [h("section.panel", {}, h("h3", {}, "Curves"), controls, element,
    sharedNote(chart, picked)), metricPanel(chart, picked)];
}

/* From which line differences are drawn: of one comparison its other side, else the reference. */
function baseOf(chart, subject, mode) {
  const own = mode && mode !== "selected" ? -1 : baseLine(chart, subject);
  if (own >= 0) {
    return { base: own, baseName: subject.baseline === subject.env ? "baseline"
      : plain(short(subject.baseline, 24)) };
  }
  return { base: referenceLine(chart), baseName: "reference" };
}

function markOf(chart, subject, quantity) {
  if (quantity !== "loss") return null;
  return chart.marks.filter((mark) => mark.observed === subject.env &&
    mark.against === subject.against).sort((a, b) => a.step - b.step)[0] ?? null;
}

/* The legend counts those of one line; here all are named. */
function sharedNote(chart, picked) {
  const many = picked.filter((line) => line.names.length > 1);
  if (!many.length) return null;
  return h("details.fold", {}, h("summary", {}, "Curves that agree to the bit"),
    h("ul.shared", {}, many.map((line) => h("li", {}, line.names.map((entry, place) =>
      [place ? " = " : "", named(entry)])))));
}
