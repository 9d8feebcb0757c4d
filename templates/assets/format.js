"use strict";

/** As Python rounds: ties go to the even digit. @param {number} amount @param {number} digits @returns {string} */
function fixed(amount, digits) {
  const text = amount.toFixed(digits);
  // A tie is an odd multiple of half a step, and only dyadic fractions hit one exactly.
  const isTie = (amount * 2 ** (digits + 1)) % 2 === 1;
  return isTie && Number(text.slice(-1)) % 2 === 1 ? (amount - 0.25 / 10 ** digits).toFixed(digits) : text;
}

/** @param {number} count @returns {string} with thousands commas and a real minus sign */
function formatCount(count) {
  const digits = String(BigInt(Math.abs(count))).replace(/\B(?=(\d{3})+$)/g, ",");
  return (count < 0 ? "\u2212" : "") + digits;
}

/** A size for people: binary units, two decimals under 100, one from 100 up. @param {number} amount @returns {string} */
function formatBytes(amount) {
  const sign = amount < 0 ? "\u2212" : "";
  const magnitude = Math.abs(amount);
  for (let power = 4; power > 0; power--) {
    const scaled = magnitude / 1024 ** power;
    // 1,023.996 KiB would print as 1024.0 KiB: such a figure belongs to the next unit.
    if (scaled >= 1 || (magnitude >= 1024 && Number(fixed(scaled * 1024, 1)) >= 1024)) {
      return sign + fixed(scaled, Number(fixed(scaled, 2)) < 100 ? 2 : 1) + " " + "KMGT"[power - 1] + "iB";
    }
  }
  return formatCount(amount) + " B";
}

/** @param {number} change @returns {string} with its sign */
function formatChange(change) {
  return (change > 0 ? "+" : "") + formatBytes(change);
}

/** @param {number} amount @returns {string} */
function formatExactBytes(amount) {
  return formatCount(amount) + " B";
}

/** In percent; 0% and 100% only when they are exact. @param {number} part @param {number} whole @returns {string} */
function formatShare(part, whole) {
  if (whole === 0 || part === 0) return "0%";
  if (part === whole) return "100%";
  const percent = (part / whole) * 100;
  if (percent < 0.1) return "<0.1%";
  if (percent >= 99.5) return ">99%";
  return fixed(percent, percent >= 9.95 ? 0 : 1) + "%";
}

/** A change in percent of a positive `before`. @param {number} before @param {number} after @returns {string} */
function formatRatio(before, after) {
  const percent = (Math.abs(after - before) / before) * 100;
  const few = percent >= 9.95 ? formatCount(Number(fixed(percent, 0))) : fixed(percent, 1);
  return (after < before ? "\u2212" : "+") + (percent > 0 && percent < 0.05 ? "<0.1" : few) + "%";
}

/** @param {number} count @param {string} one @param {string} [many] @returns {string} */
function plural(count, one, many) {
  return formatCount(count) + " " + (count === 1 ? one : many || one + "s");
}
