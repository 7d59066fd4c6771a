/** The meaning of each frame of the WebSocket, in a sentence. */
import type { DurableEvent, SessionFrame, Signal } from "@signalbox/protocol/down";
import type { Action, Control } from "@signalbox/protocol/up";

export const ACTION_WORDS: Record<Action["type"], string> = {
  SEND_MSG: "Send a message. A `clientMessageId` makes the send safe to repeat.",
  EDIT_MSG: "Edit your own message.",
  DELETE_MSG: "Delete your own message; an owner of the room may delete any.",
  REPLY: "Reply to a message.",
  REACT: "React to a message.",
  DELETE_REACT: "Remove your reaction.",
  READ_MSG: "Mark as read up to a message.",
  TYPING: "Start typing. It ends by itself after four seconds without a repeat.",
  STOP_TYPING: "Stop typing.",
};

export const CONTROL_WORDS: Record<Control["type"], string> = {
  AUTH: "The token, within five seconds, unless a header brought it; or a fresh one before the old one expires.",
  RESUME: "Your cursor of each room. A room that is left out goes on from its cursor in READY. Only after `?resume=1`.",
  PRESENCE: "Choose your presence.",
  MARKER: "Set your own read marker.",
  ACTIVE: "The user was active; once a minute is enough.",
  PING: "Answered by PONG.",
};

export const EVENT_WORDS: Record<DurableEvent["type"], string> = {
  SEND_MSG: "A message was sent.",
  EDIT_MSG: "A message was edited.",
  DELETE_MSG: "A message was deleted.",
  REPLY: "A reply was sent; `replyTo` is the message that it answers.",
  REACT: "A reaction was added: `messageId` is the reaction, `parentMessageId` the message.",
  DELETE_REACT: "A reaction was removed.",
  USER_JOIN: "A member joined: `message` is the user id.",
  USER_LEAVE: "A member left, or was removed.",
  NEW_CHAT: "A room was created; `message` is its name.",
  DELETE_CHAT: "The room was deleted. Nothing comes after it.",
  ROOM_STATE: "The named sections of the room's state changed.",
};

export const SIGNAL_WORDS: Record<Signal["type"], string> = {
  TYPING: "A user started typing.",
  STOP_TYPING: "A user stopped typing.",
  READ_MSG: "A user has read up to a message.",
  RECEIPTS: "Several users have read up to messages.",
  PRESENCE: "The presence of a user changed; yours comes too.",
  NOTIFICATION: "A message is unread, or mentions you.",
  MARKER: "Your read marker moved, on another device.",
};

export const SESSION_WORDS: Record<SessionFrame["type"], string> = {
  READY: "The first frame: your user id, and each of your rooms with its cursor.",
  RESUMED: "All missed events have been sent.",
  RESET:
    "The missed events of this room are no longer kept (`too_old`), your last event was lost by the server (`diverged`), or the room is not yours: delivery goes on after `seq`.",
  ACK: "The frame with this `ref` is done; `data` is the event that it caused.",
  ERROR: "A frame was refused: the one with this `ref`, or, without one, text that is no frame.",
  PONG: "The answer to PING.",
};
