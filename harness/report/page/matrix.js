/* Draws the matrix and its filters. The table is one string: thousands of cells in one go. */

const LARGE = 2000; /* cells */
const CHARACTERS = 4; /* of a family's name that fit across one column; a longer one is upright */
const SHOW = [["", "what changed"], ["differences", "what changed, and what is waived"],
  ["all", "everything"]];
const SORT = [["", "by name"], ["worst", "by worst verdict"],
  ["count", "by number of differences"]];

function filterOptions() {
  const phases = [...new Set(facts.comparisons.map((c) => c.phase).filter(Boolean))];
  const kinds = KINDS.filter((kind) => facts.comparisons.some((c) => c.against === kind));
  const plain = (values) => values.map((value) => [value, value]);
  return {
    show: [...SHOW, ...verdicts.map((verdict) => [verdict, `${page.symbols[verdict]} ${verdict}`])],
    family: [["", "all"], ...plain([...new Set(columns.map((column) => column.family))])],
    case: [["", "all"], ...plain(facts.cases.map((found) => found.name))],
    phase: [["", "any"], ...plain(phases)],
    against: [["", "anything"], ...plain(kinds)],
    sort: SORT,
  };
}

const LABELS = { show: "show", family: "framework", case: "case", phase: "phase",
  against: "against", sort: "sort rows" };

function drawFilters(form) {
  const options = filterOptions();
  const search = h("input", { type: "search", name: "q", placeholder: "name or sentence",
    oninput: (event) => {
      change({ q: event.target.value }, { replace: true, anchor: "matrix" });
      drawMatrix();
    } });
  const fields = Object.entries(options).map(([filter, values]) => {
    const field = select(LABELS[filter], "", values, (value) => {
      change({ [filter]: value }, { anchor: "matrix" });
      drawMatrix();
    });
    field.querySelector("select").name = filter;
    return field;
  });
  form.replaceChildren(h("label.field", {}, h("span", {}, "search"), search), ...fields);
  form.addEventListener("submit", (event) => event.preventDefault());
}

function fillFilters(form, filters) {
  for (const filter of FILTERS) {
    const field = form.elements.namedItem(filter);
    if (field.value !== filters[filter]) field.value = filters[filter];
  }
}

/* Rows lay themselves out, in a large matrix only while they are in view (matrix.css), so that
   thousands of cells open at once; what makes this a table is said by roles. */
function headHtml(shown) {
  const families = [];
  for (const column of shown) {
    const last = families.at(-1);
    if (last?.family === column.family) last.span += 1;
    else families.push({ family: column.family, span: 1, first: column });
  }
  const starts = new Set(families.map((family) => family.first));
  const tops = families.map(({ family, span }) =>
    `<th role="columnheader" class="family${short(family).length > CHARACTERS * span
      ? " tight" : ""}" aria-colspan="${span}" style="--span: ${span}"><span>` +
    `${esc(short(family))}</span></th>`);
  const versions = shown.map((column) => `<th role="columnheader" class="version` +
    `${starts.has(column) ? " start" : ""}" title="${esc(short(column.name))}">` +
    `<span>${esc(short(column.version || column.name, 24))}</span></th>`);
  const corner = '<td role="gridcell" class="corner"></td>';
  return `<thead role="rowgroup"><tr role="row">${corner}${tops.join("")}</tr>` +
    `<tr role="row">${corner}${versions.join("")}</tr></thead>`;
}

function rowHtml({ row, matches, size }, shown, grouped) {
  const title = grouped ? "" : `<span class="quiet">${esc(short(row.case))}</span> `;
  const cells = shown.map((column) => cellHtml(row, column, matches[column.place]));
  const count = size.count ? `<span class="count" title="not waived">${size.count}</span>` : "";
  return `<tr role="row"><th role="rowheader"><a href="${linkOf(row)}" ` +
    `tabindex="-1">${title}${esc(short(row.title))}</a>${count}</th>${cells.join("")}</tr>`;
}

/* Cases are sections while rows stand by name; otherwise every row names its case. */
function bodyHtml(found, shown) {
  const grouped = !route().params.get("sort");
  const parts = [];
  let last = null;
  for (const entry of found) {
    if (grouped && entry.row.case !== last) {
      last = entry.row.case;
      const about = facts.cases.find((found) => found.name === last)?.summary ?? "";
      parts.push(`<tr role="row" class="case"><th role="rowheader"><span>` +
        `${esc(short(last))} <span class="quiet">${esc(short(about, 160))}</span></span></th>` +
        "</tr>");
    }
    parts.push(rowHtml(entry, shown, grouped));
  }
  return `<tbody role="rowgroup">${parts.join("")}</tbody>`;
}

function drawMatrix() {
  const filters = filtersOf(route().view === "overview" ? route().params : new URLSearchParams());
  const found = selection(filters);
  fillFilters(document.getElementById("filters"), filters);
  const table = document.getElementById("cells");
  const status = document.getElementById("matrix-status");
  table.innerHTML = found.rows.length
    ? headHtml(found.columns) + bodyHtml(found.rows, found.columns) : "";
  table.hidden = !found.rows.length;
  table.classList.toggle("large", found.rows.length * found.columns.length > LARGE);
  table.style.setProperty("--columns", found.columns.length);
  status.replaceChildren(...statusOf(found, filters));
  resetGrid(table);
}

function statusOf(found, filters) {
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const narrowed = FILTERS.some((filter) => filters[filter] && filter !== "sort");
  const all = h("a", { href: "#matrix?show=all" }, "show everything");
  const clear = narrowed ? [" · ", h("a", { href: "#matrix" }, "clear the filters")] : [];
  if (!found.rows.length) {
    return [h("span", {}, narrowed ? "Nothing matches these filters." :
      `No open difference in ${plural(facts.comparisons.length, "comparison")}. `), " ", all,
    ...clear];
  }
  const total = facts.comparisons.length.toLocaleString("en");
  return [`${plural(found.count, "comparison")} of ${total}` +
    ` match, in ${plural(found.rows.length, "variant")}. `,
  ...(filters.show === "all" ? [] : [all]), ...clear];
}
