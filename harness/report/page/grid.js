/* Moves through the matrix by arrow keys: one cell at a time can be reached by Tab. */

import { route } from "./address.js";
import { cellOf, sideOf } from "./model.js";

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** @returns {NodeListOf<HTMLElement>} the links within reach of Tab */
const reachable = (table) => table.querySelectorAll('a[tabindex="0"]');

/** Leaves one link of the table within reach of Tab, the first cell where none is yet. */
export function resetGrid(table) {
  const [first, ...others] = reachable(table);
  for (const link of others) link.tabIndex = -1;
  const link = first ?? table.querySelector("tbody td a") ?? table.querySelector("tbody a");
  if (link) link.tabIndex = 0;
}

/** @param {HTMLElement} link */
export function focusCell(link, options = undefined) {
  for (const other of reachable(link.closest("table"))) other.tabIndex = -1;
  link.tabIndex = 0;
  link.focus(options);
}

/* The next link in a direction; places without a comparison and headings are passed over. */
function nextLink(table, cell, [down, right]) {
  let line = cell.parentElement.rowIndex;
  let place = cell.cellIndex;
  for (;;) {
    line += down;
    place += right;
    const row = table.rows[line];
    if (!row || place < 0 || (right && place >= row.cells.length)) return null;
    const link = row.cells[place]?.querySelector("a");
    if (link && !row.classList.contains("case")) return link;
  }
}

export function gridKey(event) {
  const cell = event.target.closest("td, th");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...cell.parentElement.querySelectorAll("a")];
  const link = MOVES[event.key] ? nextLink(event.currentTarget, cell, MOVES[event.key])
    : event.key === "Home" ? links[0] : event.key === "End" ? links.at(-1) : undefined;
  if (link === undefined) return;
  event.preventDefault();
  if (link) focusCell(link);
}

/** The words of a cell are made when they are wanted, not thousands of them beforehand. */
export function gridTitle(event) {
  const link = event.target.closest("td a");
  if (!link || link.title) return;
  const { params } = route(link.getAttribute("href"));
  const told = cellOf(params.get("case"), params.get("variant"), params.get("env"))
    .map((one) => `against ${sideOf(one)}: ${one.verdict}${one.waived ? ", waived" : ""}`);
  link.title = `${params.get("env")}\n${told.join("\n")}`;
}
