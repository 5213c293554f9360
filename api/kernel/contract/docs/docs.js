// The API documentation page: reads /api/openapi.json, shows every operation, and has a form to try it.
// No dependency, no build. Content of the document and of answers is inserted as text, never as markup.

const FORM = "application/x-www-form-urlencoded";
const PROBLEM = "application/problem+json";
const METHODS = ["get", "post", "put", "patch", "delete"];
const NOTEWORTHY = /^(x-trace-id|server-timing|retry-after|etag|location|link|allow|(x-)?ratelimit.*)$/;
const CONSTRAINTS = {
  minLength: "at least # characters", maxLength: "at most # characters", pattern: "matches #",
  minimum: "at least #", maximum: "at most #", exclusiveMinimum: "more than #", exclusiveMaximum: "less than #",
  multipleOf: "a multiple of #", minItems: "at least # items", maxItems: "at most # items", default: "default #",
};
const EXAMPLES = {
  email: "ada@example.org", uuid: "01890a5d-ac96-774b-bcce-b302099a8057", "date-time": "2030-01-31T12:00:00Z",
  date: "2030-01-31", uri: "https://example.org/", boolean: true, object: {},
};

const page = (name) => document.getElementById(`docs-${name}`);
const rows = []; // for every operation: its <details> and the text that the filter searches
let spec;

function el(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.flat().filter(Boolean));
  return node;
}

/** Renders a docstring: joins wrapped lines and formats `words in backticks` as code; nothing without text. */
function prose(text) {
  const parts = text?.replace(/(?<!\n)\n(?![\n*-])\s*/g, " ").split("`");
  return text && el("p", { className: "prose" }, parts.map((part, index) => (index % 2 ? el("code", {}, part) : part)));
}

/** Resolves a $ref; sibling keys of the $ref take precedence, as in OpenAPI 3.1. */
function resolve(node) {
  if (!node?.$ref) return node ?? {};
  const { $ref, ...beside } = node;
  return { ...resolve($ref.slice(2).split("/").reduce((at, step) => at?.[step], spec)), ...beside };
}

const members = (schema) => schema.anyOf ?? [];
const notNull = (schema) => members(schema).filter((member) => member.type !== "null");

function typeOf(schema) {
  const whole = resolve(schema);
  if (whole.const !== undefined) return JSON.stringify(whole.const);
  if (whole.enum) return whole.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (members(whole).length) return members(whole).map(typeOf).join(" or ");
  if (whole.type === "array") return `array of ${typeOf(whole.items)}`;
  if (schema?.$ref) return schema.$ref.split("/").pop();
  if (whole.additionalProperties instanceof Object) return `map of ${typeOf(whole.additionalProperties)}`;
  const type = [whole.type ?? "anything"].flat().join(" or ");
  return whole.format ? `${type} (${whole.format})` : type;
}

function factsOf(schema) {
  const limits = (one) => Object.keys(CONSTRAINTS).filter((key) => one[key] !== undefined)
    .map((key) => CONSTRAINTS[key].replace("#", () => (key === "pattern" ? one[key] : JSON.stringify(one[key]))));
  const whole = resolve(schema);
  const all = [typeOf(schema), ...notNull(whole).map(resolve).flatMap(limits), ...limits(whole)];
  return el("span", { className: "facts" }, all.join(" · "));
}

function field(name, schema, { required, description }, nested) {
  return el("li", {}, el("code", {}, name), required && el("b", {}, " required"), " ", factsOf(schema),
    prose(description ?? resolve(schema).description), nested);
}

/** Renders a schema's fields as nested lists, null without fields; `above` stops recursive schemas. */
function fieldsOf(schema, above = []) {
  if (!schema || above.includes(schema.$ref)) return null;
  const path = schema.$ref ? [...above, schema.$ref] : above;
  const whole = resolve(schema);
  const choices = notNull(whole);
  if (whole.items) return fieldsOf(whole.items, path);
  if (choices.length === 1) return fieldsOf(choices[0], path);
  const items = choices.map((choice) => [choice, fieldsOf(choice, path)]).filter(([, list]) => list)
    .map(([choice, list]) => el("li", {}, "if it is ", typeOf(choice), list));
  for (const [name, property] of Object.entries(whole.properties ?? {})) {
    items.push(field(name, property, { required: whole.required?.includes(name) }, fieldsOf(property, path)));
  }
  const others = fieldsOf(whole.additionalProperties, path);
  if (others) items.push(el("li", {}, "under any name", others));
  return items.length ? el("ul", { className: "fields" }, items) : null;
}

