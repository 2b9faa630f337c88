/* Are the page's vendored files those of the packages that npm has installed, byte by byte? */

import { readFileSync } from "node:fs";

const vendor = new URL("../../harness/report/page/vendor/", import.meta.url);
const installed = new URL("node_modules/", import.meta.url);
const read = (name, base) => readFileSync(new URL(name, base), "utf8");
const locked = JSON.parse(read("package-lock.json", import.meta.url)).packages;

for (const [name, { version, integrity, files }] of Object.entries(JSON.parse(read("packages.json", vendor)))) {
  const found = locked[`node_modules/${name}`];
  if (found.version !== version || found.integrity !== integrity) {
    throw new Error(`${name}: packages.json and package-lock.json name different packages`);
  }
  for (const [file, { of }] of Object.entries(files)) {
    if (read(file, vendor) !== read(`${name}/${of}`, installed)) throw new Error(`vendor/${file} is not ${name}'s ${of}`);
  }
}
console.log("vendored files are those of their packages");
