// The form that tries an operation.

import { el, page, pre } from "./dom.js";
import { exampleOf, notNull, resolve, spec, typeOf } from "./schemas.js";
import { bearer, renew, showSession, takeBearer, xsrf } from "./session.js";

const FORM = "application/x-www-form-urlencoded";
const NOTEWORTHY = /^(x-trace-id|server-timing|retry-after|etag|location|link|allow|(x-)?ratelimit.*)$/;

function inputFor({ name, in: where, required = false, schema }) {
  const whole = resolve(schema);
  const { enum: values, type } = resolve(notNull(whole)[0] ?? whole);
  const choices = values?.filter((value) => value !== null) ?? (type === "boolean" ? [true, false] : null);
  const properties = { name: `${where} ${name}`, required, autocomplete: "off" };
  return el("label", {}, `${name} (${where})`, choices
    ? el("select", properties, ["", ...choices].map((choice) => el("option", {}, `${choice}`)))
    : el("input", { ...properties, placeholder: typeOf(schema) }));
}

/** Converts the form to arguments of fetch. A urlencoded body is entered as one name=value per line. */
function requestFrom({ method, path, takesToken }, form, type, text) {
  const headers = new Headers(text ? { "Content-Type": type } : {});
  const query = new URLSearchParams();
  let filled = path;
  for (const [key, value] of [...new FormData(form)].filter(([, given]) => given)) {
    const [where, name] = key.split(" ");
    if (where === "path") filled = filled.replace(`{${name}}`, () => encodeURIComponent(value));
    if (where === "query") query.append(name, value);
    if (where === "header") headers.set(name, value);
  }
  const lines = type === FORM ? text.split("\n").filter(Boolean) : [];
  const pairs = lines.map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]);
  const body = type === FORM ? `${new URLSearchParams(pairs)}` : text || undefined;
  const url = `${location.origin}${spec.servers[0].url}${filled}${`${query}` && `?${query}`}`;
  return { url, method: method.toUpperCase(), headers, lines, body, takesToken };
}

/** Converts the form to a shell command. The token is in a variable, which keeps it out of the shell's history. */
function curlLine({ url, method, headers, lines, body, takesToken }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const form = lines.map((line) => `--data-urlencode ${quoted(line)}`);
  const data = form.length ? form : [body && `--data-raw ${quoted(body)}`];
  return [`curl -i -X ${method} ${quoted(url)}`, takesToken && '-H "Authorization: Bearer $TOKEN"',
    ...[...headers].map((header) => `-H ${quoted(header.join(": "))}`), ...data].filter(Boolean).join(" \\\n  ");
}

/** Sends with the bearer token if there is one, else with the cookies; renews an access cookie that has expired. */
async function ask({ url, method, headers, body, takesToken }, signal) {
  const token = takesToken && bearer();
  const own = () => (token ? { Authorization: `Bearer ${token}` } : xsrf(method));
  const all = () => new Headers([...headers, ...Object.entries(own())]);
  const sent = () => fetch(url, { method, headers: all(), body, signal, cache: "no-store" });
  const response = await sent();
  if (response.status !== 401 || token || !takesToken) return response;
  const { code } = await response.clone().json();
  return code === "TOKEN_EXPIRED" && (await renew()) ? sent() : response;
}

/** Sends the request and shows the answer while it arrives, because a stream of events does not end. */
async function send(request, signal, shown) {
  const started = performance.now();
  const response = await ask(request, signal);
  shown.status.value = `${response.status} ${response.statusText} · ${Math.round(performance.now() - started)} ms`;
  shown.status.className = `status s${`${response.status}`[0]}`;
  const noteworthy = [...response.headers].filter(([name]) => NOTEWORTHY.test(name));
  shown.headers.append(noteworthy.map((header) => header.join(": ")).join("\n"));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader.read()) shown.body.append(part.value);
  if (/\/(auth|users\/me|sessions)\b/.test(request.url) && request.method !== "GET") await showSession();
  if (!shown.body.textContent || !response.headers.get("Content-Type")?.includes("json")) return;
  const answer = JSON.parse(shown.body.textContent);
  shown.body.textContent = JSON.stringify(answer, null, 2);
  if (answer?.access_token) await takeBearer(answer.access_token);
}

export function tryView(entry, type, media) {
  const example = media && exampleOf(media.schema);
  const text = type === FORM ? Object.entries(example).map((pair) => pair.join("=")).join("\n")
    : JSON.stringify(example, null, 2) ?? "";
  const body = el("textarea", { name: "body", value: text, rows: text.split("\n").length + 1, spellcheck: false });
  const button = el("button", { className: "primary" }, "Send");
  const curl = pre("", { className: "curl", title: "One click selects all of it." });
  const shown = { status: el("output"), headers: pre(), body: pre() };
  const form = el("form", { className: "try" }, el("h3", {}, "Try it"),
    (entry.operation.parameters ?? []).map(inputFor),
    media && el("label", {}, type === FORM ? "Body, one name=value a line" : `Body, ${type}`, body),
    button, curl, Object.values(shown));
  const request = () => requestFrom(entry, form, type, body.value);
  const showCurl = () => { curl.textContent = curlLine(request()); };
  let sending = null;
  form.addEventListener("input", showCurl);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return sending.abort();
    sending = new AbortController();
    button.textContent = "Stop";
    for (const part of Object.values(shown)) part.textContent = "";
    try {
      await send(request(), sending.signal, shown);
    } catch (error) {
      shown.status.value += sending.signal.aborted ? " stopped" : ` failed: ${error.message}`;
    }
    sending = null;
    button.textContent = "Send";
  });
  showCurl();
  return form;
}
