// Elements of the page. Content of the document and of answers is inserted as text, never as markup.

export const page = (name) => document.getElementById(`docs-${name}`);

export function el(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.flat(Infinity).filter(Boolean));
  return node;
}

/** Text as it is; the keyboard can scroll it. */
export const pre = (text, properties) => el("pre", { tabIndex: 0, ...properties }, text);

/** A part that opens on request. */
export const expandable = (label, content, open = false) =>
  el("details", { open }, el("summary", {}, label), content);

/** Renders a docstring: joins wrapped lines and formats `words in backticks` as code; nothing without text. */
export function prose(text) {
  const parts = text?.replace(/(?<!\n)\n(?![\n*-])\s*/g, " ").split("`");
  return text && el("p", { className: "prose" }, parts.map((part, index) => (index % 2 ? el("code", {}, part) : part)));
}
