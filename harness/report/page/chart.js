/* Draws figures with uPlot: lines with a band, marks and a shade, on axes that are linear,
   logarithmic, or linear near 0 and logarithmic beyond; drag across to zoom, twice click to reset. */

import { useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "./html.js";
import { look } from "./look.js";
import { ticks } from "./text.js";

const PAPER_WIDTH = { small: 320, whole: 660 }; /* CSS pixels within the margins of A4 */
const SHARP = 2; /* times a chart is drawn as large on paper, and shown as small: a printer's dots */
const DISTRIBUTIONS = { linear: 1, log: 3, asinh: 4 };
const NAMES = 64; /* height of names below an axis, which lean */
const AXIS = 62; /* least width of the labels of y, so that figures below each other are aligned */
const CHARACTER = 7; /* width of a digit */

/** The colours of now, by the names of the style sheet's variables. */
function themeNow() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => name === "dark" ? look.dark
    : style.getPropertyValue(`--${String(name)}`).trim() });
}

const minute = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

/* Where an axis that is logarithmic beyond its unit is labelled: 0 and a few powers on both sides. */
function powers({ unit, limit }) {
  const last = Math.max(1, Math.ceil(Math.log10(limit / unit)));
  const stride = Math.max(1, Math.ceil(last / 3));
  const found = Array.from({ length: Math.floor(last / stride) }, (_, place) =>
    unit * 10 ** (stride * (place + 1))).filter((value) => value <= limit);
  return [...found.map((value) => -value).reverse(), 0, ...found];
}

function axis(figure, theme, isX, scale) {
  const time = isX && figure.time;
  return { stroke: theme.text, font: `${12 * scale}px system-ui, sans-serif`,
    labelFont: `${12 * scale}px system-ui, sans-serif`, label: isX ? figure.xLabel : figure.label,
    labelSize: isX && !figure.xLabel ? 0 : 18 * scale, size: isX ? (figure.names ? NAMES : 28) * scale
      : (_, told) => scale * Math.max(AXIS, 14 + CHARACTER * Math.max(...(told ?? [""]).map(({ length }) => length))),
    gap: 4 * scale,
    space: (isX ? 60 : 34) * scale, grid: { stroke: theme.grid, width: scale },
    ticks: { stroke: theme.line, width: scale, size: 5 * scale },
    ...(figure.y.kind === "asinh" && !isX ? { splits: () => powers(figure.y), filter: (_, marks) => marks } : {}),
    ...(isX && figure.names ? { rotate: -60, splits: () => figure.x } : {}),
    values: (_, marks) => time ? marks.map((mark) => new Date(mark * 1000).toISOString().slice(5, 10))
      : isX && figure.names ? marks.map((mark) => figure.names[mark] ?? "") : ticks(marks) };
}

/* Behind the lines what is not judged, above them where something begins. */
function painters(figure, theme, scale) {
  const across = (plot, from, to, paint) => {
    const [left, right] = [from, to].map((value) => plot.valToPos(value, "x", true));
    plot.ctx.save();
    paint(plot.ctx, left, right, plot.bbox);
    plot.ctx.restore();
  };
  return { drawClear: [(plot) => figure.shade && across(plot, figure.shade,
    plot.scales.x.max, (ctx, left, right, { top, height }) => {
      ctx.fillStyle = theme.chaos;
      ctx.fillRect(left, top, Math.max(0, right - left), height);
    })],
  draw: [(plot) => (figure.marks ?? []).forEach((mark) => across(plot, mark, mark,
    (ctx, left, _, { top, height }) => {
      ctx.strokeStyle = theme.text;
      ctx.lineWidth = scale;
      ctx.setLineDash([2 * scale, 4 * scale]);
      ctx.strokeRect(left, top, 0, height);
    }))] };
}

/* figure: { title, label, xLabel, height, x, time, names: of x, y: { kind, unit, limit, range }, lines: [{ name, values,
   color, width, dash, points }], band: { lower, upper }, shade, marks, digits } */
function plotIn(element, figure, theme, width, sync, scale) {
  const { y, band } = figure;
  const told = figure.digits ?? 9;
  const edge = { class: "hidden", label: "allowance", stroke: "transparent", points: { show: false },
    value: () => "", auto: !band?.wide };
  const series = [
    { label: figure.time ? "at" : figure.names ? "version" : "step", value: (_, value) => value === null ? "–"
      : figure.time ? minute(value) : figure.names?.[value] ?? String(value) },
    ...(band ? [edge, edge] : []),
    ...figure.lines.map((line) => ({ label: line.name, stroke: line.color(theme),
      width: line.width * scale, dash: line.dash?.map((one) => one * scale),
      points: { show: line.points ?? false, size: 5 * scale },
      value: (_, value) => value === null ? "–" : String(Number(value.toPrecision(told))) }))];
  const values = [figure.x, ...(band ? [band.upper, band.lower] : []),
    ...figure.lines.map((line) => line.values)];
  return new uPlot({ width: width * scale, height: figure.height * scale, title: figure.title,
    series,
    cursor: { y: false, sync: sync ? { key: sync } : undefined, drag: { x: true, y: false } },
    legend: { live: !look.paper },
    bands: band ? [{ series: [1, 2], fill: theme.band }] : [],
    scales: { x: { time: Boolean(figure.time), ...(figure.names ? { range: () => [-0.5, figure.names.length - 0.5] } : {}) },
      y: { distr: DISTRIBUTIONS[y.kind], asinh: y.unit,
      ...(y.limit ? { range: () => [-y.limit, y.limit] } : y.range ? { range: y.range } : {}) } },
    axes: [axis(figure, theme, true, scale), axis(figure, theme, false, scale)],
    hooks: painters(figure, theme, scale) }, values, element);
}

let drawn = 0;

/** Figures below each other, with one cursor. They are drawn at once, and again when what they
    show or the look changes: id says what they show. */
export function Chart({ id, label, figures, small = false }) {
  const ref = useRef(null);
  useLayoutEffect(() => {
    const element = ref.current;
    const scale = look.paper ? SHARP : 1;
    const width = () => look.paper ? PAPER_WIDTH[small ? "small" : "whole"]
      : Math.max(200, element.clientWidth);
    const all = figures();
    const sync = all.length > 1 ? `chart ${drawn += 1}` : null;
    const theme = themeNow();
    const plots = all.map((figure) => plotIn(element, figure, theme, width(), sync, scale));
    Object.assign(element, { plots });
    element.dataset.drawn = "true";
    const observer = new ResizeObserver(() => plots.forEach((plot) => {
      if (!look.paper && plot.width !== width()) plot.setSize({ width: width(), height: plot.height });
    }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plots.forEach((plot) => plot.destroy());
    };
  }, [id, look.dark, look.paper]);
  return html`<div ref=${ref} class="chart ${small ? "small" : ""}" role="group" aria-label=${label}></div>`;
}