/** Returns a value that matches the schema: its example, if any; omits optional fields with a default. */
function exampleOf(schema, above = []) {
  const whole = resolve(schema);
  const given = whole.example ?? whole.examples?.[0] ?? whole.const ?? whole.default ?? whole.enum?.[0];
  if (given !== undefined) return given;
  if (schema?.$ref && above.includes(schema.$ref)) return null;
  const path = [...above, schema?.$ref];
  const type = [whole.type].flat()[0];
  if (notNull(whole).length) return exampleOf(notNull(whole)[0], path);
  if (whole.properties) {
    const shown = Object.entries(whole.properties)
      .filter(([name, property]) => whole.required?.includes(name) || resolve(property).default === undefined);
    return Object.fromEntries(shown.map(([name, property]) => [name, exampleOf(property, path)]));
  }
  if (type === "array") return whole.items ? [exampleOf(whole.items, path)] : [];
  if (type === "integer" || type === "number") return whole.minimum ?? 1;
  return EXAMPLES[whole.format ?? type] ?? (type === "string" ? "string".padEnd(whole.minLength ?? 0, "-") : null);
}

function bodyView(type, media) {
  const fields = fieldsOf(media.schema);
  const example = fields && type.includes("json") && JSON.stringify(exampleOf(media.schema), null, 2);
  return [el("p", {}, el("span", { className: "facts" }, `${type} · `), factsOf(media.schema)), fields,
    example && el("details", {}, el("summary", {}, "Example"), el("pre", {}, example))];
}

/** Describes who may call it: security schemes are alternatives, {} means anonymous, a scheme's names are roles. */
function callers({ security: ways = [] }) {
  const schemes = [...new Set(ways.flatMap((way) => Object.keys(way)))].join(" or ");
  const roles = [...new Set(ways.flatMap((way) => Object.values(way).flat()))].join(", ");
  const anyone = ways.length === 0 || ways.some((way) => Object.keys(way).length === 0);
  return { who: anyone ? "anyone" : roles || "signed in", schemes };
}

function problemCodes(response) {
  return Object.entries(response.content?.[PROBLEM]?.examples ?? {})
    .map(([code, example]) => [code, example.value.detail]);
}

function responseView([status, response]) {
  const number = () => el("span", { className: `status s${status[0]}` }, status, " ");
  const codes = problemCodes(response).map(([code, text]) => el("li", {}, number(), el("code", {}, code), ` ${text}`));
  const bodies = Object.entries(response.content ?? {}).filter(([type]) => type !== PROBLEM);
  return codes.length ? el("ul", { className: "codes" }, codes)
    : el("section", {}, el("h4", {}, number(), response.description), bodies.flatMap((body) => bodyView(...body)));
}

function operationView(entry) {
  const { operation } = entry;
  const { who, schemes } = callers(operation);
  const [body] = Object.entries(operation.requestBody?.content ?? {});
  const responses = Object.entries(operation.responses);
  const problem = responses.map(([, response]) => response.content?.[PROBLEM]?.schema).find(Boolean);
  return el("div", { className: "operation" },
    prose(operation.description),
    el("p", {}, el("b", {}, "Who may call it: "), who, schemes && ` (${schemes})`),
    operation.parameters && [el("h3", {}, "Parameters"), el("ul", { className: "fields" },
      operation.parameters.map((one) => field(`${one.name} (${one.in})`, one.schema, one)))],
    body && [el("h3", {}, "Request body"), ...bodyView(...body)],
    el("h3", {}, "Responses"), responses.map(responseView),
    problem && el("details", {}, el("summary", {}, "What every error looks like"), fieldsOf(problem)),
    tryView(entry, ...(body ?? [])));
}

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
function requestFrom({ method, path, operation }, form, type, text) {
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
  return { url, method: method.toUpperCase(), headers, lines, body, token: callers(operation).schemes !== "" };
}

/** Converts the form to a shell command. The token is in a variable, which keeps it out of the shell's history. */
function curlLine({ url, method, headers, lines, body, token }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const form = lines.map((line) => `--data-urlencode ${quoted(line)}`);
  const data = form.length ? form : [body && `--data-raw ${quoted(body)}`];
  return [`curl -i -X ${method} ${quoted(url)}`, token && '-H "Authorization: Bearer $TOKEN"',
    ...[...headers].map((header) => `-H ${quoted(header.join(": "))}`), ...data].filter(Boolean).join(" \\\n  ");
}

