/* Moves through the matrix by arrow keys: one cell at a time can be reached by Tab. */

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
let current = null;

function resetGrid(table) {
  current = table.querySelector("tbody td a") ?? table.querySelector("tbody a");
  if (current) current.tabIndex = 0;
}

function focusCell(link, options) {
  if (!link) return;
  if (current) current.tabIndex = -1;
  current = link;
  current.tabIndex = 0;
  current.focus(options);
}

/* The next link in a direction; places without a comparison and headings are passed over. */
function nextLink(table, cell, [down, right]) {
  const lines = table.rows;
  let line = cell.parentElement.rowIndex;
  let place = cell.cellIndex;
  for (;;) {
    line += down;
    place += right;
    const row = lines[line];
    if (!row || place < 0 || (right && place >= row.cells.length)) return null;
    const link = row.cells[place]?.querySelector("a");
    if (link && !row.classList.contains("case")) return link;
  }
}

function gridKey(event) {
  const cell = event.target.closest("td, th");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...cell.parentElement.querySelectorAll("a")];
  const link = MOVES[event.key] ? nextLink(event.currentTarget, cell, MOVES[event.key])
    : event.key === "Home" ? links[0] : event.key === "End" ? links.at(-1) : undefined;
  if (link === undefined) return;
  event.preventDefault();
  focusCell(link);
}

/* The words of a cell are made when they are wanted, not thousands of them beforehand. */
function gridTitle(event) {
  const link = event.target.closest("td a");
  if (!link || link.title) return;
  const { params } = route(link.getAttribute("href"));
  const told = cellOf(params.get("case"), params.get("variant"), params.get("env"))
    .map((comparison) => `against ${sideOf(comparison)}: ${comparison.verdict}` +
      `${comparison.waived ? ", waived" : ""}`);
  link.title = `${params.get("env")}\n${told.join("\n")}`;
}
