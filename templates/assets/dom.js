"use strict";

/**
 * An element with properties and children; texts become text nodes, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{[name: string]: string | boolean | number}} [attributes] `class` and the like; true stands for the empty text, false for none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, given] of Object.entries(attributes)) {
    if (given !== false) element.setAttribute(name, given === true ? "" : String(given));
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} act
 * @param {{[name: string]: string | boolean}} [attributes]
 */
function makeButton(label, act, attributes = {}) {
  const button = make("button", Object.assign({ type: "button", class: "btn" }, attributes), label);
  button.addEventListener("click", act);
  return button;
}

/** What was remembered on this machine; a sandbox refuses, and then nothing is. @param {string} name */
function remembered(name) {
  try {
    return localStorage.getItem("leakreport." + name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} text */
function remember(name, text) {
  try {
    localStorage.setItem("leakreport." + name, text);
  } catch {
    // The choice holds for this visit.
  }
}
