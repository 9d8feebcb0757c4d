"use strict";

/**
 * A table for spreadsheets: RFC 4180 with line feeds. A text that a spreadsheet would take for a formula gets a quote in
 * front, as render/csv.py has it; numbers stay numbers.
 *
 * @param {(string | number | null)[][]} lines
 */
function csvText(lines) {
  return lines.map((cells) => cells.map(csvCell).join(",") + "\n").join("");
}

/** @param {string | number | null} cell */
function csvCell(cell) {
  if (typeof cell !== "string") return cell === null ? "" : String(cell);
  const text = /^[=+\-@']/.test(cell) ? "'" + cell : cell;
  return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

/** The name without what ends a name or a line: \xNN, \uNNNN. @param {string} name */
function oneName(name) {
  return name.replace(/[\p{Cc}\p{Cs};\\\u2028\u2029]/gu, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16);
  });
}

/** Whether a file can be offered: in a sandbox without an origin nobody can tell, so it is not. */
function canSave() {
  try {
    const frame = window.frameElement;
    if (frame && frame.hasAttribute("sandbox"))
      return /** @type {HTMLIFrameElement} */ (frame).sandbox.contains("allow-downloads");
  } catch {
    return false;
  }
  return window.origin !== "null" || (location.protocol === "file:" && window.top === window);
}

/** @param {string} name @param {string} type @param {string} text */
function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = make("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
