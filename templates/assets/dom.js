/**
 * An element; texts become text nodes, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string | {[name: string]: string | number | boolean | null}} [attributes] or the class alone; true stands for the
 *   empty text, false, null and "" for none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, attributes = "", ...children) {
  const element = document.createElement(tag);
  const given = typeof attributes === "string" ? { class: attributes } : attributes;
  for (const [name, value] of Object.entries(given)) {
    if (value || value === 0) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** @param {EventTarget} target @param {string} event @param {(event: any) => void} act */
function listen(target, event, act) {
  target.addEventListener(event, act);
}

/** @param {string} label @param {() => void} act @param {string | {[name: string]: string}} [attributes] as of `make` */
function makeButton(label, act, attributes = "btn") {
  const button = make("button", attributes, label);
  button.type = "button";
  listen(button, "click", act);
  return button;
}

/** A button that shows a sign only. @param {string} sign @param {string} title @param {string} key that does the same @param {(key: string) => void} act */
function makeIcon(sign, title, key, act) {
  return makeButton(sign, () => act(key), { class: "btn icon", "aria-label": title, title: `${title} (${key})` });
}

/** A labelled dialog; closed, it gives the focus back. @param {string} title @param {...Node} children */
function makeDialog(title, ...children) {
  const id = `dialog-${document.querySelectorAll("dialog").length}`;
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

/** Keys without a modifier, of what has the focus; those that are taken are nobody else's. @param {HTMLElement} element @param {(key: string) => boolean} take */
function onKeys(element, take) {
  listen(element, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !take(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Scrolls no further than it takes to see a row. @param {HTMLElement} view @param {number} top @param {number} height */
function scrollToRow(view, top, height) {
  view.scrollTop = Math.min(top, Math.max(view.scrollTop, top + height - view.clientHeight));
}

/** Brings the graph into view. */
function showGraph() {
  document.getElementById("flame")?.scrollIntoView();
}

/** A line that stays, below the header. @param {string} text */
function notice(text) {
  const line = make("p", { class: "bar-note", role: "status" });
  document.querySelector("header")?.after(make("div", "wrap notice", line));
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
    if (value !== undefined) localStorage.setItem(`leakreport.${name}`, value);
    return localStorage.getItem(`leakreport.${name}`);
  } catch {
    return null;
  }
}

/** The button that goes through the themes: it says when the dark colours of the style sheet hold. */
function themeButton() {
  const { dataset } = document.documentElement;
  const rules = [...(document.styleSheets[0]?.cssRules || [])];
  // They are in the first media rule of the sheet.
  const dark = /** @type {CSSMediaRule | undefined} */ (rules.find((rule) => rule instanceof CSSMediaRule))?.media;
  const themes = ["auto", "light", "dark"];
  const queries = [dark?.mediaText || "", "not all", "screen"];
  let chosen = Math.max(themes.indexOf(remembered("theme") || ""), 0);
  const next = () => {
    chosen = (chosen + 1) % themes.length;
    remembered("theme", themes[chosen]);
    show();
  };
  const button = makeButton("\u25d1", next, "btn icon");
  function show() {
    if (dark) dark.mediaText = queries[chosen];
    dataset.theme = themes[chosen];
    if (!chosen) delete dataset.theme;
    button.title = `Theme: ${themes[chosen]}`;
    button.setAttribute("aria-label", button.title);
  }
  show();
  return button;
}

/** Copies a text, or shows it selected where the browser refuses. @returns {(text: string) => Promise<void>} */
function makeCopier() {
  const field = make("textarea", { readonly: true, rows: 12, "aria-label": "Text to copy" });
  const words = "The browser does not let this page copy. The text is selected: press Ctrl+C or \u2318C.";
  const dialog = makeDialog("Copy as Markdown", make("p", "", words), field);
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
    if (frame?.hasAttribute("sandbox")) return frame.sandbox.contains("allow-downloads");
  } catch {
    return false;
  }
  return window.origin !== "null" || (location.protocol === "file:" && window.top === window);
}

/** @param {string} name @param {string} type @param {string} text */
function saveFile(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
