/* What changed, one card for all that has one cause; between two versions, by harm. */

import { detailAddress } from "./address.js";
import { html } from "./html.js";
import { finding, page, sideOf } from "./model.js";
import { Badge, Command, factorOf, few, Fold, LongText, Name, Names, Num, plural } from "./text.js";

const SHOWN = 8;
const MOST = 200; /* cards; the matrix shows the rest */
const STEP = ["forward", "loss", "gradient", "update"];
const SECOND = { confirmed: "v-regression", host: "v-error", unstable: "quiet", unmeasured: "quiet" };
const HARM = { harmful: "It matters", possible: "It may matter", unlikely: "It hardly matters",
  better: "It is better" };

function Phases({ phase }) {
  if (!STEP.includes(phase)) return phase && html`<span class="phase-word"><${Name} text=${phase} /></span>`;
  return html`<ol class="phases" aria-label="Phase: ${phase}">${STEP.map((one) =>
    html`<li class=${one === phase ? "culprit" : ""} aria-current=${one === phase ? "step" : null}>
      ${one}</li>`)}</ol>`;
}

/* How large: what is gone now, one factor, or how many times its allowance. */
function Size({ cause }) {
  const told = finding(cause.comes_right ? cause.cause : cause.finding);
  if (cause.comes_right) {
    return html`<b><${Num} value=${told.observed} /> off</b><span class="quiet"> now, was <${Num}
      value=${told.baseline} />, allowed <${Num} value=${told.allowance} /></span>`;
  }
  if (cause.factor !== null) {
    return html`<b>${factorOf(cause)} ×</b>
      <span class="quiet"> the baseline's ${cause.phase}</span>`;
  }
  return told.deviation === null ? null : html`<b><${Num} value=${told.deviation} /> off</b>
    <span class="quiet">, ${cause.excess !== null && html`<${Num} value=${cause.excess} /> × the `}
    allowed${told.allowance !== null && html` <${Num} value=${told.allowance} />`}</span>`;
}

const Second = ({ second }) => second &&
  html`<span class="badge ${SECOND[second.outcome]}" title=${second.why}>${second.outcome}</span>`;

/* What else is different between the two sides: a cause that is easily missed. */
function Environment({ cause }) {
  const altered = cause.since ? [] : page.facts.altered[cause.environment] ?? [];
  return html`${altered.length > 0 && html`<p class="told alert"><b>Altered since it was
    installed:</b> <${Names} items=${altered} most=${5} />. Recreate it first: <code>tox run -r -e ${
    cause.environment}</code></p>`}${cause.packages.length > 0 && html`<p class="told quiet">
    Packages that differ: ${few(cause.packages.map(([name, before, now]) =>
    `${name} ${before ?? "none"} → ${now ?? "none"}`), 4)}</p>`}`;
}

function Card({ cause }) {
  const [first] = cause.cases;
  const { sentence } = finding(cause.finding);
  const variants = cause.cases.flatMap((one) => one.variants);
  const [look, ...others] = cause.commands;
  const rest = [plural(variants.length, "variant"),
    cause.faults.length && `${plural(cause.faults.length, "known fault")} like it`,
    (others.length || cause.waivers.length) && "commands"].filter(Boolean).join(", ");
  return html`<li class="change ${cause.comes_right ? "v-right" : `v-${cause.verdict}`}">
    <div class="what"><${Badge} verdict=${cause.verdict} waived=${cause.reasons.length > 0} />
      ${cause.comes_right && html`<span class="badge v-identical">comes right</span>`}
      <${Second} second=${cause.second} />
      <h3><a href=${cause.since ? detailAddress(first.case, first.variants[0], cause.environment,
    "previous") : detailAddress(first.case, first.variants[0], cause.environment,
    cause.against[0].against)}>${cause.since && "since "}<${Name} text=${cause.environment} />${
  cause.phase && html`<span class="sep"> · </span>${cause.comes_right ? "comes right in "
    : "begins in "}${page.begins[cause.phase] ?? html`<${Name} text=${cause.phase} />`}`}</a></h3>
      <p class="size"><${Size} cause=${cause} /></p></div>
    <p class="told"><b>${cause.harm.sentence}</b>: <${LongText} text=${cause.harm.why} />.</p>
    ${!cause.harm.why.includes(sentence) && html`<p class="told quiet"><${LongText} text=${sentence} /></p>`}
    ${cause.second && html`<p class="told quiet">${cause.second.outcome}: <${LongText}
      text=${cause.second.why} /></p>`}
    ${cause.reasons.map((reason) => html`<p class="told explained">Explained: <${LongText}
      text=${reason} /></p>`)}
    <${Environment} cause=${cause} />
    <div class="facts"><${Phases} phase=${cause.phase} />
      <span>in ${cause.cases.map((one, place) => html`${place > 0 && ", "}<${Name} text=${one.case} />
        <span class="quiet"> ${one.where}</span>`)}</span>
      <span class="quiet">against ${few(cause.against.map((side) => sideOf(side)))}</span></div>
    ${look && html`<${Command} text=${look} />`}
    <${Fold} summary=${rest}>
      ${cause.cases.map((one) => html`<p>${one.case}: <${Names} items=${one.variants} most=${60} /></p>`)}
      ${cause.faults.length > 0 && html`<p>Resembles, of the catalogue of historical faults:</p><ul>
        ${cause.faults.map((fault) => html`<li><b>${fault.name}</b>: ${fault.summary}
          <span class="quiet"> ${fault.source}</span></li>`)}</ul>`}
      ${others.map((text) => html`<${Command} text=${text} />`)}
      ${cause.waivers.map((text) => html`<p>Accepting cannot settle it; an entry of <code>results/waivers.toml</code>
        can: <${LongText} text=${text} /></p>`)}
    <//></li>`;
}

function Cards({ causes }) {
  const [first, more] = [causes.slice(0, SHOWN), causes.slice(SHOWN, MOST)];
  const list = (some) => html`<ol class="changes">${some.map((cause) =>
    html`<${Card} cause=${cause} />`)}</ol>`;
  return html`${list(first)}${more.length > 0 && html`<${Fold} name="more" summary="${more.length} more">
    ${list(more)}${causes.length > MOST && html`<p>And ${causes.length - MOST} more, which the
    <a href="#matrix"> matrix</a> shows.</p>`}<//>`}`;
}

export function Causes() {
  const { causes, versions, counts } = page.facts;
  if (versions) {
    const found = Object.keys(HARM).filter((degree) => causes.some((c) => c.harm.degree === degree));
    return html`<section id="changes"><h2>What changes for you</h2>
      ${found.length ? found.map((degree) => html`<h3 class="degree">${HARM[degree]}</h3><${Cards}
        causes=${causes.filter((cause) => cause.harm.degree === degree)} />`)
    : html`<p class="calm">Nothing, as far as it was measured.</p>`}</section>`;
  }
  return html`<section id="changes"><h2>What changed</h2>${causes.length
    ? html`<${Cards} causes=${causes} />` : html`<p class="calm">Nothing that no waiver covers${
      counts.missing || counts.error ? ", among what could be compared" : ""}.</p>`}</section>`;
}
