/* Unpacks what the page carries. Everything but the page's own text is gzip in base64, inside
   script elements that do not run, so that opening costs nothing that is not looked at. */

const KEPT = 6; /* unpacked details kept; the rest is unpacked again */
const CURVES = ["loss", "gradient_norm", "update_norm"];
const KINDS = { "<f4": Float32Array, "<f8": Float64Array, "<i1": Int8Array, "<i2": Int16Array,
  "<i4": Int32Array, "<i8": BigInt64Array };

/** @param {string} base64 */
function inflated(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

/** What a script element holds: JSON, and the numbers of its arrays. @param {Element} element */
export async function unpack(element) {
  const [json, block] = element.textContent.split(" ").map(inflated);
  const found = await json.json();
  const bytes = block && new Uint8Array(await block.arrayBuffer());
  for (const chart of Object.values(found.charts ?? {})) unfold(chart, bytes);
  return found;
}

const chunks = new Map();

/** What the detail of a case and variant needs beyond its verdicts: undefined if it is not
    unpacked yet, null if there is nothing. @param {string} name */
export const chunkNow = (name) => chunks.get(name);

/** @param {string} name */
export async function loadChunk(name) {
  const element = document.querySelector(`script[data-chunk="${CSS.escape(name)}"]`);
  chunks.set(name, element && await unpack(element)); /* the newest is the last */
  if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
}

/** A number of the facts, in which NaN and infinities are words. */
export const num = (value) => typeof value === "string" ? Number(value) : value;

/** Puts the curves of a chart where it says where they are; a base comes before its differences. */
export function unfold(chart, block) {
  chart.allowance &&= numbersOf(block, chart.allowance);
  for (const line of chart.lines) {
    for (const name of CURVES.filter((one) => line[one])) {
      const { base } = line[name];
      const numbers = numbersOf(block, line[name]);
      line[name] = base === undefined ? numbers : added(chart.lines[base][name], numbers);
    }
  }
}

/* In the block the first bytes of all numbers come first, then their second ones. */
function numbersOf(block, { dtype, at, bytes }) {
  const size = Number(dtype.at(-1));
  const count = bytes / size;
  const found = new Uint8Array(bytes);
  for (let place = 0; place < bytes; place += 1) {
    found[place % count * size + Math.floor(place / count)] = block[at + place];
  }
  return new KINDS[dtype](found.buffer);
}

/* A curve and a difference of bits, as integers. */
function added(base, difference) {
  const [Bits, exact] = base instanceof Float32Array ? [Int32Array, Number] : [BigInt64Array, BigInt];
  const bits = new Bits(base.buffer).map((value, step) => value + exact(difference[step]));
  return new base.constructor(bits.buffer);
}
