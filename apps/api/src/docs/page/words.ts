/** Words and code as HTML. */
import { html, raw } from "hono/html";

export type Html = ReturnType<typeof html>;

/** Text with an empty line between paragraphs and with code between backticks. */
export const paragraphs = (text: string): Html[] => text.split("\n\n").map((each) => html`<p>${inline(each)}</p>`);

/** One line of such text. */
export const inline = (text: string): Html[] =>
  text.split("`").map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));

export const block = (text: string): Html => html`<pre tabindex="0"><code>${text}</code></pre>`;

export const json = (value: unknown): Html =>
  block(typeof value === "string" ? value : JSON.stringify(value, undefined, 2));

/** A table, or nothing when it would be empty. */
export const table = (heads: readonly string[], rows: readonly (readonly unknown[])[]): Html =>
  rows.length === 0
    ? html``
    : html`<div class="wide"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;

/** Content that is hidden until the reader opens it. */
export const fold = (title: string, content: unknown): Html =>
  html`<details><summary>${title}</summary>${content}</details>`;

export const anchor = (id: string): Html => html`<a class="anchor" href="#${id}" aria-label="Link to this">#</a>`;

/** A whole page with its own style, which loads nothing else. */
export const wholePage = (title: string, style: string, nav: Html, main: Html): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<nav aria-label="Contents">${nav}</nav>
<main>${main}</main>
</body>
</html>
`;
