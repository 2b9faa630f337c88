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

/* Every entry of the history has a name of its own, under which its place is kept: Back finds
   it where it was left, and an entry that is new begins at the top. */
const places = new Map();
let entries = 0;
let shownEntry; /* as history.state is the next one's already when the address has changed */

const entryNow = () => history.state?.entry;
const newEntry = () => ({ entry: `${performance.timeOrigin} ${entries += 1}` });
const leaveEntry = (entry = entryNow()) => places.set(entry, window.scrollY);

/* The place of the entry that was come to, undefined if it is new. */
function enter() {
  if (entryNow() === undefined) history.replaceState(newEntry(), "");
  return places.get(entryNow());
}

/* Changes some values of the present address.

   replace: without an entry in the history, for what changes at every key press. */
function change(values, { replace = false, anchor = route().anchor } = {}) {
  const next = address(anchor, { ...Object.fromEntries(route().params), ...values });
  if (replace) history.replaceState(history.state, "", next);
  else {
    leaveEntry();
    history.pushState(newEntry(), "", next);
    shownEntry = entryNow();
  }
}
