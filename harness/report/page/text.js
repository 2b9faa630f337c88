/* Makes elements and texts. Whatever a record says is text: it is set as text, or escaped. */

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const esc = (text) => String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);

/* h("p.quiet", { title: "…" }, "text", child): an element; null children are left out. */
function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/* Three digits for a measure, all of them for a count: as the tables of the page's HTML. */
function fmt(value) {
  const number = num(value);
  if (number === null || number === undefined) return "";
  if (!Number.isFinite(number)) return String(number).replace("Infinity", "inf");
  if (Number.isInteger(number) && Math.abs(number) < 1e6) return String(number);
  const size = Math.abs(number);
  if (size >= 1e-4 && size < 1e3) return String(Number(number.toPrecision(3)));
  return number.toExponential(2).replace(/\.?0*e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
}

/* A number with all its digits in the tooltip and for whoever reads the page by program. */
function data(value) {
  if (value === null || value === undefined) return null;
  return h("data", { value: String(value), title: String(value) }, fmt(value));
}

/* A text, cut where it is very long; nothing is lost. */
function longText(text) {
  if (text.length <= page.long) return h("span.text", {}, text);
  const shown = h("span.text", {}, text.slice(0, page.long / 2), "… ");
  const all = h("button", { type: "button", onclick: () => {
    shown.replaceWith(h("div.text.boxed", { tabindex: 0, role: "region",
      "aria-label": "The whole text" }, text));
    all.remove();
  } }, `show all ${text.length.toLocaleString("en")} characters`);
  return h("span", {}, shown, all);
}

const short = (text, most = 80) => text.length > most ? `${text.slice(0, most)}…` : text;

const symbolOf = (verdict, waived) =>
  waived ? `(${page.symbols[verdict]})` : page.symbols[verdict];

function badge(verdict, waived = false) {
  return h(`span.badge.v-${verdict}${waived ? ".waived" : ""}`,
    { title: page.meanings[verdict] + (waived ? "; a waiver covers it" : "") },
    h("b", { "aria-hidden": "true" }, symbolOf(verdict, waived)),
    waived ? `${verdict}, waived` : verdict);
}

function named(text) {
  return h("span.name", { title: text.length > 80 ? text.slice(0, 1000) : null }, short(text));
}

/* One argument of a command, quoted where a shell would not read it as one plain word. */
function quoted(word) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/* A command with its button; the press is handled in page.js for the whole page. */
function command(text) {
  return h("div.command", {}, h("code", {}, text),
    h("button.copy", { type: "button", "aria-label": `Copy: ${short(text)}` }, "copy"));
}

function select(label, value, options, onchange) {
  const element = h("select", { onchange: (event) => onchange(event.target.value) },
    options.map(([key, text]) => h("option", { value: key }, short(text))));
  element.value = value;
  return h("label.field", {}, h("span", {}, label), element);
}

/* A row of radio buttons that looks like one switch; the ids keep groups apart. */
function choice(label, id, value, options, onchange) {
  const inputs = options.map(([key, text, note]) => h("label", { title: note ?? null },
    h("input", { type: "radio", name: id, value: key, checked: key === value,
      onchange: () => onchange(key) }), h("span", {}, text)));
  return h("fieldset.choice", {}, h("legend", {}, label), inputs);
}
