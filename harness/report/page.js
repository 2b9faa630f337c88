/* Draws each chart when it scrolls into view, and again when a switch or the colour scheme
   changes. The page is complete without it, charts apart. */
const { charts, curves } = JSON.parse(document.getElementById("data").textContent);
const families = [...new Set(Object.values(charts).flatMap((chart) => Object.values(chart))
  .flatMap((chart) => chart.lines).flatMap((line) => line.members)
  .map((member) => family(member.environment)))].filter((name) => name !== "reference").sort();
const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const CONFIG = {
  responsive: true, displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
};

function themeNow() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return { dark: darkness.matches, text: color("text"), quiet: color("quiet"),
    grid: color("grid"), line: color("line"),
    band: darkness.matches ? "rgba(134,214,161,.16)" : "rgba(23,107,58,.13)" };
}

function chosen(detail, what) {
  return detail.querySelector(`input[name$="-${what}"]:checked`).value;
}

function draw(element) {
  const detail = element.closest("details");
  const precision = chosen(detail, "precision");
  const { traces, layout } = figure(charts[element.dataset.detail][precision], precision,
    chosen(detail, "scale") === "log", curves, families, themeNow());
  for (const note of detail.querySelectorAll("[data-precision]")) {
    note.hidden = note.dataset.precision !== precision;
  }
  return Plotly.react(element, traces, layout, CONFIG).then(() => {
    element.dataset.drawn = precision;
  });
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    draw(target);
  }
}, { rootMargin: "300px" });

for (const element of document.querySelectorAll(".chart")) {
  observer.observe(element);
  element.closest("details").querySelector(".controls").addEventListener("change", () => {
    draw(element);
  });
}
darkness.addEventListener("change", () => {
  for (const element of document.querySelectorAll(".chart[data-drawn]")) draw(element);
});

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
function setAll(open) {
  for (const detail of document.querySelectorAll("details.detail")) detail.open = open;
}
window.addEventListener("hashchange", openTarget);
document.getElementById("open-all").addEventListener("click", () => setAll(true));
document.getElementById("close-all").addEventListener("click", () => setAll(false));
openTarget();
