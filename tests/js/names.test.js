"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { sharedCases } = require("./cases.js");
const { load } = require("./load.js");

const { shortenName } = load();

test("names get shorter as in Python", () => {
  for (const [name, room, shown] of sharedCases("name_cases.json")) {
    assert.equal(shortenName(name, room), shown, `${name} in ${room}`);
  }
});

test("what is shown always fits", () => {
  for (const name of [
    "<".repeat(50000),
    "a::".repeat(30000),
    "f(".repeat(50000),
    "{".repeat(50000),
    "operator<".repeat(9000),
  ]) {
    for (const room of [1, 2, 7, 60]) assert.ok(shortenName(name, room).length <= room);
  }
});
