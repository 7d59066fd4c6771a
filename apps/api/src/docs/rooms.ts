import { CreateRoom, PatchRoom, PutMember, RoomsQuery } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Member, Room, RoomSummary } from "./answers.ts";
import { operation } from "./operation.ts";
import { room, user } from "./parameters.ts";
import { BEN, NOON, sampleMessage, sampleRoom } from "./samples.ts";
import { dataOf, done } from "./success.ts";

const tag = "Rooms";

export const list = operation({
  id: "listRooms",
  tag,
  summary: "List your rooms",
  text: "Newest first, each with its last message, what is unread and where a resume begins.",
  door: "auth",
  query: RoomsQuery,
  answer: {
    schema: v.object({ data: v.array(RoomSummary), next_cursor: v.nullable(v.string()) }),
    example: {
      data: [{ ...sampleRoom, last_message: sampleMessage, unread_count: 1, cursor: 7, role: "owner" }],
      next_cursor: null,
    },
  },
});

export const create = operation({
  id: "createRoom",
  tag,
  summary: "Make a room",
  text: "Whoever makes it is its owner; a `service` makes it for others. `matrix_room_id` is for a `service`.",
  door: "limited",
  body: {
    schema: CreateRoom,
    examples: {
      "A room with somebody": { name: sampleRoom.name, members: [BEN], metadata: sampleRoom.metadata },
      "A room for yourself": { name: "Notes" },
    },
  },
  answer: { status: 201, ...dataOf(Room, { ...sampleRoom, seq: 1 }) },
  errors: {
    forbidden: "A `matrix_room_id` by somebody who is no `service`.",
    conflict: "That room of Matrix is bridged already.",
  },
});

export const patch = operation({
  id: "updateRoom",
  tag,
  summary: "Rename a room, or change its metadata",
  door: "limited",
  path: [room],
  body: { schema: PatchRoom, examples: { "A new name": { name: "Deployment, done" } } },
  answer: dataOf(Room, { ...sampleRoom, name: "Deployment, done", seq: 8 }),
  errors: { not_found: "No such room.", conflict: "Matrix names the room." },
});

export const remove = operation({
  id: "deleteRoom",
  tag,
  summary: "Delete a room",
  text: "For its owner, or a `service`.",
  door: "limited",
  path: [room],
  answer: done("Room deleted"),
  errors: { forbidden: "Not its owner.", not_found: "No such room." },
});

export const putMember = operation({
  id: "putMember",
  tag,
  summary: "Add a member, or give one a role",
  text: "Any member may add others; only an owner gives roles.",
  door: "limited",
  path: [room, user],
  body: { schema: PutMember, examples: { "A role": { role: "owner" }, "As a member": {} }, optional: true },
  answer: dataOf(Member, { user_id: BEN, role: "owner", joined_at: NOON }),
  errors: {
    forbidden: "A role, by somebody who is no owner.",
    not_found: "No such room.",
    conflict: "The members are Matrix's.",
  },
});

export const removeMember = operation({
  id: "removeMember",
  tag,
  summary: "Leave a room, or remove a member",
  door: "limited",
  path: [room, user],
  answer: done("Member removed"),
  errors: {
    invalid: "No user id.",
    forbidden: "Somebody else, by somebody who is no owner.",
    not_found: "No such room or member.",
    conflict: "The members are Matrix's.",
  },
});
