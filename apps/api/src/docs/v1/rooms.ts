import { CreateRoom, PatchRoom, RoomsQuery } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Room, RoomSummary } from "../../responses/rooms.ts";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noRoom } from "../reasons.ts";
import { BEN, sampleMessage, sampleRoom } from "../samples.ts";
import { dataOf, done } from "../success.ts";

const tag = "Rooms";

export const list = operation({
  id: "listRooms",
  tag,
  summary: "List your rooms",
  text: "Newest first, each with its last message, the number of unread messages and the cursor for a resume.",
  guard: "auth",
  query: RoomsQuery,
  answer: {
    schema: v.object({ data: v.array(RoomSummary), next_cursor: v.nullable(v.string()) }),
    example: {
      data: [{ ...sampleRoom, last_message: sampleMessage, unread_count: 1, cursor: "7-4f1d09c2", role: "owner" }],
      next_cursor: null,
    },
  },
});

export const create = operation({
  id: "createRoom",
  tag,
  summary: "Create a room",
  text: "The caller becomes its owner, except a `service`, which creates rooms for others. `matrix_room_id` is for a `service`.",
  guard: "limited",
  body: {
    schema: CreateRoom,
    examples: {
      "A room with another member": { name: sampleRoom.name, members: [BEN], metadata: sampleRoom.metadata },
      "A room for yourself": { name: "Notes" },
    },
  },
  answer: { status: 201, ...dataOf(Room, { ...sampleRoom, seq: 1 }) },
  errors: {
    forbidden: "A `matrix_room_id`, and the caller is not a `service`.",
    conflict: "That room of Matrix is bridged already.",
  },
});

export const one = operation({
  id: "getRoom",
  tag,
  summary: "Read a room",
  guard: "auth",
  path: [room],
  answer: dataOf(Room, sampleRoom),
  errors: noRoom,
});

export const patch = operation({
  id: "updateRoom",
  tag,
  summary: "Rename a room, or change its metadata",
  guard: "limited",
  path: [room],
  body: { schema: PatchRoom, examples: { "A new name": { name: "Deployment, done" } } },
  answer: dataOf(Room, { ...sampleRoom, name: "Deployment, done", seq: 8 }),
  errors: { ...noRoom, conflict: "The room is bridged: its name comes from Matrix." },
});

export const remove = operation({
  id: "deleteRoom",
  tag,
  summary: "Delete a room",
  text: "For an owner of the room, or a `service`.",
  guard: "limited",
  path: [room],
  answer: done("Room deleted"),
  errors: { ...noRoom, forbidden: "The caller is not an owner." },
});
