/** The endpoints of the OpenAPI document, as a reader wants them: what to call, with what, and what comes back. */
import type { JsonSchema } from "@valibot/to-json-schema";
import { html } from "hono/html";
import type { OpenApi } from "../openapi.ts";
import { fieldsOf, typeOf } from "./schemas.ts";
import { anchor, block, fold, type Html, inline, json, paragraphs, table } from "./words.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly example?: unknown;
}
interface Media {
  readonly schema: JsonSchema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly "x-item-schema"?: JsonSchema;
}
interface Answer {
  readonly $ref?: string;
  readonly description: string;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Entry {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

/** An endpoint, with its method and path. */
export interface Endpoint extends Entry {
  readonly method: string;
  readonly path: string;
}

export function endpointsOf({ paths }: OpenApi): Endpoint[] {
  // The generator's type allows all of OpenAPI; these are the parts that our document has.
  const entries = Object.entries(paths as unknown as Record<string, Record<string, Entry>>);
  return entries.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, entry]) => ({ ...entry, method: method.toUpperCase(), path })),
  );
}

export const endpointHtml = (endpoint: Endpoint): Html => {
  const { operationId: id, method, path, summary, description = "", deprecated, requestBody } = endpoint;
  const [media] = Object.values(requestBody?.content ?? {});
  return html`<article id="${id}"><h3>${summary}${anchor(id)}</h3>
<p class="call"><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code>${
    deprecated === true ? " (the older path)" : ""
  }</p>
${description === "" ? "" : paragraphs(description)}
${table(["Parameter", "Type", ""], (endpoint.parameters ?? []).map(parameterRow))}
${media === undefined ? "" : html`<h4>Body</h4>${fieldsOf(media.schema)}`}
${requestsOf(endpoint, media)}
${answersOf(endpoint)}</article>`;
};

const parameterRow = ({ name, in: place, required, schema, description = "" }: Parameter): unknown[] => [
  html`<code>${name}</code>${required === true ? "" : "?"}`,
  typeOf(schema),
  html`${place}${description === "" ? "" : html`: ${inline(description)}`}`,
];

function requestsOf(endpoint: Endpoint, media: Media | undefined): Html {
  const [first, ...rest] = Object.entries(media?.examples ?? {});
  if (first === undefined) return block(curl(endpoint));
  const example = (value: unknown) => block(curl(endpoint, value));
  return html`${example(first[1].value)}${rest.map(([name, { value }]) => fold(name, example(value)))}`;
}

/** The call for a shell. `$BASE` and `$TOKEN` are the reader's. */
export function curl({ method, path, parameters = [], security, responses }: Endpoint, body?: unknown): string {
  const exampleOf = (name: string) =>
    encodeURIComponent(String(parameters.find((each) => each.name === name)?.example ?? name));
  const query = parameters
    .filter((each) => each.in === "query" && each.example !== undefined)
    .map(({ name }) => `${name}=${exampleOf(name)}`);
  const url = `${path.replace(/\{(\w+)\}/g, (_, name: string) => exampleOf(name))}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const streams = responses["200"]?.content?.["text/event-stream"] !== undefined;
  return [
    `curl${streams ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`} "$BASE${url}"`,
    ...(security.length === 0 ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`]),
  ].join(" \\\n  ");
}

function answersOf({ responses }: Endpoint): Html {
  const all = Object.entries(responses);
  const errors = all.filter(([status]) => Number(status) >= 400);
  const [success] = all.filter(([status]) => Number(status) < 400);
  const [media] = Object.values(success?.[1].content ?? {});
  return html`${
    success === undefined || media === undefined
      ? ""
      : html`<h4>Answer ${success[0]}</h4>${media.example === undefined ? "" : json(media.example)}
${fold("Fields", fieldsOf(media["x-item-schema"] ?? media.schema))}`
  }${errors.length === 0 ? "" : html`<h4>Errors</h4>${table(["Status", "Code", ""], errors.map(errorRow))}`}`;
}

const errorRow = ([status, { $ref, description, content }]: [string, Answer]): unknown[] => [
  status,
  html`<code>${$ref?.split("/").at(-1) ?? errcodeOf(content)}</code>`,
  inline(description),
];

/** The code of an error in Matrix' own form. */
function errcodeOf(content: Answer["content"]): string {
  const [media] = Object.values(content ?? {});
  return (media?.example as { errcode?: string } | undefined)?.errcode ?? "";
}
