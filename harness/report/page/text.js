/* Texts and the small parts that every view is made of. */

import { useState } from "preact/hooks";
import { html } from "./html.js";
import { look } from "./look.js";
import { page, symbolOf } from "./model.js";
import { num } from "./packed.js";

const LONG = 700; /* characters of one text that are shown before the rest is folded */

/** Three digits for a measure, or as many as are asked for; all of them for a count. */
export function fmt(value, digits = 3) {
  const number = num(value);
  if (number === null || number === undefined) return "";
  if (!Number.isFinite(number)) return String(number).replace("Infinity", "inf");
  if (Number.isInteger(number) && Math.abs(number) < 1e6) return String(number);
  const size = Math.abs(number);
  if (size >= 1e-4 && size < 10 ** digits) return String(Number(number.toPrecision(digits)));
  return number.toExponential(digits - 1).replace(/\.?0*e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
}

export const factorOf = ({ factor }) => num(factor).toPrecision(6).replace(/\.?0+$/, "");

/** The marks of an axis, with as many digits as they need; null is no mark. */
export function ticks(marks) {
  const there = marks.filter((mark) => mark !== null);
  const step = Math.min(...there.slice(1).map((mark, place) => mark - there[place]));
  let digits = 3;
  while (digits < 17 && there.some((mark) => Math.abs(Number(fmt(mark, digits)) - mark) > step / 100)) digits += 1;
  return marks.map((mark) => fmt(mark, digits));
}

/** A time as people say it: 48 s, 12 min, 3 h 5 min. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const plural = (count, word) =>
  `${count.toLocaleString("en")} ${count === 1 ? word : `${word}s`}`;
export const short = (text, most = 80) => text.length > most ? `${text.slice(0, most)}…` : text;
export const few = (names, most = 3) => names.slice(0, most).join(", ") +
  (names.length > most ? ` and ${names.length - most} more` : "");
export const day = (time) => time.slice(0, 10);

/** A number with all its digits in the tooltip and for whoever reads the page by program. */
export const Num = ({ value }) => value === null || value === undefined ? null
  : html`<data value=${String(value)} title=${String(value)}>${fmt(value)}</data>`;

/** A text, cut where it is very long; nothing is lost. */
export function LongText({ text }) {
  const [isWhole, show] = useState(false);
  if (text.length <= LONG) return html`<span class="text">${text}</span>`;
  if (isWhole) {
    return html`<div class="text boxed" tabindex="0" role="region" aria-label="The whole text">
      ${text}</div>`;
  }
  return html`<span class="text">${text.slice(0, LONG / 2)}… </span>
    <button type="button" onClick=${() => show(true)}>show all ${
      text.length.toLocaleString("en")} characters</button>`;
}

export function Badge({ verdict, waived = false }) {
  return html`<span class="badge v-${verdict}${waived ? " waived" : ""}"
    title=${page.meanings[verdict] + (waived ? "; a waiver covers it" : "")}>
    <b aria-hidden="true">${symbolOf({ verdict, waived })}</b>${
    waived ? `${verdict}, waived` : verdict}</span>`;
}

export const Name = ({ text }) =>
  html`<span class="name" title=${text.length > 80 ? text.slice(0, 1000) : null}>${short(text)}</span>`;

export const Names = ({ items, most = 12 }) => html`${items.slice(0, most).map((item, place) =>
  html`${place ? ", " : ""}<${Name} text=${item} />`)}${items.length > most &&
  html`<span title=${short(items.join(", "), 2000)}> and ${items.length - most} more</span>`}`;

/** One argument of a command, quoted where a shell would not read it as one plain word. */
export const quoted = (word) =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

/** A command with its button; where the clipboard is closed it is selected for the keyboard. */
export function Command({ text }) {
  const [said, say] = useState("copy");
  const copy = async (event) => {
    const code = event.currentTarget.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(text);
      say("copied");
    } catch {
      getSelection().selectAllChildren(code);
      say("selected");
    }
    setTimeout(() => say("copy"), 1500);
  };
  return html`<div class="command"><code>${text}</code>
    <button type="button" class="copy" aria-label="Copy: ${short(text)}" onClick=${copy}>${said}</button>
  </div>`;
}

export const Commands = ({ listed }) => html`<dl class="commands">${listed.map(([term, text]) =>
  html`<dt>${term}</dt><dd><${Command} text=${text} /></dd>`)}</dl>`;

export const Select = ({ label, name, value, options, onChange }) =>
  html`<label class="field"><span>${label}</span>
    <select name=${name} value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${
      short(text)}</option>`)}</select></label>`;

/** Which case and variant: one of some rows of the matrix. */
export const RowSelect = ({ row, among, onChange }) => html`<${Select} label="case and variant" value=${row.link}
  options=${among.map((one) => [one.link, `${one.case} · ${one.title}`])}
  onChange=${(link) => onChange(among.find((one) => one.link === link))} />`;

/** A row of radio buttons that looks like one switch; the names keep groups apart. */
export const Choice = ({ label, name, value, options, onChange }) =>
  html`<fieldset class="choice"><legend>${label}</legend>${options.map(([key, text, note]) =>
    html`<label title=${note}><input type="radio" name=${name} value=${key}
      checked=${key === value} onChange=${() => onChange(key)} /><span>${text}</span></label>`)}
  </fieldset>`;

/** What is folded until it is asked for; on paper nothing is. */
export const Fold = ({ summary, open = false, name = "", children }) =>
  html`<details class="fold ${name}" open=${open || look.paper}><summary>${summary}</summary>
    ${children}</details>`;

/** A table that scrolls by itself; heads of columns of numbers begin with "#". */
export const Table = ({ label, name = "", heads, children }) =>
  html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class=${name}>
    <thead><tr>${heads.map((head) => html`<th scope="col" class=${head[0] === "#" ? "n" : ""}>${
      head.replace(/^#/, "")}</th>`)}</tr></thead><tbody>${children}</tbody></table></div>`;

export const Panel = ({ title, name = "", children }) =>
  html`<section class="panel ${name}"><h3>${title}</h3>${children}</section>`;
