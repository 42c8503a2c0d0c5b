/* What it costs to assign a board's events to contexts: Board.evaluate of
 * movingparts.strategy.event_storming, once more.
 *
 * A test runs both on the same assignments. A name can be any text, so names are kept in
 * maps and lists, never as keys of an object, which would put "2" before "a".
 */

/** Return what an assignment costs: a map from the names of events to contexts. */
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

/** Return whether every event has a context, and no rule or word is broken. */
export function holds({ torn, clashes, unsorted }) {
  return !(torn.length || clashes.length || unsorted.length);
}

/** Describe a rule whose events are in several contexts. */
export function crossed({ rule, contexts }) {
  const how = rule.at_once ? "a transaction" : "a process";
  return `“${rule.says}” needs ${how} across ${[...contexts].sort().join(", ")}`;
}

/** Describe a word that means more than one thing in a context. */
export function clashed({ context, word, meanings }) {
  const listed = [...meanings.keys()].join(" or ");
  return `in ${context}, “${word}” means ${listed}`;
}

/** Return the contexts that a rule's events are in, each once, in order. */
function contextsOf(rule, assignment) {
  return [...new Set(rule.events.map((name) => assignment.get(name)).filter(Boolean))];
}

/** Return the words that mean more than one thing within one context. */
function clashesOf(events, assignment) {
  const byWord = new Map();
  for (const { name, words } of events) {
    const context = assignment.get(name);
    for (const [word, meaning] of context ? words : []) {
      const key = JSON.stringify([context, word]);
      const found = byWord.get(key) ?? { context, word, meanings: new Map() };
      byWord.set(key, found);
      found.meanings.set(meaning, [...(found.meanings.get(meaning) ?? []), name]);
    }
  }
  return [...byWord.values()].filter(({ meanings }) => meanings.size > 1);
}
