/* Lets Node load the page's modules: packages are the vendored ones, and there is a window. */

import { registerHooks } from "node:module";
import { readFileSync } from "node:fs";

const vendor = new URL("../../harness/report/page/vendor/", import.meta.url);
const packages = JSON.parse(readFileSync(new URL("packages.json", vendor), "utf8"));
const vendored = new Map(Object.values(packages).flatMap(({ files }) => Object.entries(files))
  .filter(([, about]) => about.imported).map(([file, about]) => [about.imported, [file, about.global]]));

registerHooks({
  resolve(specifier, context, next) {
    const found = vendored.get(specifier);
    return found ? { url: new URL(found[0], vendor).href, format: "module", shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    const found = [...vendored.values()].find(([file]) => new URL(file, vendor).href === url);
    if (!found && !url.includes("/report/page/")) return next(url, context);
    const source = found?.[1] ? "export default class {}" : readFileSync(new URL(url), "utf8"); /* charts need a browser */
    return { format: "module", source, shortCircuit: true };
  },
});

const query = () => ({ matches: false, addEventListener() {} });
Object.assign(globalThis, { window: { matchMedia: query, addEventListener() {} }, location: { hash: "" } });
