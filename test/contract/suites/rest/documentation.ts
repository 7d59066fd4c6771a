/** CONTRACT section 9: the API's own documents, and real answers compared with them. */
import { HistoryMessage } from "@signalbox/api/responses/messages";
import { Projection, Statistics } from "@signalbox/api/responses/projections";
import { Room, RoomSummary } from "@signalbox/api/responses/rooms";
import { SignalSnapshot } from "@signalbox/api/responses/signals";
import { RoomState } from "@signalbox/api/responses/state";
import { describe, expect, test } from "vitest";
import { ask, dataOf, type HistoryEntry, jsonOf } from "../../../support/http.ts";
import { conversation } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { bridge } from "../../stages/bridged-room.ts";
import { FILE, URL_OF_FILE } from "../../stages/message-kinds.ts";

/** The part of a documented schema that this suite uses. */
interface Documented {
  readonly "~standard": { validate(value: unknown): { readonly value?: unknown; readonly issues?: unknown } | object };
}

/** Fails the test unless the value has exactly the documented fields. */
function expectAs(schema: Documented, value: unknown): void {
  const { value: known, issues } = schema["~standard"].validate(value) as { value?: unknown; issues?: unknown };
  expect(issues).toBeUndefined();
  expect(known).toStrictEqual(value);
}

export function documentation(world: World): void {
  describe("the documentation", () => {
    test("is the same at every API node", async () => {
      for (const path of ["/openapi.json", "/asyncapi.json", "/docs"]) {
        const [one, other] = await Promise.all(world.servers.apis.map((api) => ask(`${api}${path}`)));
        expect(one?.status, path).toBe(200);
        expect(other?.text).toBe(one?.text);
      }
    });

    test("names the versions of its formats, and no host", async () => {
      expect(jsonOf(await ask(`${world.servers.api}/openapi.json`))).toMatchObject({
        openapi: expect.stringMatching(/^3\.1\./),
        servers: [{ url: "/" }],
      });
      expect(jsonOf(await ask(`${world.servers.api}/asyncapi.json`))).toMatchObject({ asyncapi: "3.0.0" });
    });

    test("has every field of the answers about a native and a bridged room", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "Hello, world!", { mentions: [bob.id] });
      await alice.acts({ type: "REPLY", chatId, messageId, message: "and again" });
      await bob.acts({ type: "REACT", chatId, messageId, reaction: "👍" });
      await bob.acts({ type: "READ_MSG", chatId, messageId });
      await alice.acts({ type: "TYPING", chatId });

      const bridged = await bridge(world);
      const { room } = bridged;
      const root = room.says(bridged.alice, "The first");
      const thread = { "m.relates_to": { rel_type: "m.thread", event_id: root.event_id } };
      const file = { msgtype: "m.file", filename: "a.pdf", url: URL_OF_FILE, info: FILE, ...thread };
      await room.pushes([root, room.says(bridged.bob, "A file", file)]);

      for (const { asker, id } of [
        { asker: bob, id: chatId },
        { asker: bridged.alice, id: bridged.chatId },
      ]) {
        const asks = async (path: string) => dataOf<unknown>(await asker.asks("GET", path));
        expectAs(Room, await asks(`/v1/rooms/${id}`));
        expectAs(RoomState, await asks(`/v1/rooms/${id}/state`));
        expectAs(SignalSnapshot, await asks(`${conversation(id)}/signals/snapshot`));
        expectAs(Statistics, await asks(`/core/api/v1/messages/stats?conversation_id=${id}`));
        const each = [
          [RoomSummary, await asks("/v1/rooms")],
          [Projection, await asks(`/core/api/v1/messages?conversation_id=${id}`)],
          [HistoryMessage, await asker.history(id)],
        ] as const;
        for (const [schema, list] of each) {
          expect(list).not.toEqual([]);
          for (const entry of list as readonly HistoryEntry[]) expectAs(schema, entry);
        }
      }
    });
  });
}
