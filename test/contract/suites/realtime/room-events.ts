/** The events of the document "Realtime" that no action causes, field by field. */
import { describe, expect, test } from "vitest";
import type { World } from "../../../support/world.ts";
import { reachesAll, twoMembers } from "../../stages/two-members.ts";
import { ANY_MARK, ANY_TEXT, ANY_TIME } from "../../support/shapes.ts";

export function roomEvents(world: World): void {
  describe("a change of a room", () => {
    test("NEW_CHAT reaches all first members", async () => {
      const { alice, bob } = await world.people();
      const clients = {
        [alice.id]: [await alice.connects(0), await alice.connects(1)],
        [bob.id]: [await bob.connects(1)],
      };
      const answer = await alice.asks("POST", "/v1/rooms", { name: "Project Discussion", members: [bob.id] });
      const { id: chatId } = (JSON.parse(answer.text) as { data: { id: string } }).data;
      for (const [recipientId, devices] of Object.entries(clients))
        for (const device of devices)
          expect(await device.receives({ type: "NEW_CHAT", chatId })).toStrictEqual({
            type: "NEW_CHAT",
            timeStamp: ANY_TIME,
            chatId,
            recipientId,
            senderId: alice.id,
            message: "Project Discussion",
            seq: 1,
            mark: ANY_MARK,
          });
    });

    test("USER_JOIN reaches all members, the new one included", async () => {
      const on = await twoMembers(world, false);
      const { alice, chatId, phone } = on;
      const newcomer = await world.person({ name: "newuser" });
      const device = await newcomer.connects(0);
      await alice.adds(chatId, newcomer);
      const event = await phone.receives({ type: "USER_JOIN", chatId });
      expect(event).toStrictEqual({
        type: "USER_JOIN",
        chatId,
        message: newcomer.id,
        username: "newuser",
        recipientId: alice.id,
        senderId: alice.id,
        seq: 2,
        mark: ANY_MARK,
      });
      await reachesAll(on, event);
      expect(await device.receives({ type: "USER_JOIN", chatId })).toStrictEqual({
        ...event,
        recipientId: newcomer.id,
      });
    });

    test("USER_LEAVE has the leaving member as its sender, and is that member's last event of the room", async () => {
      const on = await twoMembers(world, false);
      const { alice, chatId, phone } = on;
      const guest = await world.person({ name: "johndoe" });
      const device = await guest.connects(1);
      await alice.adds(chatId, guest);
      await guest.removes(chatId, guest);
      const event = await phone.receives({ type: "USER_LEAVE", chatId });
      expect(event).toStrictEqual({
        type: "USER_LEAVE",
        chatId,
        message: "johndoe left the Chat",
        recipientId: alice.id,
        timeStamp: ANY_TIME,
        senderId: guest.id,
        seq: 3,
        mark: ANY_MARK,
      });
      await reachesAll(on, event);
      expect(await device.receives({ type: "USER_LEAVE", chatId })).toStrictEqual({ ...event, recipientId: guest.id });
    });

    test("USER_LEAVE of a removed member has that member as its sender", async () => {
      const on = await twoMembers(world, false);
      const { alice, bob, chatId, bobs } = on;
      await alice.removes(chatId, bob);
      const event = await bobs.receives({ type: "USER_LEAVE", chatId });
      expect(event).toMatchObject({ senderId: bob.id, message: ANY_TEXT, seq: 2 });
      await reachesAll(on, event);
    });

    test("DELETE_CHAT reaches all members", async () => {
      const on = await twoMembers(world, false);
      const { alice, chatId, phone } = on;
      const answer = await alice.asks("DELETE", `/v1/rooms/${chatId}`);
      expect(answer.status).toBe(200);
      const event = await phone.receives({ type: "DELETE_CHAT", chatId });
      expect(event).toStrictEqual({
        type: "DELETE_CHAT",
        chatId,
        recipientId: alice.id,
        senderId: alice.id,
        seq: 2,
        mark: ANY_MARK,
      });
      await reachesAll(on, event);
    });
  });
}
