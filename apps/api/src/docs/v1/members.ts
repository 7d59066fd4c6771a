import { PutMember } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Member } from "../../responses/rooms.ts";
import { StateMember } from "../../responses/state.ts";
import { operation } from "../operation.ts";
import { room, user } from "../parameters.ts";
import { noRoom, noUserId } from "../reasons.ts";
import { BEN, NOON } from "../samples.ts";
import { dataOf, done } from "../success.ts";
import { memberSample } from "./state.ts";

const tag = "Rooms";
const fromMatrix = { conflict: "The room is bridged: its members come from Matrix." };

export const list = operation({
  id: "listMembers",
  tag,
  summary: "List a room's members, with presence, receipts and typing",
  guard: "auth",
  path: [room],
  answer: dataOf(v.array(StateMember), [memberSample]),
  errors: noRoom,
});

export const put = operation({
  id: "putMember",
  tag,
  summary: "Add a member, or change a member's role",
  text: "Any member may add others; only an owner gives roles.",
  guard: "limited",
  path: [room, user],
  body: { schema: PutMember, examples: { "A role": { role: "owner" }, "As a member": {} }, optional: true },
  answer: dataOf(Member, { user_id: BEN, role: "owner", joined_at: NOON }),
  errors: { ...noRoom, ...fromMatrix, forbidden: "A role, and the caller is not an owner." },
});

export const remove = operation({
  id: "removeMember",
  tag,
  summary: "Leave a room, or remove a member",
  guard: "limited",
  path: [room, user],
  answer: done("Member removed"),
  errors: {
    ...noUserId,
    ...fromMatrix,
    forbidden: "Another user, and the caller is not an owner.",
    not_found: "No such room or member.",
  },
});
