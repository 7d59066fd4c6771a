import type { Realtime, SendOptions } from "./api.ts";
import type { ConnectionChanged, ReactionRemoved } from "./events.ts";
import { NAMES } from "./frames.ts";
import { createListeners } from "./listeners.ts";
import { createPending, type Pending } from "./pending.ts";
import type { Connection, ConnectionEvents, Received } from "./ports.ts";
import { createReceipts } from "./receipts.ts";
import { createTyping } from "./typing.ts";

/** How often `ACTIVE` is sent at most. */
const ACTIVE_MS = 60_000;

/** Actions and events over the connection that `open` makes. */
export function createRealtime(open: (events: ConnectionEvents) => Connection): Realtime {
  const connection = open({ received, changed });
  const send = (frame: object) => connection.send(frame);
  const listeners = createListeners();
  const pending = createPending(send);
  const receipts = createReceipts((receipt) => listeners.emit("messageRead", receipt));
  const typing = createTyping(send, (event) => listeners.emit("stopTyping", event));
  /** In whose name the actions that wait are meant, once that is known. */
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
    // Before handlers hear of it: what they send now comes after what waited.
    if (live) goOn();
    listeners.emit("connection", change);
    if (change.state !== "live") typing.clear();
  }

  function goOn(): void {
    // A token of somebody else was handed in. What the one before them wanted to say is not to be said in their name.
    if (actor !== undefined && actor !== connection.userId) pending.clear();
    actor = connection.userId;
    pending.restart();
  }

  return {
    connect: () => connection.connect(),
    disconnect() {
      // First: what a handler does when it hears of the end is meant for the next connection.
      pending.clear();
      actor = undefined;
      connection.disconnect();
    },
    on: listeners.on,
    removeAllListeners: listeners.removeAll,
    ...createActions(pending),

    sendTyping: (chatId) => typing.start(roomOf(chatId)),
    stopTyping: (chatId) => typing.stop(roomOf(chatId)),
    typing: (chatId) => (live ? typing.now(roomOf(chatId)).filter((userId) => userId !== connection.userId) : []),
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
  /** Resolves with the event that the ACK holds, which is of the action's own type. */
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

/** A chat's id as the server writes it: what keeps its order by chat must know one by all its names. */
const roomOf = (chatId: string): string => chatId.replace(/^room-/, "").toLowerCase();

/** Not `crypto.randomUUID`, which a browser has only where a page came over TLS or from the machine itself. */
const sendFields = ({ clientMessageId, mentions }: SendOptions = {}) => ({
  clientMessageId: clientMessageId ?? crypto.getRandomValues(new Uint32Array(4)).join("-"),
  mentions,
});
