/** CONTRACT section 9: what the API says of itself, and that real answers are as it says. */
import * as answers from "@signalbox/api/docs/answers";
import { describe, expect, test } from "vitest";
import { ask, dataOf, type HistoryEntry, jsonOf } from "../../../support/http.ts";
import { conversation } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { bridge } from "../../support/homeserver.ts";
import { FILE, URL_OF_FILE } from "../../support/projections.ts";

/** What a schema of the documentation is here: the check alone. */
interface Documented {
  readonly "~standard": { validate(value: unknown): { readonly value?: unknown; readonly issues?: unknown } | object };
}

/** Fails the test unless the value is as documented, without a field that is not. */
function expectAs(schema: Documented, value: unknown): void {
  const { value: known, issues } = schema["~standard"].validate(value) as { value?: unknown; issues?: unknown };
  expect(issues).toBeUndefined();
  expect(known).toStrictEqual(value);
}

export function documents(world: World): void {
  describe("the documentation", () => {
    test("is the same at every node that answers REST", async () => {
      for (const path of ["/openapi.json", "/asyncapi.json", "/docs"]) {
        const [one, other] = await Promise.all(world.servers.apis.map((api) => ask(`${api}${path}`)));
        expect(one?.status, path).toBe(200);
        expect(other?.text).toBe(one?.text);
      }
    });

    test("names the versions that it is written in, and no place", async () => {
      expect(jsonOf(await ask(`${world.servers.api}/openapi.json`))).toMatchObject({
        openapi: expect.stringMatching(/^3\.1\./),
        servers: [{ url: "/" }],
      });
      expect(jsonOf(await ask(`${world.servers.api}/asyncapi.json`))).toMatchObject({ asyncapi: "3.0.0" });
    });

    test("knows every field of what a room of ours and one of Matrix answer", async () => {
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

      for (const { who, id } of [
        { who: bob, id: chatId },
        { who: bridged.alice, id: bridged.chatId },
      ]) {
        const asks = async (path: string) => dataOf<unknown>(await who.asks("GET", path));
        expectAs(answers.Room, await asks(`/v1/rooms/${id}`));
        expectAs(answers.RoomState, await asks(`/v1/rooms/${id}/state`));
        expectAs(answers.SignalSnapshot, await asks(`${conversation(id)}/signals/snapshot`));
        expectAs(answers.Statistics, await asks(`/core/api/v1/messages/stats?conversation_id=${id}`));
        const each = [
          [answers.RoomSummary, await asks("/v1/rooms")],
          [answers.Projection, await asks(`/core/api/v1/messages?conversation_id=${id}`)],
          [answers.HistoryMessage, await who.history(id)],
        ] as const;
        for (const [schema, list] of each) {
          expect(list).not.toEqual([]);
          for (const entry of list as readonly HistoryEntry[]) expectAs(schema, entry);
        }
      }
    });
  });
}
