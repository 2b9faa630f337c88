/* The page's state is its address: #view?name=value&…, so it can be pasted, and Back works. */

const VIEWS = ["detail", "frameworks", "timeline", "trend"];

/** What an address asks for. @param {string} hash */
export function route(hash = location.hash) {
  const text = hash.replace(/^#/, "");
  const cut = text.indexOf("?");
  const anchor = cut < 0 ? text : text.slice(0, cut);
  return { anchor, view: VIEWS.includes(anchor) ? anchor : "overview",
    params: new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1)) };
}

/** The address of a view; what is empty is left out. */
export function address(anchor, values = {}) {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== "" && value !== null && value !== undefined) params.set(key, value);
  }
  const query = params.toString();
  return query ? `#${anchor}?${query}` : `#${anchor}`;
}

export const detailAddress = (caseName, variant, env, against) =>
  address("detail", { case: caseName, variant, env, against });

/* Every entry of the history has a name of its own, under which its place is kept: Back finds
   it where it was left, and an entry that is new begins at the top. */
const places = new Map();
export const shown = { entry: undefined, count: 0, draw: () => {} };

export const entryNow = () => history.state?.entry;
const newEntry = () => ({ entry: `${performance.timeOrigin} ${shown.count += 1}` });
export const leaveEntry = (entry = entryNow()) => places.set(entry, window.scrollY);
export const placeOf = (entry) => places.get(entry);

/** The place of the entry that was come to, undefined if it is new. */
export function enter() {
  if (entryNow() === undefined) history.replaceState(newEntry(), "");
  shown.entry = entryNow();
  return places.get(shown.entry);
}

/** Changes some values of the present address and draws what it says.

   replace: without an entry in the history, for what changes at every key press. */
export function change(values, { replace = false, anchor = route().anchor } = {}) {
  const next = address(anchor, { ...Object.fromEntries(route().params), ...values });
  if (replace) history.replaceState(history.state, "", next);
  else {
    leaveEntry();
    history.pushState(newEntry(), "", next);
    shown.entry = entryNow();
  }
  shown.draw();
}
