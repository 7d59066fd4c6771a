/** Message projections, as people ask for them. */
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import { dataOf } from "../../support/http.ts";
import type { Person, World } from "../../support/world.ts";
import { type Bridge, bridge } from "./homeserver.ts";

export const MESSAGES = "/core/api/v1/messages";

/** A message as projections print it. */
export interface Projection extends Fields {
  readonly id: string;
  readonly matrix_event_id: string;
  readonly message_type: string;
  readonly preview: string | null;
}

export interface Page {
  readonly data: readonly Projection[];
  readonly next_cursor: string | null;
}

export async function pageOf(asker: Person, query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await asker.asks("GET", `${MESSAGES}?${new URLSearchParams(query)}`);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Page;
}

/** The newest messages of a conversation. */
export const listed = async (asker: Person, conversation_id: string, more: Readonly<Record<string, string>> = {}) =>
  (await pageOf(asker, { conversation_id, ...more })).data;

/** Their previews, oldest first. */
export const previewsOf = async (asker: Person, chatId: string, more: Readonly<Record<string, string>> = {}) =>
  (await listed(asker, chatId, more)).map(({ preview }) => preview).reverse();

export const projectionOf = async (asker: Person, id: string): Promise<Projection> =>
  dataOf<Projection>(await asker.asks("GET", `${MESSAGES}/${encodeURIComponent(id)}`));

export const statsOf = async (asker: Person, conversation_id: string): Promise<Fields> =>
  dataOf<Fields>(await asker.asks("GET", `${MESSAGES}/stats?${new URLSearchParams({ conversation_id })}`));

export const FILE = { mimetype: "application/pdf", size: 2048576 };
export const URL_OF_FILE = "mxc://your-sphere.example.com/AbCdEfGhIjKlMnOp";

/** A room in which there is one message of each kind. */
export async function assortment(world: World): Promise<Bridge> {
  const chat = await bridge(world);
  const { alice, bob, room } = chat;
  const root = room.says(alice, "The deployment is ready for review");
  const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: root.event_id, is_falling_back: true } };
  const media = (msgtype: string, body: string) =>
    room.says(bob, body, { msgtype, body, url: URL_OF_FILE, info: FILE });
  await room.pushes([
    root,
    room.says(bob, "Looks good, merging now", inThread),
    media("m.image", "screen.png"),
    media("m.file", "plan.pdf"),
    media("m.audio", "voice.ogg"),
    media("m.video", "demo.mp4"),
    room.says(alice, "a notice", { msgtype: "m.notice" }),
    room.says(alice, "waves", { msgtype: "m.emote" }),
    room.says(alice, "here", { msgtype: "m.location", geo_uri: "geo:1,2" }),
    room.event(alice, "m.sticker", { body: "a sticker", url: URL_OF_FILE, info: FILE }),
    room.event(alice, "m.room.encrypted", { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgA" }),
  ]);
  return chat;
}
