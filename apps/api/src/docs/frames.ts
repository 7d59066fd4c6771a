/** What each frame of the WebSocket says, in a sentence. */
import type { DurableEvent, SessionFrame, Signal } from "@signalbox/protocol/down";
import type { Action, Control } from "@signalbox/protocol/up";

export const ACTION_WORDS: Record<Action["type"], string> = {
  SEND_MSG: "Send a message. With a `clientMessageId` it may be repeated without doubling it.",
  EDIT_MSG: "Edit your own message.",
  DELETE_MSG: "Delete your own message; an owner of the room may delete any.",
  REPLY: "Answer a message.",
  REACT: "React to a message.",
  DELETE_REACT: "Take your reaction back.",
  READ_MSG: "Say up to where you have read.",
  TYPING: "Say that you type. It ends by itself after four seconds without a repeat.",
  STOP_TYPING: "Say that you do not type any more.",
};

export const CONTROL_WORDS: Record<Control["type"], string> = {
  AUTH: "The token, within five seconds, when no header brought it; or a fresh one before the old one expires.",
  RESUME:
    "The last seq that you have of each room. Rooms that are left out go on from what READY said. Only after `?resume=1`.",
  PRESENCE: "Choose your presence.",
  MARKER: "Set your own read marker.",
  ACTIVE: "The person did something; once a minute is enough.",
  PING: "Answered by PONG.",
};

export const EVENT_WORDS: Record<DurableEvent["type"], string> = {
  SEND_MSG: "A message was sent.",
  EDIT_MSG: "A message was edited.",
  DELETE_MSG: "A message was deleted.",
  REPLY: "A message was answered; `replyTo` is the answered one.",
  REACT: "Somebody reacted: `messageId` is the reaction, `parentMessageId` the message.",
  DELETE_REACT: "A reaction was taken back.",
  USER_JOIN: "Somebody came in: `message` is their id.",
  USER_LEAVE: "Somebody left, or was removed.",
  NEW_CHAT: "A room was made; `message` is its name.",
  DELETE_CHAT: "The room was deleted. Nothing comes after it.",
  ROOM_STATE: "The named parts of the room's state changed.",
};

export const SIGNAL_WORDS: Record<Signal["type"], string> = {
  TYPING: "Somebody began to type.",
  STOP_TYPING: "They stopped.",
  READ_MSG: "Somebody has read up to a message.",
  RECEIPTS: "Several have.",
  PRESENCE: "Somebody's presence changed; your own too.",
  NOTIFICATION: "Something is unread, or mentions you.",
  MARKER: "You moved your own read marker, on another device.",
};

export const SESSION_WORDS: Record<SessionFrame["type"], string> = {
  READY: "The first frame: who you are, and every room of yours with its last seq.",
  RESUMED: "Everything that you missed has been sent.",
  RESET: "What you missed in this room is not kept any longer, or not yours: delivery goes on after `seq`.",
  ACK: "Your frame with this `ref` is done; `data` is the event that it caused.",
  ERROR: "Your frame was refused. Without a `ref` it was no frame at all.",
  PONG: "The answer to PING.",
};
