/* Rules of the page's scripts: mistakes, not taste. */

const BROWSER = ["Blob", "CSS", "DecompressionStream", "ResizeObserver", "Response", "URL",
  "URLSearchParams", "atob", "document", "getComputedStyle", "getSelection", "history", "location",
  "navigator", "performance", "setTimeout", "window"];
const NODE = ["Buffer", "URL", "URLSearchParams", "console", "globalThis"];
const globals = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));
const RULES = {
  "array-callback-return": "error", "arrow-body-style": "error", "consistent-return": "off",
  "eqeqeq": ["error", "always", { null: "ignore" }], "max-len": ["error", { code: 130 }],
  "no-const-assign": "error", "no-dupe-args": "error", "no-dupe-keys": "error", "no-eval": "error",
  "no-implied-eval": "error", "no-shadow": "error", "no-undef": "error", "no-unused-vars": "error",
  "no-use-before-define": ["error", { functions: false, variables: false }], "no-var": "error",
  "prefer-const": "error", "no-restricted-properties": ["error",
    ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) =>
      ({ property, message: "What a record says is text." })), { property: "dangerouslySetInnerHTML" }],
  "no-restricted-syntax": ["error", { selector: "ExportNamedDeclaration > VariableDeclaration[kind=let]",
    message: "The bundle copies exports once." }],
};

export default [
  { ignores: ["**/node_modules/**", "**/vendor/**"] },
  { files: ["**/harness/report/page/*.js"], languageOptions: { globals: globals(BROWSER) }, rules: RULES },
  { files: ["**/tests/page/*.js"], languageOptions: { globals: globals(NODE) }, rules: RULES },
];
