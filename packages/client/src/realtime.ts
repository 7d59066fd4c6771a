import type { Realtime, SendOptions } from "./api.ts";
import type { ConnectionChanged, ReactionRemoved } from "./events.ts";
import { NAMES } from "./frames.ts";
import { createListeners } from "./listeners.ts";
import { createPending, type Pending } from "./pending.ts";
import type { Connection, ConnectionEvents, Received } from "./ports.ts";
import { createReceipts } from "./receipts.ts";
import { createTyping } from "./typing.ts";

/** The shortest time between two `ACTIVE` frames. */
const ACTIVE_MS = 60_000;

/** Actions and events over a connection. `open` makes the connection, with the given callbacks. */
export function createRealtime(open: (events: ConnectionEvents) => Connection): Realtime {
  const connection = open({ received, changed });
  const send = (frame: object) => connection.send(frame);
  const listeners = createListeners();
  const pending = createPending(send);
  const receipts = createReceipts((receipt) => listeners.emit("messageRead", receipt));
  const typing = createTyping(send, (event) => listeners.emit("stopTyping", event));
  /** The user of the pending actions; undefined before the first connection. */
  let actor: string | undefined;
  let live = false;
  let activeAt = Number.NEGATIVE_INFINITY;

  function received(frame: Received): void {
    switch (frame.type) {
      case "ACK":
      case "ERROR":
        return pending.answer(frame);
      case "READ_MSG":
      case "RECEIPTS":
        return receipts(frame, connection.userId ?? "");
      case "TYPING":
      case "STOP_TYPING":
        typing.take(frame, connection.userId);
        break;
      case "USER_LEAVE":
        if (frame.senderId === frame.recipientId) typing.leave(frame.chatId);
        break;
      case "DELETE_CHAT":
        typing.leave(frame.chatId);
        break;
      case "RESET":
        if (frame.reason === "not_member") typing.leave(frame.chatId);
    }
    listeners.emit(NAMES[frame.type], frame as never);
  }

  function changed(change: ConnectionChanged): void {
    live = change.state === "live";
    // Before handlers run: their actions come after those that wait.
    if (live) resumeActions();
    listeners.emit("connection", change);
    if (change.state !== "live") typing.clear();
  }

  function resumeActions(): void {
    // A token of another user was set: the actions of the user before are not sent in that name.
    if (actor !== undefined && actor !== connection.userId) pending.clear();
    actor = connection.userId;
    pending.restart();
  }

  return {
    connect: () => connection.connect(),
    disconnect() {
      // First: actions of a handler that learns of the end are meant for the next connection.
      pending.clear();
      actor = undefined;
      connection.disconnect();
    },
    on: listeners.on,
    removeAllListeners: listeners.removeAll,
    ...createActions(pending),

    sendTyping: (chatId) => typing.start(roomOf(chatId)),
    stopTyping: (chatId) => typing.stop(roomOf(chatId)),
    typing: (chatId) => (live ? typing.typists(roomOf(chatId)).filter((userId) => userId !== connection.userId) : []),
    active() {
      const now = performance.now();
      if (now - activeAt >= ACTIVE_MS && send({ type: "ACTIVE" })) activeAt = now;
    },
  };
}

type Actions = Pick<
  Realtime,
  "sendMessage" | "editMessage" | "deleteMessage" | "replyToMessage" | "addReaction" | "removeReaction" | "markAsRead"
>;

function createActions(pending: Pending): Actions {
  /** Resolves with the event in the ACK, which is of the action's own type. */
  const act = async <Event>(type: string, chatId: string, fields: object) =>
    (await pending.act({ type, chatId: roomOf(chatId), ...fields })) as Event;

  return {
    sendMessage: (chatId, message, options) => act("SEND_MSG", chatId, { message, ...sendFields(options) }),
    editMessage: (chatId, messageId, message) => act("EDIT_MSG", chatId, { messageId, message }),
    deleteMessage: (chatId, messageId) => act("DELETE_MSG", chatId, { messageId }),
    replyToMessage: (chatId, messageId, message, options) =>
      act("REPLY", chatId, { messageId, message, ...sendFields(options) }),
    addReaction: (chatId, messageId, reaction) => act("REACT", chatId, { messageId, reaction }),
    removeReaction: async (reactionId) => (await pending.act({ type: "DELETE_REACT", reactionId })) as ReactionRemoved,
    markAsRead: (chatId, messageId) => act("READ_MSG", chatId, { messageId }),
  };
}

/** A chat's id as the server writes it, so that all forms of an id lead to the same queue. */
const roomOf = (chatId: string): string => chatId.replace(/^room-/, "").toLowerCase();

/** Not `crypto.randomUUID`: a browser has it only on pages from HTTPS or localhost. */
const sendFields = ({ clientMessageId, mentions }: SendOptions = {}) => ({
  clientMessageId: clientMessageId ?? crypto.getRandomValues(new Uint32Array(4)).join("-"),
  mentions,
});
