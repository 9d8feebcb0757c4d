"use strict";

/**
 * Copies a text, or shows it selected where the browser refuses.
 *
 * @param {(text: string) => void} say
 * @returns {(text: string) => Promise<void>}
 */
function makeCopier(say) {
  const field = make("textarea", { readonly: true, rows: 12, "aria-label": "Text to copy" });
  const show = makeDialog(
    "Copy as Markdown",
    make("p", {}, "The text is selected: copy it with Ctrl+C or \u2318C."),
    field,
  );
  return async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied as Markdown");
    } catch {
      field.value = text;
      show();
      field.focus();
      field.select();
    }
  };
}

/** A code span that the text cannot leave. @param {string} text */
function codeSpan(text) {
  const fence = "`".repeat(longestRun(text) + 1);
  const pad = /^[` ]|[` ]$/.test(text) ? " " : "";
  return fence + pad + text + pad + fence;
}

/** @param {string} text */
function codeBlock(text) {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return fence + "text\n" + text + "\n" + fence;
}

/** Of backticks. @param {string} text */
function longestRun(text) {
  return Math.max(0, ...(text.match(/`+/g) || []).map((run) => run.length));
}
