/* What the page's modules work out, without a browser. */

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(new URL(`../../harness/report/page/${name}.js`, import.meta.url).href);
const { duration, few, fmt, plural, quoted, short, ticks } = await load("text");
const { address, route } = await load("address");
const { num, unfold } = await load("packed");
const { baseLine, differences, observedLine, pickLines } = await load("curves");
const { times } = await load("probes");
const model = await load("model");
const { filtersOf, selection } = await load("matrix");

test("numbers are short, counts are whole, and what is not finite is a word", () => {
  for (const [value, shown] of [[1000, "1000"], [3.84e-6, "3.84e-06"], [0, "0"], ["NaN", "NaN"],
    ["-Infinity", "-inf"], [0.00012345, "0.000123"], [1234.5, "1.23e+03"], [null, ""]]) {
    assert.equal(fmt(value), shown);
  }
});

test("marks of an axis have as many digits as they need", () => {
  assert.deepEqual(ticks([3, 3.0005, 3.001, null]), ["3", "3.0005", "3.001", ""]);
  assert.deepEqual(ticks([1234.5, 1235]), ["1234.5", "1235"]);
  assert.deepEqual(ticks([1e-9, 1.00001e-9]), ["1e-09", "1.00001e-09"]);
  assert.deepEqual(ticks([3]), ["3"]);
  assert.deepEqual(ticks([0, 0.5, 1]), ["0", "0.5", "1"]);
});

test("durations and counts are told as people do", () => {
  assert.deepEqual([48.2, 812.4, 11100].map(duration), ["48 s", "14 min", "3 h 5 min"]);
  assert.equal(plural(1, "variant"), "1 variant");
  assert.equal(plural(1200, "variant"), "1,200 variants");
  assert.equal(few(["a", "b", "c", "d"]), "a, b, c and 1 more");
  assert.equal(short("abcdef", 3), "abc…");
});

test("an argument is quoted where a shell would not read one word", () => {
  assert.equal(quoted("torch-2.13.0"), "torch-2.13.0");
  assert.equal(quoted("a; rm 'b'"), `'a; rm '"'"'b'"'"''`);
});

test("an address comes back from its values, and what is empty is left out", () => {
  const hash = address("detail", { case: "a b&c", variant: "#", env: "" });
  const found = route(hash);
  assert.equal(found.view, "detail");
  assert.deepEqual(Object.fromEntries(found.params), { case: "a b&c", variant: "#" });
  assert.equal(route("#nowhere").view, "overview");
});

/* As the page packs them: the first bytes of all numbers, then their second ones. */
const packed = (block, dtype, numbers, more = {}) => {
  const bytes = new Uint8Array(numbers.buffer);
  const size = numbers.BYTES_PER_ELEMENT;
  const at = block.length;
  for (let place = 0; place < size; place += 1) block.push(...bytes.filter((_, one) => one % size === place));
  return { dtype, at, bytes: bytes.length, ...more };
};

test("a curve is its numbers, or a difference of bits from another line's", () => {
  for (const [Kind, dtype, one] of [[Float64Array, "<f8", 1 + 2 ** -52], [Float32Array, "<f4", 1 + 2 ** -23]]) {
    const block = [];
    const chart = { allowance: packed(block, "<f4", Float32Array.from([0.5, Infinity])), lines: [
      { loss: packed(block, dtype, Kind.from([1, -2])), metrics: { loss: [1] }, update_norm: null },
      { loss: packed(block, "<i2", Int16Array.from([1, -300]), { base: 0 }) },
      { loss: packed(block, "<i1", Int8Array.from([-1, 0]), { base: 1 }) }] };
    unfold(chart, Uint8Array.from(block));
    assert.deepEqual([...chart.allowance], [0.5, Infinity]);
    assert.deepEqual(chart.lines.map(({ loss }) => loss[0]), [1, one, 1]);
    assert.deepEqual(chart.lines[2].loss[1], chart.lines[1].loss[1]);
    assert.notEqual(chart.lines[1].loss[1], -2);
    assert.deepEqual([chart.lines[0].update_norm, chart.lines[0].metrics], [null, { loss: [1] }]);
  }
  assert.ok(Number.isNaN(num("NaN")));
});

test("a difference is relative where the base is large, and a gap where one is not finite", () => {
  assert.deepEqual(differences([1, 20, NaN, 1], [0.5, 10, 1, Infinity]), [0.5, 1, null, null]);
});

test("an error over its allowance is a few characters", () => {
  assert.deepEqual([0, 0.5, 1234, 7e7, Infinity, NaN].map(times), ["0", "0.5", "e3", "e7", "∞", "NaN"]);
});

const member = (environment, role) => ({ environment, role });
const CHART = { lines: [{ members: [member("reference", "reference")] },
  { members: [member("torch-2.0.0", "baseline")] }, { members: [member("torch-2.0.0", "observed")] }] };

test("of its own baseline the stored side is the base, and equal bits are one line", () => {
  const subject = { env: "torch-2.0.0", against: "baseline", baseline: "torch-2.0.0" };
  assert.equal(observedLine(CHART, "torch-2.0.0"), 2);
  assert.equal(baseLine(CHART, subject), 1);
  assert.equal(baseLine(CHART, { ...subject, against: "reference" }), 0);
  assert.deepEqual(pickLines(CHART, subject, "selected").map(({ role }) => role), ["reference", "base", "observed"]);
});

const comparison = (observed, verdict, more = {}) => ({ case: "xor", variant: "a", observed, verdict,
  against: "previous", baseline: "torch-1", waived: false, problem: "", findings: [0], cause: 0, worst: 0, ...more });
const environment = (name, family) => ({ name, family, version: name, source: "run", cases: [], baselines: [], packages: null });

model.index({ meanings: {}, begins: {},
  symbols: { identical: "=", equivalent: "≈", drift: "D", improvement: "I", regression: "R", missing: "M", error: "E" },
  sides: { previous: "the previous version {}", baseline: "its own baseline" },
  facts: {
    environments: [environment("reference", "reference"), environment("torch-2", "torch"), environment("keras-3", "keras")],
    others: [], cases: [{ name: "xor", summary: "", variants: [{ name: "a" }] }], causes: [], timeline: [], waivers: [],
    findings: [{ sentence: "gradient is off", phase: "gradient", verdict: "drift" }],
    comparisons: [comparison("torch-2", "drift"), comparison("keras-3", "identical"),
      comparison("keras-3", "drift", { variant: "b", waived: true })] } });

test("the matrix shows what is asked for, and an unlisted variant has a row of its own", () => {
  const found = (query) => selection(filtersOf(new URLSearchParams(query)));
  assert.equal(found("").count, 1);
  assert.equal(found("show=differences").rows.length, 2);
  assert.equal(found("show=all").count, 3);
  assert.deepEqual(found("show=all&family=keras").columns.map(({ name }) => name), ["keras-3"]);
  assert.equal(found("show=all&q=GRADIENT+torch-2").count, 1);
  assert.equal(found("show=all&phase=update").count, 0);
});

test("views open with what was compared, and sides are told in words", () => {
  assert.equal(model.firstFamily(), "torch");
  assert.equal(model.sideOf({ against: "previous", baseline: "torch-$&" }), "the previous version torch-$&");
});
