/* Unpacks what the page carries. Everything but the page's own text is gzip in base64, inside
   script elements that do not run, so that opening costs nothing that is not looked at. */

const KEPT_CHUNKS = 6; /* unpacked details kept; the rest is unpacked again */

function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

async function unpack(element) {
  const packed = new Blob([bytesOf(element.textContent)]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

const chunkElements = new Map([...document.querySelectorAll("script[data-chunk]")]
  .map((element) => [element.dataset.chunk, element]));
const chunks = new Map();

/* What the detail of a case and variant needs beyond its verdicts, or null. */
function chunkOf(caseName, variant) {
  const name = `${caseName}/${variant}`;
  const element = chunkElements.get(name);
  if (!element) return Promise.resolve(null);
  const found = chunks.get(name) ?? unpack(element).then(JSON.parse);
  chunks.delete(name);
  chunks.set(name, found); /* the newest is the last */
  if (chunks.size > KEPT_CHUNKS) chunks.delete(chunks.keys().next().value);
  return found;
}

let plotlyReady = null;

/* Plotly, which is run when the first chart is wanted: its text is allowed by its hash. */
function plotly() {
  plotlyReady ??= unpack(document.getElementById("plotly")).then((source) => {
    const script = document.createElement("script");
    script.textContent = source;
    document.head.append(script);
    document.getElementById("plotly").remove();
    return window.Plotly;
  });
  return plotlyReady;
}

/* A number of the facts, in which NaN and infinities are words. */
const num = (value) => typeof value === "string" ? Number(value) : value;

/* A curve: numbers as they are, or differences from the same curve of another line. */
function curveOf(chart, packed, name, precision) {
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
