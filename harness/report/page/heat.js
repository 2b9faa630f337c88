/* A heat map of steps and tensors, channel under channel: what is equal, within and beyond its
   allowance, and where the first difference is. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { look } from "./look.js";
import { fmt } from "./text.js";

const EQUAL = -9; /* the exponent of what agrees to the bit */
const HEIGHT = 480; /* pixels at most, of all rows */

/* What a cell says: how far beyond its allowance, as ten's logarithm; null was not recorded. */
function saying(value) {
  if (value === null) return "not recorded";
  if (value <= EQUAL) return "equal to the bit";
  return value <= 0 ? "within its allowance" : `${fmt(10 ** value)} × its allowance`;
}

function colour(value, dark) {
  if (value <= EQUAL) return dark ? "#17301f" : "#e4f3ea";
  if (value <= 0) return dark ? `hsl(140 35% ${18 + 2 * (value + 9)}%)` : `hsl(140 40% ${92 - 2 * (value + 9)}%)`;
  return dark ? `hsl(4 ${60 + 3 * value}% ${38 + 3 * value}%)` : `hsl(4 ${60 + 4 * value}% ${78 - 5 * value}%)`;
}

/* Rows in which a channel begins. */
const beginnings = (rows) => rows.flatMap(({ channel }, place) =>
  channel === rows[place - 1]?.channel ? [] : [{ channel, place }]);

export function Heat({ heat }) {
  const ref = useRef(null);
  const [told, tell] = useState("");
  const { steps, rows, values, first } = heat;
  const size = Math.max(3, Math.min(16, Math.floor(HEIGHT / Math.max(1, rows.length))));
  const firstRow = first ? rows.findIndex((row) => row.channel === first.channel && row.tensor === first.tensor) : -1;
  const firstColumn = first ? steps.findLastIndex((step) => step <= first.step) : -1;
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const width = canvas.width / Math.max(1, steps.length);
    context.clearRect(0, 0, canvas.width, canvas.height);
    values.forEach((line, row) => line.forEach((value, column) => {
      if (value === null) return;
      context.fillStyle = colour(value, look.dark);
      context.fillRect(column * width, row * 2 * size, Math.ceil(width), 2 * size);
    }));
    if (firstRow < 0) return;
    context.strokeStyle = style.getPropertyValue("--text");
    context.lineWidth = 4;
    context.strokeRect(firstColumn * width - 3, firstRow * 2 * size - 3, Math.max(8, width) + 6, 2 * size + 6);
  }, [heat, look.dark]);
  const point = (event) => {
    const { left, top, width } = event.currentTarget.getBoundingClientRect();
    const row = rows[Math.floor((event.clientY - top) / size)];
    const column = Math.floor((event.clientX - left) / width * steps.length);
    if (row && column in steps) {
      tell(`${row.channel} ${row.tensor}, step ${steps[column]}: ${saying(values[rows.indexOf(row)][column])}`);
    }
  };
  const named = first && (first.tensor === first.channel ? first.channel : `${first.channel} ${first.tensor}`);
  const where = first ? `${named}${first.step === null ? "" : ` at step ${first.step}`}` : "none";
  return html`<div class="heat"><ol aria-hidden="true" style="height: ${rows.length * size}px">${beginnings(rows).map(
    ({ channel, place }) => html`<li style="top: ${place * size}px">${channel}</li>`)}</ol>
    <canvas ref=${ref} width="1600" height=${rows.length * size * 2} style="height: ${rows.length * size}px" role="img"
      aria-label="Tensors by step; first difference: ${where}" onPointerMove=${point}></canvas></div>
    <p class="note axis">steps ${steps[0]} to ${steps.at(-1)}${heat.left_out > 0 && `; ${heat.left_out} more tensors`}</p>
    <p class="told">${told || `First difference, outlined: ${where}.`}</p>
    <p class="note">Green agrees, darker the nearer to its allowance; red is beyond it; empty was not recorded.${
  heat.chaotic_from !== null && ` Chaotic from step ${heat.chaotic_from} on.`}</p>`;
}
