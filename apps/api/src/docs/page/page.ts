/** `/docs`: both documents as one page, without JavaScript and without a request to any other host. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { PROBLEMS } from "@signalbox/protocol/errors";
import { html } from "hono/html";
import type { AsyncApi } from "../asyncapi.ts";
import type { OpenApi } from "../openapi.ts";
import { groupsOf, realtimeHtml } from "./frames.ts";
import { type Endpoint, endpointHtml, endpointsOf } from "./operations.ts";
import { namedSchemas, type Schemas } from "./schemas.ts";
import { anchor, block, type Html, inline, paragraphs, table, wholePage } from "./words.ts";

/** The same place from `src` and from `dist`. */
const STYLE = new URL("../../../docs.css", import.meta.url);

const SETUP = `BASE=http://localhost:8080
TOKEN=…   # a JWT; a standalone node prints two when it starts`;

const errorRows = Object.entries(PROBLEMS).map(([code, { status, title }]) => [
  status,
  html`<code>${code}</code>`,
  title,
]);

export interface Page {
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** The page, with headers that let a browser do nothing but show it. */
export async function pageOf(openapi: OpenApi, asyncapi: AsyncApi): Promise<Page> {
  const style = await readFile(STYLE, "utf8");
  const tags = (openapi.tags ?? []).map(({ name, description = "" }) => ({ id: idOf(name), name, description }));
  const endpoints = endpointsOf(openapi);
  const sections = tags
    .map((tag) => ({ ...tag, endpoints: endpoints.filter(({ tags: [first] }) => first === tag.name) }))
    .filter((section) => section.endpoints.length > 0);
  const schemas = { ...asyncapi.components.schemas, ...(openapi.components.schemas as Schemas) };
  const main = html`<h1>Signalbox</h1>
${paragraphs(openapi.info.description)}${block(SETUP)}
<p>For machines: <a href="openapi.json">openapi.json</a>, <a href="asyncapi.json">asyncapi.json</a>.</p>
<section id="errors"><h2>Errors${anchor("errors")}</h2>${table(["Status", "Code", ""], errorRows)}</section>
${sections.map(sectionHtml)}${realtimeHtml(asyncapi)}
<section id="schemas"><h2>Schemas${anchor("schemas")}</h2>${namedSchemas(schemas)}</section>`;
  const page = await wholePage("Signalbox: the API", style, navOf(sections, asyncapi), main);
  return { body: String(page), headers: headersOf(style) };
}

interface Section {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly endpoints: readonly Endpoint[];
}

const idOf = (name: string): string => name.toLowerCase().replaceAll(" ", "-");

const sectionHtml = ({ id, name, description, endpoints }: Section): Html => html`<section id="${id}">
<h2>${name}${anchor(id)}</h2><p>${inline(description)}</p>${endpoints.map(endpointHtml)}</section>`;

function navOf(sections: readonly Section[], asyncapi: AsyncApi): Html {
  const link = (id: string, text: string) => html`<li><a href="#${id}">${text}</a></li>`;
  const entry = ({ operationId, summary }: Endpoint) => link(operationId, summary);
  return html`<ul>${link("errors", "Errors")}${sections.map(
    ({ id, name, endpoints }) => html`<li><a href="#${id}">${name}</a><ul>${endpoints.map(entry)}</ul></li>`,
  )}<li><a href="#realtime">Realtime</a><ul>${groupsOf(asyncapi).map(({ id, title }) => link(`realtime.${id}`, title))}
${link("realtime.close", "Close codes")}</ul></li>${link("schemas", "Schemas")}</ul>`;
}

function headersOf(style: string): Record<string, string> {
  const hash = createHash("sha256").update(style).digest("base64");
  return {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "X-Content-Type-Options": "nosniff",
  };
}
