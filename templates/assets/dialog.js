"use strict";

/**
 * A dialog that is labelled, closes by Escape or its button, and gives the focus back to where it was.
 *
 * @param {string} title
 * @param {...Node} children
 * @returns {() => HTMLDialogElement} shows it
 */
function makeDialog(title, ...children) {
  const id = "dialog-" + document.querySelectorAll("dialog").length;
  const heading = make("h2", { id }, title);
  const dialog = make("dialog", { "aria-labelledby": id }, heading, ...children);
  dialog.append(makeButton("Close", () => dialog.close()));
  document.body.append(dialog);
  return () => {
    if (!dialog.open) dialog.showModal();
    return dialog;
  };
}
