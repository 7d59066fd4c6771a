import { HistoryQuery } from "@signalbox/protocol/http";
import { Action } from "@signalbox/protocol/up";
import * as v from "valibot";
import { HistoryMessage } from "../responses/messages.ts";
import { DONE } from "./names.ts";
import { operation } from "./operation.ts";
import { chat } from "./parameters.ts";
import { ADA, BEN, LATER, MESSAGE, ROOM, sampleMessage } from "./samples.ts";

const tag = "Actions";
const REACTION = "018f3a1c-6a10-7d1b-8a2f-bb7766550011";
const inRoom = { chatId: ROOM };

/** The event or signal that the action caused. */
const Done = v.variant("type", DONE as [(typeof DONE)[number], ...(typeof DONE)[number][]]);

export const act = operation({
  id: "act",
  tag,
  summary: "Act in a room",
  text: "One action, named by its `type`. The answer comes after the commit and holds the event as its author receives it. `clientMessageId` makes a send safe to repeat: a repeat answers with the first message again and sends no event. The same objects are frames of the WebSocket.",
  guard: "limited",
  body: {
    schema: Action,
    examples: {
      "Send a message": { type: "SEND_MSG", ...inRoom, message: sampleMessage.content, clientMessageId: "c-1" },
      "Edit a message": { type: "EDIT_MSG", ...inRoom, messageId: MESSAGE, message: "The deployment is live." },
      "Delete a message": { type: "DELETE_MSG", ...inRoom, messageId: MESSAGE },
      "Reply to a message": { type: "REPLY", ...inRoom, messageId: MESSAGE, message: "I agree!", mentions: [BEN] },
      "React to a message": { type: "REACT", ...inRoom, messageId: MESSAGE, reaction: "👍" },
      "Remove a reaction": { type: "DELETE_REACT", reactionId: REACTION },
      "Mark as read up to a message": { type: "READ_MSG", ...inRoom, messageId: MESSAGE },
      "Start typing, for four seconds": { type: "TYPING", ...inRoom },
      "Stop typing": { type: "STOP_TYPING", ...inRoom },
    },
  },
  answer: {
    schema: v.object({ data: Done }),
    example: {
      data: {
        recipientId: ADA,
        seq: 7,
        mark: "4f1d09c2",
        type: "SEND_MSG",
        ...inRoom,
        senderId: ADA,
        timeStamp: LATER,
        message: sampleMessage.content,
        messageId: MESSAGE,
        clientMessageId: "c-1",
      },
    },
  },
  errors: {
    forbidden: "The message or reaction is another user's, or the room is bridged and the user has no Matrix id.",
    not_found: "No such room, message or reaction, or the user is not a member.",
    conflict: "The message is deleted or encrypted, or it changed in Matrix first.",
  },
});

export const history = operation({
  id: "listHistory",
  tag,
  summary: "Read a room's history",
  text: "Newest first, from below `before`. A deleted message stays in its place, without its content.",
  guard: "auth",
  path: [chat],
  query: HistoryQuery,
  answer: {
    schema: v.object({ messages: v.array(HistoryMessage) }),
    example: {
      messages: [
        {
          ...sampleMessage,
          replyTo: null,
          reactions: [{ reactionId: REACTION, senderId: BEN, reaction: "👍", timeStamp: LATER }],
        },
      ],
    },
  },
  errors: { not_found: "No such room, or no message `before` in it." },
});
