/* Unpacks what the page carries. Everything but the page's own text is gzip in base64, inside
   script elements that do not run, so that opening costs nothing that is not looked at. */

const KEPT = 6; /* unpacked details kept; the rest is unpacked again */

/** @param {string} base64 */
function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** What a script element holds. @param {Element} element */
export async function unpack(element) {
  const packed = new Blob([bytesOf(element.textContent)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).json();
}

const chunks = new Map();

/** What the detail of a case and variant needs beyond its verdicts: undefined if it is not
    unpacked yet, null if there is nothing. @param {string} name */
export const chunkNow = (name) => chunks.get(name);

/** @param {string} name */
export async function loadChunk(name) {
  const element = document.querySelector(`script[data-chunk="${CSS.escape(name)}"]`);
  const found = element ? await unpack(element) : null;
  chunks.set(name, found); /* the newest is the last */
  if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
}

/** A number of the facts, in which NaN and infinities are words. */
export const num = (value) => typeof value === "string" ? Number(value) : value;

/** A curve: numbers as they are, or differences from the same curve of another line. */
export function curveOf(chart, packed, name, precision) {
  if (!packed) return null;
  packed.values ??= decoded(chart, packed, name, precision); /* once; charts share the lines */
  return packed.values;
}

function decoded(chart, packed, name, precision) {
  const { buffer } = bytesOf(packed.data);
  const own = packed.dtype === "<f4" ? new Float32Array(buffer) : new Float64Array(buffer);
  if (packed.base === undefined) return Float64Array.from(own);
  const base = curveOf(chart, chart.lines[packed.base][name], name, precision);
  const exact = precision === "float32" ? Math.fround : Number;
  return Float64Array.from(own, (difference, step) => exact(base[step] + difference));
}
