"use strict";

const fs = require("node:fs");
const path = require("node:path");

/** A table of tests/data that Python and the script share. */
function sharedCases(name) {
  return JSON.parse(fs.readFileSync(path.join(__dirname, "..", "data", name), "utf-8"));
}

module.exports = { sharedCases };
