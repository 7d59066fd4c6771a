import { describe, expect, test } from "vitest";
import { matrixRoom, origin, ROOM, second } from "../testing/matrix-room.fake.ts";
import { ingestMembership, ingestOther, ingestRoomName } from "./rules.ts";

describe("membership in Matrix", () => {
  test("makes the events of native membership: join, leave, removal", async () => {
    const { events, store, writer } = await matrixRoom();
    await store.putUser("ben", "Ben");
    await writer.ingest(ingestMembership(origin("$1", "ann", 1), "ann", true));
    await writer.ingest(ingestMembership(origin("$2", "ann", 2), "ben", true));
    await writer.ingest(ingestMembership(origin("$3", "ann", 3), "ben", true));
    await writer.ingest(ingestMembership(origin("$4", "ann", 4), "ben", false));
    await writer.ingest(ingestMembership(origin("$5", "ann", 5), "ben", false));
    await writer.ingest(ingestMembership(origin("$6", "ann", 6), "ann", false));
    expect(events().slice(1)).toMatchObject([
      { type: "USER_JOIN", senderId: "ann", message: "ann" },
      { type: "USER_JOIN", senderId: "ann", message: "ben", username: "Ben" },
      {
        type: "USER_LEAVE",
        senderId: "ben",
        message: "Ben was removed from the Chat",
        timeStamp: second(4).toISOString(),
      },
      { type: "USER_LEAVE", senderId: "ann", message: "ann left the Chat" },
    ]);
    expect(store.room(ROOM)?.memberCount).toBe(0);
    await writer.ingest(ingestMembership(origin("$7", "ben", 7), "ben", true));
    expect(store.member(ROOM, "ben")).toMatchObject({ role: "member", joinedAt: second(7), leftSeq: null });
  });

  test("makes the creator of the room its owner, also when that is known only later", async () => {
    for (const creation of [0, 1]) {
      const { events, store, writer } = await matrixRoom();
      const both = [ingestOther(origin("$c", "ann", 0), true), ingestMembership(origin("$j", "ann", 1), "ann", true)];
      for (const at of [creation, 1 - creation]) await writer.ingest(both[at] as ReturnType<typeof ingestOther>);
      await writer.ingest(ingestMembership(origin("$k", "ben", 2), "ben", true));
      expect(store.room(ROOM)?.createdBy).toBe("ann");
      expect(store.member(ROOM, "ann")).toMatchObject({ role: "owner" });
      expect(store.member(ROOM, "ben")).toMatchObject({ role: "member" });
      expect(events()[0]).toMatchObject({ type: "NEW_CHAT", senderId: "ann" });
    }
  });

  test("makes no owner of a user that merely spoke first", async () => {
    const { say, store } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    expect(store.member(ROOM, "ann")).toMatchObject({ role: "member" });
  });
});

test("a new name is a change of the room, and the same one is not", async () => {
  const { events, store, writer } = await matrixRoom();
  await writer.ingest(ingestRoomName(origin("$1", "ann", 1), "Project"));
  await writer.ingest(ingestRoomName(origin("$2", "ann", 2), "Project"));
  expect(events().slice(2)).toMatchObject([{ type: "ROOM_STATE", changed: ["room"] }]);
  expect(store.room(ROOM)?.name).toBe("Project");
});

test("any other event is recorded with the room's seq, and makes no event", async () => {
  const { events, say, store, writer } = await matrixRoom();
  await say("$1", "ann", 1, "hello");
  await writer.ingest(ingestOther(origin("$2", "ben", 2)));
  expect(events()).toHaveLength(3);
  expect(store.matrixOf(ROOM).at(-1)).toMatchObject({ eventId: "$2", kind: "other", seq: 3, subjectId: null });
  expect(store.member(ROOM, "ben")).toBeUndefined();
});
