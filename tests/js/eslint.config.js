"use strict";

const js = require("@eslint/js");

const SINKS = ["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc", "cssText"];

module.exports = [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2020, sourceType: "script" },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
      strict: ["error", "global"],
    },
  },
  {
    files: ["**/templates/assets/*.js"],
    rules: {
      // tsc sees all files as the one scope that the page makes of them; eslint sees one file.
      "no-undef": "off",
      // The function that the page makes of them is strict.
      strict: "off",
      "no-unused-vars": ["error", { vars: "local", caughtErrors: "none" }],
      "no-restricted-properties": ["error", ...SINKS.map((property) => ({ property }))],
      "no-restricted-syntax": [
        "error",
        {
          selector: "Program > :not(FunctionDeclaration)",
          message: "Top-level function declarations only: all files share one function scope.",
        },
      ],
    },
  },
  {
    files: ["**/tests/js/*.js"],
    languageOptions: {
      globals: { require: "readonly", module: "writable", __dirname: "readonly", process: "readonly" },
    },
    // The page's scripts have no modules: the tests wrap them as the page does.
    rules: { "no-new-func": "off" },
  },
];
