import { PostEvent, PostTyping, PutSignalPresence } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Receipt, SignalSnapshot, Typist, WordPresence } from "./answers.ts";
import { operation } from "./operation.ts";
import { room, user } from "./parameters.ts";
import { ADA, BEN, EVENT, LATER, NOON, ROOM } from "./samples.ts";
import { dataOf, done } from "./success.ts";

const tag = "Signals";
const path = [room];
const noRoom = { not_found: "No such conversation." };
const noMessage = { not_found: "No such conversation, or no such message in it." };
const online = { user_id: ADA, status: "online", last_active_at: LATER };
const typist = { user_id: BEN, started_at: LATER };
const receipt = { user_id: ADA, last_read_event_id: EVENT, read_at: LATER };
const event = { schema: PostEvent, examples: { "By its Matrix event id": { event_id: EVENT } } };

export const snapshot = operation({
  id: "getSignals",
  tag,
  summary: "Read a conversation's signals",
  text: "Presence, typing and receipts of all members at one moment. `cursor` is what a stream takes as `Last-Event-ID` to go on from here.",
  door: "auth",
  path,
  answer: dataOf(SignalSnapshot, {
    conversation_id: ROOM,
    presence: [online, { user_id: BEN, status: "offline", last_active_at: NOON }],
    typing: [{ ...typist, expires_at: "2026-02-24T14:35:04.000Z" }],
    receipts: [receipt],
    cursor: 7,
  }),
  errors: noRoom,
});

export const sendTyping = operation({
  id: "sendTyping",
  tag,
  summary: "Say that you type",
  text: "Ends by itself after four seconds without a repeat.",
  door: "limited",
  path,
  body: { schema: PostTyping, examples: { Typing: { typing: true }, "Not any more": { typing: false } } },
  answer: done("Typing indicator sent."),
  errors: { ...noRoom, forbidden: "The room is Matrix's, and one is nobody there." },
});

export const typing = operation({
  id: "listTyping",
  tag,
  summary: "See who types",
  door: "auth",
  path,
  answer: dataOf(v.array(Typist), [typist]),
  errors: noRoom,
});

export const setPresence = operation({
  id: "setStatus",
  tag,
  summary: "Set your presence, in the three words of this surface",
  text: "`unavailable` is idle, and `offline` appears offline.",
  door: "limited",
  body: { schema: PutSignalPresence, examples: { Online: { status: "online" } } },
  answer: dataOf(WordPresence, online),
});

export const presence = operation({
  id: "getStatus",
  tag,
  summary: "See whether somebody is there",
  text: "Somebody who shares no room with you reads as offline, as does somebody who does not exist.",
  door: "auth",
  path: [user],
  answer: dataOf(WordPresence, online),
  errors: { invalid: "No user id." },
});

export const read = operation({
  id: "sendReceipt",
  tag,
  summary: "Say up to where you have read",
  text: "An older message than the last one changes nothing.",
  door: "limited",
  path,
  body: event,
  answer: done("Read receipt sent."),
  errors: { ...noMessage, forbidden: "The room is Matrix's, and one is nobody there." },
});

export const receipts = operation({
  id: "listReceipts",
  tag,
  summary: "See up to where everybody has read",
  text: "Those who never read are not listed.",
  door: "auth",
  path,
  answer: dataOf(v.array(Receipt), [receipt]),
  errors: noRoom,
});

export const marker = operation({
  id: "setMarker",
  tag,
  summary: "Set your own read marker",
  text: "Nobody else sees it, and it may move backwards.",
  door: "limited",
  path,
  body: event,
  answer: done("Read marker set."),
  errors: noMessage,
});