/** Sends the request and shows the answer while it arrives, because a stream of events does not end. */
async function send({ url, method, headers, body, token }, signal, shown) {
  const bearer = page("token").value.trim();
  if (token && bearer) headers.set("Authorization", `Bearer ${bearer}`);
  const xsrf = document.cookie.match(/(?:^|; )XSRF-TOKEN=([^;]*)/); // set by a sign-in with cookies
  if (xsrf && method !== "GET") headers.set("X-XSRF-TOKEN", decodeURIComponent(xsrf[1]));
  const started = performance.now();
  const response = await fetch(url, { method, headers, body, signal, cache: "no-store" });
  shown.status.value = `${response.status} ${response.statusText} · ${Math.round(performance.now() - started)} ms`;
  shown.status.className = `status s${`${response.status}`[0]}`;
  const noteworthy = [...response.headers].filter(([name]) => NOTEWORTHY.test(name));
  shown.headers.append(noteworthy.map((header) => header.join(": ")).join("\n"));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader.read()) shown.body.append(part.value);
  if (!shown.body.textContent || !response.headers.get("Content-Type")?.includes("json")) return;
  const answer = JSON.parse(shown.body.textContent);
  shown.body.textContent = JSON.stringify(answer, null, 2);
  if (!answer?.access_token) return;
  page("token").value = answer.access_token;
  page("status").value = "The bearer token was taken from this answer.";
}

function tryView(entry, type, media) {
  const example = media && exampleOf(media.schema);
  const text = type === FORM ? Object.entries(example).map((pair) => pair.join("=")).join("\n")
    : JSON.stringify(example, null, 2) ?? "";
  const body = el("textarea", { value: text, rows: text.split("\n").length + 1, spellcheck: false });
  const button = el("button", {}, "Send");
  const curl = el("pre", { className: "curl", title: "one click selects all of it" });
  const shown = { status: el("output"), headers: el("pre"), body: el("pre") };
  const form = el("form", {}, el("h3", {}, "Try it"), (entry.operation.parameters ?? []).map(inputFor),
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

function rowOf(entry) {
  const { method, path, operation } = entry;
  const { operationId: id, summary, tags, responses } = operation;
  const codes = Object.values(responses).flatMap(problemCodes).map(([code]) => code);
  const row = el("details", { id, className: "row" }, el("summary", {},
    el("span", { className: `method ${method}` }, method.toUpperCase()), el("code", { className: "path" }, path),
    el("span", { className: "about" }, summary), el("span", { className: "callers" }, callers(operation).who)));
  row.addEventListener("toggle", () => {
    if (row.open) history.replaceState(null, "", `#${id}`);
    if (row.children.length === 1) row.append(operationView(entry));
  });
  rows.push({ row, words: [method, path, id, summary, ...tags, ...codes].join(" ").toLowerCase() });
  return row;
}

function sectionOf(name, entries) {
  const own = entries.filter((entry) => entry.operation.tags[0] === name);
  const description = spec.tags?.find((tag) => tag.name === name)?.description;
  page("tags").append(el("a", { href: `#tag-${name}` }, name), " ");
  return el("section", { id: `tag-${name}`, className: "tag" }, el("h2", {}, name), prose(description), own.map(rowOf));
}

function filter() {
  const wanted = page("filter").value.toLowerCase().split(/\s+/);
  for (const { row, words } of rows) row.hidden = !wanted.every((word) => words.includes(word));
  for (const tag of document.querySelectorAll(".tag")) tag.hidden = !tag.querySelector(".row:not([hidden])");
  const left = rows.filter(({ row }) => !row.hidden).length;
  page("status").value = left === rows.length ? `${left} operations` : `${left} of ${rows.length} operations`;
}

function followHash() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.hidden) page("filter").value = "";
  filter();
  if (target?.matches(".row")) target.open = true;
  target?.scrollIntoView();
  target?.querySelector("summary")?.focus({ preventScroll: true });
}

async function start() {
  const response = await fetch("/api/openapi.json");
  if (!response.ok) throw new Error(`/api/openapi.json answered ${response.status}`);
  spec = await response.json();
  document.title = `${spec.info.title} ${spec.info.version}`;
  page("title").replaceChildren(spec.info.title, " ", el("small", {}, spec.info.version));
  page("about").replaceWith(prose(spec.info.description ?? ""));
  const entries = Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })));
  const names = new Set(entries.map((entry) => entry.operation.tags[0]));
  page("operations").append(...[...names].map((name) => sectionOf(name, entries)));
  page("filter").addEventListener("input", filter);
  addEventListener("hashchange", followHash);
  followHash();
}

start().catch((error) => {
  page("status").value = `The API's document could not be shown: ${error.message}. Reload to try again.`;
});
