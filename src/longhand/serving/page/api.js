// Requests to the server: errors that can be shown, the key, and the stream of a text.
const KEY = "longhand.key";
const SENDABLE = /^[\x21-\x7e]+$/; // what a header can hold
const ENDING = ["ending", "busy"]; // what a server says in a stream as it ends

export class ApiError extends Error {
  constructor(status, { message, param = null, code = null }, wait = null) {
    super(message);
    Object.assign(this, { status, param, code, wait });
  }
}

// The server did not answer, or its answer broke off.
export class LostError extends Error {}

let askForKey = async () => null; // set by main: shows a dialog, returns the key or null
export const whenKeyIsWanted = (asking) => { askForKey = asking; };

const storage = () => { try { return window.sessionStorage; } catch { return null; } };
const kept = { key: storage()?.getItem(KEY) ?? null };
const keepKey = (key) => {
  kept.key = key;
  try { storage()?.setItem(KEY, key); } catch { /* it is asked for again after a reload */ }
};

let asked = null; // all that wait for a key wait for the same dialog
const sendableKey = async (wrong) => {
  const key = await askForKey(wrong);
  return key === null || SENDABLE.test(key) ? key : sendableKey(true);
};
const keyFromPerson = (wrong) => asked ??= sendableKey(wrong).finally(() => { asked = null; });

const failure = async (response) => {
  let error = null;
  try { error = (await response.json()).error; } catch { /* not a page of ours in between */ }
  const wait = Number(response.headers.get("Retry-After")) || null;
  return new ApiError(response.status, error?.message ? error : { message: `${response.status} ${response.statusText}` }, wait);
};

// Ask for a path; with a body it is sent. Returns the response. Throws ApiError, LostError, or AbortError.
export const request = async (path, { body, signal } = {}) => {
  for (;;) {
    const used = kept.key, headers = used ? { Authorization: `Bearer ${used}` } : {};
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new LostError(error.message);
    }
    if (response.ok) return response;
    if (response.status !== 401) throw await failure(response);
    if (kept.key === used) {
      const key = await keyFromPerson(Boolean(used));
      if (key === null) throw await failure(response);
      keepKey(key);
    }
  }
};

export const json = async (path, options) => {
  const response = await request(path, options);
  try { return await response.json(); } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new LostError(error.message);
  }
};

// The data of each event of a stream, as they come. Throws LostError where it ends before it says so.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try { part = await reader.read(); } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new LostError(error.message);
    }
    if (part.done) throw new LostError("the stream broke off");
    const blocks = (rest + part.value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield data;
    }
  }
}

// The chunks of a completion, as they come.
export async function* completion(body, signal) {
  const response = await request("/v1/completions", { body: { ...body, stream: true }, signal });
  for await (const data of events(response)) {
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(ENDING.includes(chunk.error.code) ? 503 : 500, chunk.error);
    yield chunk;
  }
}

export const models = async () => (await json("/v1/models")).data;
export const runs = async () => (await json("/v1/runs")).data;
export const run = (id, signal) => json(`/v1/runs/${encodeURIComponent(id)}`, { signal });
export const inspection = (body, signal) => json("/v1/inspect", { body, signal });
export const complete = (body, signal) => json("/v1/completions", { body, signal });

// Whether the server answers.
export const alive = async () => {
  try { return (await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(4000) })).ok; } catch { return false; }
};
