/* Every family's versions as segments that behave the same, and what changed between them. */

function openTimeline(params) {
  const view = document.getElementById("timeline-body");
  const values = { family: params.get("family") ?? facts.timeline[0]?.family ?? "",
    case: params.get("case") ?? "", q: params.get("q") ?? "", steady: params.get("steady") ?? "" };
  if (!facts.timeline.length) {
    view.replaceChildren(h("p", {}, "No family has two versions with baselines yet."));
    return;
  }
  const set = (changed, how) => {
    change({ ...values, ...changed }, how);
    openTimeline(route().params);
  };
  const found = facts.timeline.find((entry) => entry.family === values.family) ??
    facts.timeline[0];
  const search = h("input", { type: "search", value: values.q, oninput: (event) => {
    change({ ...values, q: event.target.value }, { replace: true });
    values.q = event.target.value;
    drawLines(lines, found, values);
  } });
  const lines = h("div", {});
  view.replaceChildren(h("div.controls", {},
    select("framework", found.family, facts.timeline.map((entry) => [entry.family, entry.family]),
      (family) => set({ family })),
    select("case", values.case, [["", "all"], ...[...new Set(found.lines.map((line) => line.case))]
      .map((entry) => [entry, entry])], (entry) => set({ case: entry })),
    h("label.field", {}, h("span", {}, "variant"), search),
    choice("show", "tl-steady", values.steady, [["", "what changed"], ["all", "everything"]],
      (v) => set({ steady: v }))), lines);
  drawLines(lines, found, values);
}

function drawLines(element, found, values) {
  const asked = found.lines.filter((line) => (!values.case || line.case === values.case) &&
    line.variant.toLowerCase().includes(values.q.toLowerCase()));
  const shown = asked.filter((line) => values.steady || line.changes.length);
  const steady = asked.length - asked.filter((line) => line.changes.length).length;
  const word = asked.length === 1 ? "line" : "lines";
  element.replaceChildren(
    h("p.status", { role: "status" }, `${asked.length - steady} of ${asked.length} ${word} ` +
      `changed between ${short(found.versions[0])} and ${short(found.versions.at(-1))}.`),
    shown.length ? h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Timeline" },
      lineTable(found, shown)) : h("p", {}, "Nothing changed."));
}

const shortVersion = (family, env) => env.startsWith(`${family}-`)
  ? env.slice(family.length + 1) : env;

function lineTable(found, lines) {
  const head = h("tr", {}, h("th", { scope: "col" }, "case, variant, precision"),
    found.versions.map((env) => h("th.version", { scope: "col", title: short(env) },
      h("span", {}, short(shortVersion(found.family, env), 24)))));
  return h("table.timeline", {}, h("thead", {}, head),
    h("tbody", {}, lines.map((line) => lineRow(found, line))));
}

/* A cell for every group, as wide as its versions; what was not measured is apart. */
function lineRow(found, line) {
  const groupOf = new Map(line.groups.flatMap((group) =>
    group.versions.map((env) => [env, group])));
  const cells = [];
  for (const env of found.versions) {
    const group = groupOf.get(env) ?? null;
    const last = cells.at(-1);
    if (last && last.group === group) last.span += 1;
    else cells.push({ group, span: 1, env });
  }
  const seen = new Set();
  return h("tr", {}, h("th", { scope: "row" }, h("span.quiet", {}, short(line.case)), " ",
    h("a", { href: detailAddress(line.case, line.variant) }, short(line.variant)), " ",
    h("span.precision", {}, line.precision ?? "native runs")),
  cells.map((cell) => {
    const isFirst = !seen.has(cell.group);
    seen.add(cell.group);
    return segment(found, line, cell, isFirst);
  }));
}

function segment(found, line, { group, span, env }, isFirst) {
  if (!group) {
    return h("td.absent", { colspan: span, title: short(line.absent[env] ?? "not measured", 300) },
      h("span", { "aria-label": `not there: ${short(line.absent[env] ?? "not measured")}` }, "·"));
  }
  const width = { style: `--span: ${span}` };
  const changed = isFirst ? line.changes.filter((one) => one.observed === group.versions[0]) : [];
  const like = group.like ? h("span.like", {},
    `like ${short(shortVersion(found.family, group.like), 24)}`) : null;
  const text = [h("span.same", {}, page.symbols[group.verdict]), like];
  if (!changed.length) return h("td.segment", { colspan: span }, h("div", width, text));
  return h("td.segment.begins", { colspan: span }, h("div", width, changed.map((one) =>
    changeLink(line, one)), text));
}

/* The boundary: its verdict, in brackets where it is explained, and what was found. */
function changeLink(line, { observed, baseline, explained, creeping, findings }) {
  const found = findings.map((place) => facts.findings[place])
    .filter((finding) => rank[finding.verdict] >= rank.drift)
    .sort((a, b) => rank[b.verdict] - rank[a.verdict]);
  const verdict = found[0]?.verdict ?? "error";
  const told = `${observed} against ${baseline}: ${verdict}` +
    `${explained ? ", explained" : ", not explained"}${creeping ? ", by small steps" : ""}`;
  return h(`a.boundary.v-${verdict}${explained ? ".waived" : ""}`, {
    href: detailAddress(line.case, line.variant, observed, "previous"), "aria-label": told,
    title: `${told}\n${short(found[0]?.sentence ?? "", 400)}` }, symbolOf(verdict, explained),
  creeping ? "…" : null);
}
