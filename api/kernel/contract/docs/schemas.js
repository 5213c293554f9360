// Schemas of the OpenAPI document, as types, fields and examples.

import { el, expandable, pre, prose } from "./dom.js";

const CONSTRAINTS = {
  minLength: "at least # characters", maxLength: "at most # characters", pattern: "matches #",
  minimum: "at least #", maximum: "at most #", exclusiveMinimum: "more than #", exclusiveMaximum: "less than #",
  multipleOf: "a multiple of #", minItems: "at least # items", maxItems: "at most # items", default: "default #",
};
const EXAMPLES = {
  email: "ada@example.org", uuid: "01890a5d-ac96-774b-bcce-b302099a8057", "date-time": "2030-01-31T12:00:00Z",
  date: "2030-01-31", uri: "https://example.org/", boolean: true, object: {},
};

export let spec;

/** Loads the document. Throws without it. */
export async function load() {
  const response = await fetch("/api/openapi.json");
  if (!response.ok) throw new Error(`/api/openapi.json answered ${response.status}`);
  spec = await response.json();
}

/** Resolves a $ref; sibling keys of the $ref take precedence, as in OpenAPI 3.1. */
export function resolve(node) {
  if (!node?.$ref) return node ?? {};
  const { $ref, ...beside } = node;
  return { ...resolve($ref.slice(2).split("/").reduce((at, step) => at?.[step], spec)), ...beside };
}

const members = (schema) => schema.anyOf ?? schema.oneOf ?? [];
export const notNull = (schema) => members(schema).filter((member) => member.type !== "null");

export function typeOf(schema) {
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

export function field(name, schema, { required, description }, nested) {
  return el("li", {}, el("code", {}, name), required && el("b", {}, " required"), " ", factsOf(schema),
    prose(description ?? resolve(schema).description), nested && expandable("Its fields", nested));
}

/** Renders a schema's fields as nested lists, null without fields; `above` stops recursive schemas. */
export function fieldsOf(schema, above = []) {
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
export function exampleOf(schema, above = []) {
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

/** Describes a body: its type, and on request its fields, an example and the schema itself. */
export function bodyView(type, media) {
  const json = (value) => pre(JSON.stringify(value, null, 2));
  const fields = fieldsOf(media.schema);
  const example = fields && type.includes("json") && expandable("Example", json(exampleOf(media.schema)));
  return el("div", { className: "body" },
    el("p", {}, el("span", { className: "facts" }, `${type} · `), factsOf(media.schema)),
    fields && expandable("Fields", fields, true), example,
    media.schema && fields && expandable("JSON Schema", json(resolve(media.schema))));
}
