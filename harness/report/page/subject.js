/* Which comparison a detail is about, and how another one is chosen. */

/* Read from the address; what it leaves open is what is worst. */
function subjectOf(params) {
  const row = rowOf.get(key(params.get("case") ?? "", params.get("variant") ?? ""));
  if (!row) return null;
  const all = row.cells.flat();
  const here = row.cells[columnOf.get(params.get("env"))?.place] ?? all;
  const comparison = here.find((c) => c.against === params.get("against")) ?? worstOf(here);
  if (!comparison) return null;
  return { case: row.case, variant: row.variant, env: comparison.observed,
    against: comparison.against, baseline: comparison.baseline, row, comparison,
    beside: cellOf(row.case, row.variant, comparison.observed) };
}

/* The variant's row of the matrix, as the way to its other versions. */
function rowStrip(subject) {
  const present = columns.filter((column) => subject.row.cells[column.place]);
  const own = familyOf(subject.env);
  const others = [...new Set(present.map((column) => column.family))]
    .filter((family) => family !== own);
  return [stripTable(subject, present, [own], "Versions"), others.length
    ? h("details.fold", {}, h("summary", {}, "Other frameworks"),
      stripTable(subject, present, others, "Versions of other frameworks")) : null];
}

function stripTable(subject, present, families, label) {
  const cell = (column) => {
    const found = subject.row.cells[column.place];
    const { state, start, symbols } = cellParts(subject.row, column, found, found);
    const isHere = column.name === subject.env;
    return `<td class="${isHere ? "here " : ""}${state}">${start}${isHere
      ? ' aria-current="true"' : ""}>${symbols}<span>${esc(short(column.version, 14))}</span>` +
      "</a></td>";
  };
  const parts = families.map((family) => `<tr><th scope="row">${esc(short(family))}</th>${present
    .filter((column) => column.family === family).map(cell).join("")}</tr>`);
  const table = h("table.rowstrip", { "aria-label": label });
  table.innerHTML = `<tbody>${parts.join("")}</tbody>`;
  table.addEventListener("pointerover", gridTitle);
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": label }, table);
}

/* What the environment is compared with, each with its verdict. */
function sideTabs(subject) {
  return h("nav.sides", { "aria-label": "Compared with" }, subject.beside.map((comparison) =>
    h("a", { href: detailAddress(subject.case, subject.variant, subject.env, comparison.against),
      "aria-current": comparison === subject.comparison ? "true" : null },
    badge(comparison.verdict, comparison.waived), " against ", named(sideOf(comparison)))));
}

function chooser(subject, go) {
  const variants = rows.map((row, place) =>
    [String(place), `${row.case} · ${row.title}`]);
  const environments = columns.filter((column) => subject.row.cells[column.place])
    .map((column) => {
      const { shown } = shownOf(subject.row.cells[column.place]);
      return [column.name, `${symbolOf(shown.verdict, shown.waived)}  ${column.name}`];
    });
  return h("div.controls.chooser", {},
    select("case and variant", String(rows.indexOf(subject.row)), variants, (place) =>
      go(detailAddress(rows[place].case, rows[place].variant, subject.env, subject.against))),
    select("environment", subject.env, environments, (env) =>
      go(detailAddress(subject.case, subject.variant, env, subject.against))));
}
