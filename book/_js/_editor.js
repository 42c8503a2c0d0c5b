/* The editor of a live cell: CodeMirror, loaded when a reader first edits.
 *
 * It is in a shadow root: there its styles are constructed sheets, which a strict
 * content security policy allows, and the page's own styles do not reach it.
 */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// As code.css colors the listings.
const COLORS = HighlightStyle.define([
  { tag: tags.comment, color: "var(--mp-muted)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--mp-request-text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.self], color: "var(--mp-retry-text)" },
  { tag: tags.string, color: "var(--mp-success-text)" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)],
    color: "var(--mp-failure-text)" },
  { tag: tags.punctuation, color: "var(--mp-muted)" },
]);
const LOOK = EditorView.theme({
  "&": { color: "var(--mp-ink)", fontSize: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: "var(--mp-font-code)", padding: "0", caretColor: "var(--mp-ink)" },
  ".cm-scroller": { fontFamily: "inherit", lineHeight: "inherit" },
  ".cm-line": { padding: "0" },
  ".cm-cursor": { borderLeftColor: "var(--mp-ink)", borderLeftWidth: "2px" },
  "& .cm-scroller .cm-selectionLayer .cm-selectionBackground": {
    background: "var(--mp-event-wash)",
  },
  "&.cm-focused .cm-matchingBracket": {
    background: "none", outline: "1px solid var(--mp-line-strong)",
  },
});

/** Put an editor in the place of a cell's code.
 *
 * `changed(source)` is called on each change, `run()` on Shift+Enter and Ctrl+Enter. The
 * key Tab moves on, as everywhere in the page; Ctrl+] and Ctrl+[ indent.
 */
export function opened(cell, { changed, run }) {
  const host = document.createElement("div");
  host.className = "mp-live-editor";
  const root = host.attachShadow({ mode: "open" });
  const listing = cell.input.firstElementChild;
  listing.hidden = true;
  cell.input.prepend(host);
  const go = () => { run(); return true; };
  const view = new EditorView({
    root,
    parent: root,
    doc: cell.source,
    extensions: [
      keymap.of([{ key: "Shift-Enter", run: go }, { key: "Mod-Enter", run: go },
        ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"), ...historyKeymap]),
      history(),
      python(),
      indentUnit.of("    "),
      EditorState.tabSize.of(4),
      indentOnInput(),
      bracketMatching(),
      drawSelection(),
      syntaxHighlighting(COLORS),
      LOOK,
      EditorView.contentAttributes.of({
        "aria-label": `Code of ${cell.name}. Shift and Enter run it; Tab moves on.`,
        autocapitalize: "off", autocorrect: "off", spellcheck: "false",
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString());
      }),
    ],
  });
  return {
    focus: () => view.focus(),
    get focused() { return host === document.activeElement; },
    close() {
      view.destroy();
      host.remove();
      listing.hidden = false;
    },
  };
}
