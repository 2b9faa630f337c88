/* Which comparisons are asked for, and in which order their rows stand. */

const FILTERS = ["show", "family", "case", "phase", "against", "q", "sort"];
const SHOWN = {
  changed: isOpen,
  differences: differs,
  all: () => true,
};

const filtersOf = (params) => Object.fromEntries(
  FILTERS.map((filter) => [filter, params.get(filter) ?? ""]));

/* Whether a comparison passes; made once for all of them, so that each is quick. */
function matcher(filters) {
  const { show, family, phase, against } = filters;
  const passes = SHOWN[show || "changed"] ?? ((comparison) => comparison.verdict === show);
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean).map(wordMatcher);
  return (comparison) => passes(comparison) &&
    (!family || columnOf.get(comparison.observed).family === family) &&
    (!filters.case || comparison.case === filters.case) &&
    (!phase || comparison.phase === phase) &&
    (!against || comparison.against === against) &&
    words.every((word) => word(comparison));
}

/* Every name and sentence is searched once, however many comparisons share it. */
function wordMatcher(word) {
  const known = new Map();
  const holds = (text) => {
    if (!known.has(text)) known.set(text, text.toLowerCase().includes(word));
    return known.get(text);
  };
  const told = facts.findings.map((finding) => holds(finding.sentence));
  return (c) => holds(c.case) || holds(c.variant) || holds(c.observed) || holds(c.baseline) ||
    holds(c.problem) || c.findings.some((place) => told[place] &&
      rank[facts.findings[place].verdict] >= (differs(c) ? rank.drift : 0));
}

/* The rows and columns that have a match, with the matches by column. */
function selection(filters) {
  const passes = matcher(filters);
  const families = new Set();
  const found = [];
  let count = 0;
  for (const row of rows) {
    const matches = [];
    for (const column of columns) {
      const passing = row.cells[column.place]?.filter(passes) ?? [];
      if (!passing.length) continue;
      matches[column.place] = passing;
      families.add(column.family);
      count += passing.length;
    }
    if (matches.length) found.push({ row, matches });
  }
  return { rows: sorted(found, filters.sort), count,
    columns: columns.filter((column) => families.has(column.family)) };
}

function sorted(found, order) {
  const sizes = new Map(found.map((entry) => {
    const passing = entry.matches.flat();
    return [entry, { worst: severity(worstOf(passing)), count: passing.filter(isOpen).length,
      differences: passing.filter(differs).length }];
  }));
  for (const entry of found) entry.size = sizes.get(entry);
  if (order === "worst") return found.sort((a, b) => b.size.worst - a.size.worst);
  if (order === "count") {
    return found.sort((a, b) => b.size.count - a.size.count ||
      b.size.differences - a.size.differences);
  }
  return found;
}
