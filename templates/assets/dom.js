"use strict";

/**
 * An element; texts become text nodes, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{[name: string]: string | number | boolean}} [attributes] true stands for the empty text, false for none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** @param {string} label @param {() => void} act @param {{[name: string]: string}} [attributes] */
function makeButton(label, act, attributes) {
  const button = make("button", Object.assign({ type: "button", class: "btn" }, attributes), label);
  button.addEventListener("click", act);
  return button;
}

/** A labelled dialog; closed, it gives the focus back. @param {string} title @param {...Node} children */
function makeDialog(title, ...children) {
  const id = "dialog-" + document.querySelectorAll("dialog").length;
  const dialog = make("dialog", { "aria-labelledby": id }, make("h2", { id }, title), ...children);
  dialog.append(makeButton("Close", () => dialog.close()));
  document.body.append(dialog);
  return dialog;
}

/** Gives the focus to what is no control. @param {Element | null} element */
function focusOn(element) {
  if (!(element instanceof HTMLElement)) return;
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/** A line that stays, below the header. @param {string} text */
function notice(text) {
  const line = make("p", { class: "bar-note", role: "status" });
  const header = document.querySelector("header");
  if (header) header.after(make("div", { class: "wrap notice" }, line));
  line.textContent = text;
}

/** A message that goes by itself. @param {string} text */
function say(text) {
  const line = document.querySelector(".said") || make("p", { class: "said", role: "status" });
  document.body.append(line);
  line.textContent = text;
  setTimeout(() => line.textContent === text && (line.textContent = ""), 6000);
}

/** What was chosen on this machine before; a sandbox refuses, and then nothing was. @param {string} name @param {string} [value] to keep */
function remembered(name, value) {
  try {
    if (value !== undefined) localStorage.setItem("leakreport." + name, value);
    return localStorage.getItem("leakreport." + name);
  } catch {
    return null;
  }
}

/** The button that goes through the themes. */
function themeButton() {
  const button = makeButton("\u25d1", () => choose({ auto: "light", light: "dark" }[chosen] || "auto"), {
    class: "btn icon",
  });
  let chosen = "auto";
  /** @param {string | null} theme */
  function choose(theme) {
    chosen = theme === "light" || theme === "dark" ? theme : "auto";
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    button.title = "Theme: " + chosen;
    button.setAttribute("aria-label", button.title);
  }
  choose(remembered("theme"));
  button.addEventListener("click", () => remembered("theme", chosen));
  return button;
}

/** Copies a text, or shows it selected where the browser refuses. @returns {(text: string) => Promise<void>} */
function makeCopier() {
  const field = make("textarea", { readonly: true, rows: 12, "aria-label": "Text to copy" });
  const words = make(
    "p",
    {},
    "The browser does not let this page copy. The text is selected: press Ctrl+C or \u2318C.",
  );
  const dialog = makeDialog("Copy as Markdown", words, field);
  return async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied as Markdown");
    } catch {
      field.value = text;
      if (!dialog.open) dialog.showModal();
      field.focus();
      field.select();
    }
  };
}

/** Whether files can be saved; in a sandbox without an origin nobody can tell, so none is offered. */
function canSave() {
  try {
    const frame = /** @type {HTMLIFrameElement | null} */ (window.frameElement);
    if (frame && frame.hasAttribute("sandbox")) return frame.sandbox.contains("allow-downloads");
  } catch {
    return false;
  }
  return window.origin !== "null" || (location.protocol === "file:" && window.top === window);
}

/** @param {string} name @param {string} type @param {string} text */
function saveFile(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
