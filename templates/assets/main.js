"use strict";

/** The page is complete without this; whatever fails here leaves it as it was. */
function main() {
  const root = document.documentElement;
  const tools = /** @type {HTMLElement | null} */ (document.querySelector("header .tools"));
  if (tools) {
    tools.append(themeButton());
    tools.hidden = false;
  }
  const element = document.getElementById("payload");
  if (!element) return;
  decodePayload(element).then(
    () => {
      root.dataset.ready = "";
    },
    (error) => notice("Search, zoom and the full lists are off: " + error.message + ". The page below is complete without them."),
  );
}

/** A line that stays, below the header. @param {string} text */
function notice(text) {
  const header = document.querySelector("header");
  const line = make("p", { class: "bar-note", role: "status" });
  if (header) header.after(make("div", { class: "wrap notice" }, line));
  line.textContent = text;
}
