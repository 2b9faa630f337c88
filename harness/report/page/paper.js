/* What paper needs: nothing folded, the matrix in sheets that fit, and every figure at once, in
   the colours of light and as wide as a page, since printing waits for nobody. */

const PAPER_WIDTH = { small: 320, whole: 660 }; /* CSS pixels within the margins of A4 */
const SHEET_COLUMNS = 16;

function toPaper() {
  for (const fold of document.querySelectorAll("details.more")) fold.open = true;
  document.documentElement.classList.add("paper");
  document.getElementById("paper-sheets").innerHTML = shownView === "overview" ? sheetsHtml() : "";
  if (!window.Plotly) return;
  for (const [element, make] of figures) {
    const { traces, layout } = make(themeNow());
    layout.width = PAPER_WIDTH[element.matches(".small") ? "small" : "whole"];
    window.Plotly.react(element, traces, layout, CONFIG);
    element.dataset.drawn ??= 0;
  }
}

function fromPaper() {
  document.documentElement.classList.remove("paper");
  document.getElementById("paper-sheets").replaceChildren();
  for (const element of figures.keys()) if (element.dataset.drawn) window.Plotly.purge(element);
  redraw(); /* anew, as wide as there is room */
}

/* The matrix as it is filtered, a table for each framework, a large one in equal parts. */
function sheetsHtml() {
  const found = selection(filtersOf(route().params));
  if (!found.rows.length) return "";
  const families = [...new Set(found.columns.map((column) => column.family))];
  const sheets = families.flatMap((family) => {
    const own = found.columns.filter((column) => column.family === family);
    const size = Math.ceil(own.length / Math.ceil(own.length / SHEET_COLUMNS));
    return Array.from({ length: Math.ceil(own.length / size) }, (_, place) =>
      own.slice(place * size, (place + 1) * size));
  });
  return sheets.map((shown) => `<table class="matrix" style="--columns: ${shown.length}">` +
    `${headHtml(shown)}${bodyHtml(found.rows, shown)}</table>`).join("");
}

window.addEventListener("beforeprint", toPaper);
window.addEventListener("afterprint", fromPaper);
