/** The WebSocket of the AsyncAPI document: its frames in both directions, and why it is closed. */
import { html } from "hono/html";
import type { AsyncApi, Message } from "../asyncapi.ts";
import { fieldsOf } from "./schemas.ts";
import { anchor, fold, type Html, inline, json, paragraphs, table } from "./words.ts";

const NEXT: Record<AsyncApi["x-close-codes"][number]["next"], string> = {
  resume: "Reconnect after a jittered delay, and resume.",
  backoff: "Wait, then reconnect and resume.",
  token: "Do not reconnect with this token.",
  stop: "Nothing.",
};

/** Groups of frames, as their operations have them. */
export function groupsOf({ operations, components }: AsyncApi) {
  return Object.entries(operations).map(([id, { action, summary, messages }]) => ({
    id,
    title: `${summary} (${action === "receive" ? "to us" : "to you"})`,
    frames: messages.flatMap(({ $ref }) => {
      const key = $ref.split("/").at(-1) ?? "";
      const message = components.messages[key];
      return message === undefined ? [] : [{ key, message }];
    }),
  }));
}

export const realtimeHtml = (asyncapi: AsyncApi): Html => html`<section id="realtime">
<h2>Realtime${anchor("realtime")}</h2>
<p class="call"><span class="method get">WS</span> <code>${asyncapi.channels.realtime.address}</code></p>
${paragraphs(asyncapi.info.description)}
${groupsOf(asyncapi).map(
  ({ id, title, frames }) => html`<section id="realtime.${id}"><h3>${title}${anchor(`realtime.${id}`)}</h3>
${frames.map(({ key, message }) => frameHtml(key, message))}</section>`,
)}
<section id="realtime.close"><h3>Close codes${anchor("realtime.close")}</h3>
${table(["Code", "Why", "What a client does next"], asyncapi["x-close-codes"].map(closeRow))}</section>
</section>`;

function frameHtml(key: string, { name, summary, payload, examples }: Message): Html {
  const [first, ...rest] = examples;
  return html`<article id="${key}"><h4>${name}${anchor(key)}</h4>
<p>${inline(summary)}</p>
${first === undefined ? "" : json(JSON.stringify(first.payload, undefined, 2))}
${rest.map((example) => fold(example.name, json(example.payload)))}
${fold("Fields", fieldsOf(payload))}</article>`;
}

const closeRow = ({ code, reason, next }: AsyncApi["x-close-codes"][number]): unknown[] => [
  html`<code>${code}</code>`,
  reason === "" ? "nothing was said" : reason,
  NEXT[next],
];
