/* Draws figures with Plotly when they come into view, and again when the colours change. */

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const CONFIG = {
  responsive: true, displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
};
const HUES = [217, 18, 168, 285, 330, 85, 45, 195]; /* one for each family, in their order */

/* Plotly reads a little HTML in its texts; names are text. */
const plain = (text) => short(text, 60).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
  .replaceAll(">", "&gt;");

function themeNow() {
  const style = getComputedStyle(document.documentElement);
  const color = (property) => style.getPropertyValue(`--${property}`).trim();
  const dark = darkness.matches && !document.documentElement.matches(".paper");
  return { dark, text: color("text"), quiet: color("quiet"),
    grid: color("grid"), line: color("line"), observed: color("observed"),
    base: color("base"), band: color("band"), chaos: color("chaos"), card: color("card") };
}

/* One hue for every family, the same in all charts, and one shade for each line in it. */
function hue(family, place, dark) {
  const families = [...new Set(columns.map((column) => column.family))];
  const start = HUES[Math.max(0, families.indexOf(family)) % HUES.length];
  const turn = [0, 14, -10, 22, -16][place % 5];
  return `hsl(${start + 9 * place}, ${dark ? 80 : 70}%, ${dark ? 68 + turn / 2 : 38 + turn}%)`;
}

const axisOf = (theme, more) => ({ gridcolor: theme.grid, linecolor: theme.line, zeroline: false,
  automargin: true, ...more });

function layoutOf(theme, more) {
  return {
    font: { family: "system-ui, sans-serif", size: 12, color: theme.text },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 60, r: 12, t: 28, b: 40 }, hovermode: "closest",
    hoverlabel: { namelength: -1, align: "left" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.quiet, activecolor: theme.text },
    ...more,
  };
}

const figures = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    draw(target);
  }
}, { rootMargin: "200px" });

/* Draws what make(theme) returns, { traces, layout }, as soon as the element is in view. */
function figureIn(element, make) {
  figures.set(element, make);
  if (element.dataset.drawn) draw(element);
  else observer.observe(element);
}

const painted = () => new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
let queue = Promise.resolve();

/* One figure a frame, after what is there has been painted: words come before pictures. */
async function draw(element) {
  const Plotly = await plotly();
  await (queue = queue.then(painted));
  const make = figures.get(element);
  if (!make || !element.isConnected) return;
  const { traces, layout } = make(themeNow());
  await Plotly.react(element, traces, layout, CONFIG);
  element.dataset.drawn = Number(element.dataset.drawn ?? 0) + 1;
}

/* The first figure takes twice as long as the next: one is drawn where nobody sees it. */
async function rehearse() {
  const Plotly = await plotly();
  const element = document.body.appendChild(h("div.hidden", { "aria-hidden": "true" }));
  const traces = [{ type: "scatter", mode: "lines", y: [0, 1], name: "rehearsal" }];
  await Plotly.newPlot(element, traces, layoutOf(themeNow(), { width: 400, height: 200 }), CONFIG);
  Plotly.purge(element);
  element.remove();
  document.body.dataset.rehearsed = "true";
}

/* Puts other children into an element, and frees the figures of those that go. */
function refill(within, ...children) {
  for (const element of figures.keys()) {
    if (!within.contains(element)) continue;
    observer.unobserve(element);
    figures.delete(element);
    if (element.dataset.drawn) window.Plotly.purge(element);
  }
  within.replaceChildren(...children);
}

/* Draws again what was drawn, in the colours of now. */
function redraw() {
  for (const element of figures.keys()) if (element.dataset.drawn) draw(element);
}

darkness.addEventListener("change", redraw);
