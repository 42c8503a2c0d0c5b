/* What a sorting of a storming's events costs: movingparts.strategy.event_storming.Board.evaluate, again.
 *
 * A test runs both on the same sortings. Names are anybody's, so they stand in maps and
 * lists, never as keys of an object: it would put "2" before "a".
 */

/** What a sorting, from the names of events to contexts, costs. */
export function evaluate({ events, rules }, assignment) {
  const crossings = rules
    .map((rule) => ({ rule, contexts: contextsOf(rule, assignment) }))
    .filter(({ contexts }) => contexts.length > 1);
  return {
    torn: crossings.filter(({ rule }) => rule.at_once),
    processes: crossings.filter(({ rule }) => !rule.at_once),
    clashes: clashesOf(events, assignment),
    unsorted: events.map(({ name }) => name).filter((name) => !assignment.get(name)),
  };
}

/** Whether every event has a context that keeps its rules and its words. */
export function holds({ torn, clashes, unsorted }) {
  return !(torn.length || clashes.length || unsorted.length);
}

/** A rule that was torn apart, in words. */
export function crossed({ rule, contexts }) {
  const how = rule.at_once ? "a transaction" : "a process";
  return `“${rule.says}” needs ${how} across ${contexts.join(", ")}`;
}

/** A word that means more than one thing, in words. */
export function clashed({ context, word, meanings }) {
  const said = [...meanings.keys()].join(" or ");
  return `in ${context}, “${word}” means ${said}`;
}

/** The contexts in which a rule's events lie, each once, in order. */
function contextsOf(rule, assignment) {
  return [...new Set(rule.events.map((name) => assignment.get(name)).filter(Boolean))];
}

/** The words that mean more than one thing within one context. */
function clashesOf(events, assignment) {
  const said = new Map();
  for (const { name, words } of events) {
    const context = assignment.get(name);
    for (const [word, meaning] of context ? words : []) {
      const key = JSON.stringify([context, word]);
      const found = said.get(key) ?? { context, word, meanings: new Map() };
      said.set(key, found);
      found.meanings.set(meaning, [...(found.meanings.get(meaning) ?? []), name]);
    }
  }
  return [...said.values()].filter(({ meanings }) => meanings.size > 1);
}
