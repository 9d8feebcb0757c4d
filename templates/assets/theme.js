"use strict";

/** @returns {HTMLButtonElement} the button that goes through the themes */
function themeButton() {
  const themes = ["auto", "light", "dark"];
  const button = makeButton("\u25d1", () => choose(themes[(themes.indexOf(chosen) + 1) % themes.length]), {
    class: "btn icon",
  });
  let chosen = "auto";
  /** @param {string} theme */
  function choose(theme) {
    chosen = themes.includes(theme) ? theme : "auto";
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    const label = "Theme: " + chosen;
    button.setAttribute("aria-label", label);
    button.title = label;
    remember("theme", chosen);
  }
  choose(remembered("theme") || "auto");
  return button;
}
