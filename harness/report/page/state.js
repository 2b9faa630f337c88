/* The page's state is its address: #view?name=value&…, so it can be pasted, and Back works. */

const VIEWS = ["detail", "frameworks", "timeline", "trend"];

function route(hash = location.hash) {
  const text = hash.replace(/^#/, "");
  const cut = text.indexOf("?");
  const anchor = cut < 0 ? text : text.slice(0, cut);
  return { anchor, view: VIEWS.includes(anchor) ? anchor : "overview",
    params: new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1)) };
}

/* The address of a view; what is empty is left out. */
function address(anchor, values) {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== "" && value !== null && value !== undefined) params.set(key, value);
  }
  const query = params.toString();
  return query ? `#${anchor}?${query}` : `#${anchor}`;
}

const detailAddress = (caseName, variant, env, against) =>
  address("detail", { case: caseName, variant, env, against });

/* Changes some values of the present address.

   replace: without an entry in the history, for what changes at every key press. */
function change(values, { replace = false, anchor = route().anchor } = {}) {
  const next = address(anchor, { ...Object.fromEntries(route().params), ...values });
  history[replace ? "replaceState" : "pushState"](null, "", next);
}
