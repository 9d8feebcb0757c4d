/** As Python rounds: ties go to the even digit. @type {(amount: number, digits: number) => string} */
function fixed(amount, digits) {
  const text = amount.toFixed(digits);
  // A tie is an odd multiple of half a step, which only dyadic fractions hit exactly.
  const isTie = (amount * 2 ** (digits + 1)) % 2 === 1;
  return isTie && Number(text.slice(-1)) % 2 ? (amount - 0.25 / 10 ** digits).toFixed(digits) : text;
}

/** @type {Format} */
function formatCount(count) {
  return (count < 0 ? "\u2212" : "") + `${BigInt(Math.abs(count))}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Binary units, two decimals under 100, one from 100 up. @type {Format} */
function formatBytes(amount) {
  const size = Math.abs(amount);
  for (let power = 4; power > 0; power--) {
    const scaled = size / 1024 ** power;
    // 1,023.996 KiB would print as 1024.0 KiB: such a figure belongs to the next unit.
    if (scaled < 1 && (size < 1024 || Number(fixed(scaled * 1024, 1)) < 1024)) continue;
    const digits = Number(fixed(scaled, 2)) < 100 ? 2 : 1;
    return `${amount < 0 ? "\u2212" : ""}${fixed(scaled, digits)} ${"KMGT"[power - 1]}iB`;
  }
  return formatExactBytes(amount);
}

/** @type {Format} */
function formatExactBytes(amount) {
  return formatCount(amount) + " B";
}

/** In percent; 0% and 100% only when they are exact. @type {(part: number, whole: number) => string} */
function formatShare(part, whole) {
  const percent = (part / whole) * 100;
  if (!whole || !part) return "0%";
  if (part === whole) return "100%";
  if (percent < 0.1) return "<0.1%";
  return percent >= 99.5 ? ">99%" : fixed(percent, percent >= 9.95 ? 0 : 1) + "%";
}

/** @type {(count: number, one: string, many?: string) => string} */
function plural(count, one, many) {
  return `${formatCount(count)} ${count === 1 ? one : many || one + "s"}`;
}

/** The class of a change. @type {(change: number) => string} */
function toneOf(change) {
  return change > 0 ? "up" : change < 0 ? "down" : "muted";
}
