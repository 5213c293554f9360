// The API documentation page: reads /api/openapi.json, shows every operation, and has a form to try it.
// No dependency, no build.

import { el, expandable, page, prose } from "./dom.js";
import { bodyView, field, fieldsOf, load, spec } from "./schemas.js";
import { startSession } from "./session.js";
import { tryView } from "./trying.js";

const PROBLEM = "application/problem+json";
const METHODS = ["get", "post", "put", "patch", "delete"];
const rows = []; // for every operation: its <details> and the text that the filter searches

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

const statusView = (status) => el("span", { className: `status s${status[0]}` }, status, " ");

function successView([status, response]) {
  return el("section", {}, el("h4", {}, statusView(status), response.description),
    Object.entries(response.content ?? {}).map((body) => bodyView(...body)));
}

function errorsView(refusals, problem) {
  const codes = refusals.flatMap(([status, response]) => problemCodes(response).map(([code, text]) =>
    el("li", {}, statusView(status), el("code", {}, code), ` ${text}`)));
  return codes.length ? [el("ul", { className: "codes" }, codes),
    problem && expandable("Fields of every error", fieldsOf(problem))] : [];
}

function operationView(entry) {
  const { operation } = entry;
  const { who, schemes } = callers(operation);
  const [body] = Object.entries(operation.requestBody?.content ?? {});
  const responses = Object.entries(operation.responses);
  const isRefusal = ([, response]) => problemCodes(response).length > 0;
  const refusals = responses.filter(isRefusal);
  const problem = refusals.map(([, response]) => response.content[PROBLEM].schema).find(Boolean);
  return el("div", { className: "operation" },
    el("div", { className: "reference" },
      prose(operation.description),
      el("p", {}, el("b", {}, "Who may call it: "), who, schemes && ` (${schemes})`),
      operation.parameters && [el("h3", {}, "Parameters"), el("ul", { className: "fields" },
        operation.parameters.map((one) => field(`${one.name} (${one.in})`, one.schema, one)))],
      body && [el("h3", {}, "Request body"), bodyView(...body)],
      el("h3", {}, "Responses"), responses.filter((one) => !isRefusal(one)).map(successView),
      refusals.length > 0 && [el("h3", {}, "Errors"), errorsView(refusals, problem)]),
    tryView({ ...entry, takesToken: schemes !== "" }, ...(body ?? [])));
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
  page("tags").append(el("a", { href: `#tag-${name}` }, name, " ", el("small", {}, `${own.length}`)));
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
  const session = startSession().catch(() => { page("enter").hidden = false; });
  await load();
  document.title = `${spec.info.title} ${spec.info.version}`;
  page("title").replaceChildren(spec.info.title, " ", el("small", {}, spec.info.version));
  page("about").replaceWith(prose(spec.info.description ?? "") || "");
  const entries = Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })));
  const names = new Set(entries.map((entry) => entry.operation.tags[0]));
  page("operations").append(...[...names].map((name) => sectionOf(name, entries)));
  page("filter").addEventListener("input", filter);
  addEventListener("hashchange", followHash);
  followHash();
  await session;
}

start().catch((error) => {
  page("status").value = `The API's document could not be shown: ${error.message}. Reload to try again.`;
});
