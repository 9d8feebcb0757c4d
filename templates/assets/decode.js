"use strict";

/**
 * The data of the page.
 *
 * @param {HTMLElement | null} element
 * @returns {Promise<any>} rejects with an Error whose message is for the reader
 */
async function decodePayload(element) {
  if (!element) throw new Error("the data is missing");
  const text = element.textContent || "";
  let json = text;
  if (element.dataset.encoding) {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack the data");
    json = await unpacked(text);
  }
  const payload = parsed(json);
  if (payload.schema !== "leakreport-payload/1") throw new Error("the data is of another version");
  return payload;
}

/** @param {string} text base64 of gzip */
async function unpacked(text) {
  try {
    const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream).text();
  } catch {
    throw new Error("the data is damaged");
  }
}

/** @param {string} json */
function parsed(json) {
  try {
    return Object(JSON.parse(json));
  } catch {
    throw new Error("the data is damaged");
  }
}
