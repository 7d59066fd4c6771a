import type { CreateRoom, PatchRoom, Role } from "@signalbox/protocol/http";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import type { Action } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import type { MemberRow, RoomRow, RoomSectionRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { encodeRevokedFrame } from "../ports/engine-frames.ts";
import type { Faults } from "../ports/faults.ts";
import type { Store } from "../ports/store.ts";
import type { Command } from "./command.ts";
import { CommitQueue } from "./commit-queue.ts";
import { setMarker } from "./markers.ts";
import { putMember, removeMember } from "./members.ts";
import { addReaction, deleteMessage, editMessage, removeReaction, sendMessage } from "./messages.ts";
import { OutboxConfirmer } from "./outbox-confirmer.ts";
import { publish } from "./publish.ts";
import { markRead } from "./receipts.ts";
import { putSection, type RoomStateSection } from "./room-state.ts";
import { createRoom, deleteRoom, updateRoom } from "./rooms.ts";
import { setTyping } from "./typing.ts";

/**
 * The one way into the store for changes to rooms. Every promise resolves after the commit, and rejects with the `Problem`
 * that CONTRACT section 3 or 6 names; a change that is rejected as `unavailable` may still be committed.
 */
export interface Writer {
  /**
   * Resolves with the event as its author receives it: complete JSON. `known`: the caller knows that the actor is in the
   * room, so that typing there needs no store.
   */
  act(actor: Actor, action: Action, known?: boolean): Promise<Bytes>;
  createRoom(actor: Actor, body: CreateRoom): Promise<RoomRow>;
  updateRoom(actor: Actor, roomId: string, body: PatchRoom): Promise<RoomRow>;
  deleteRoom(actor: Actor, roomId: string): Promise<void>;
  putMember(actor: Actor, roomId: string, userId: string, role: Role | undefined): Promise<MemberRow>;
  removeMember(actor: Actor, roomId: string, userId: string): Promise<void>;
  /** Moves the actor's marker. Only the actor's own sessions learn of it. */
  setMarker(actor: Actor, roomId: string, messageId: string): Promise<void>;
  /** Writes a section of the room's state as an owner or a `service`; null deletes it. An equal one changes nothing. */
  putSection(actor: Actor, roomId: string, section: RoomStateSection, body: RoomSectionRow["body"]): Promise<void>;
  /** Commits a command of Matrix (`matrix/rules.ts`); commands for one room in the order of the calls. */
  ingest(command: Command<void>): Promise<void>;
  /** Ends every token of the user issued until now. */
  revoke(userId: string): Promise<void>;
  /** Refuses further changes. Resolves when all earlier ones are committed or refused. */
  close(): Promise<void>;
}

export interface WriterDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly typingTtlMs: number;
  /** Native actions in bridged rooms are rejected as `Bridged`: a homeserver takes them first. */
  readonly homeserver?: boolean;
  /** Receives the size of each group and the duration of its transaction, in milliseconds. */
  readonly measure?: (size: number, ms: number) => void;
}

export function createWriter(deps: WriterDeps): Writer {
  const { store, engine, typingTtlMs, homeserver = false, measure } = deps;
  const confirmer = new OutboxConfirmer(deps);
  const open = () =>
    new CommitQueue(
      store,
      homeserver,
      (tx, outbox) => {
        const confirmations = publish(tx, engine, typingTtlMs);
        if (outbox !== null) confirmer.expect(outbox.id, confirmations);
      },
      measure,
    );
  const queue = open();
  const matrixQueues = Array.from({ length: MATRIX_QUEUES }, open);
  /** Runs `act` with our id for the Matrix id of a message. */
  const withMessageId = async <Result>(roomId: string, eventId: string, act: (messageId: string) => Promise<Result>) =>
    act((await store.messageIds(roomId, [eventId])).get(eventId) ?? NO_MESSAGE);

  return {
    act(actor, action, known = false) {
      // Typing in a bridged room goes to the homeserver, so the room has to be read.
      const run = (each: Action) => queue.run(actor.userId, ruleOf(actor, each, known && !homeserver));
      if (!("messageId" in action && isMatrixEventId(action.messageId))) return run(action);
      return withMessageId(action.chatId, action.messageId, (messageId) => run({ ...action, messageId }));
    },
    createRoom: (actor, body) => queue.run(actor.userId, createRoom(actor, body)),
    updateRoom: (actor, roomId, body) => queue.run(actor.userId, updateRoom(actor, roomId, body)),
    deleteRoom: (actor, roomId) => queue.run(actor.userId, deleteRoom(actor, roomId)),
    putMember: (actor, roomId, userId, role) => queue.run(actor.userId, putMember(actor, roomId, userId, role)),
    removeMember: (actor, roomId, userId) => queue.run(actor.userId, removeMember(actor, roomId, userId)),
    setMarker(actor, roomId, messageId) {
      const run = (ownId: string) => queue.run(actor.userId, setMarker(actor, roomId, ownId));
      return isMatrixEventId(messageId) ? withMessageId(roomId, messageId, run) : run(messageId);
    },
    putSection: (actor, roomId, section, body) => queue.run(actor.userId, putSection(actor, roomId, section, body)),
    ingest: (command) => queueOf(matrixQueues, command).run(MATRIX, command),
    async revoke(userId) {
      const outboxId = crypto.randomUUID();
      const at = await store.revoke(userId, outboxId);
      const published = engine.pubSub.publishConfirmed({ kind: "user", id: userId }, encodeRevokedFrame(at));
      confirmer.expect(outboxId, [published]);
    },
    async close() {
      await Promise.all([queue, ...matrixQueues].map((each) => each.close()));
      await confirmer.close();
    },
  };
}

/**
 * The commit queues for commands of Matrix; each room has one of them. A homeserver sends one transaction after the other: while
 * one queue's part of it is at the store, the other's is decided. DECISIONS 25.
 */
const MATRIX_QUEUES = 2;

function queueOf(queues: readonly CommitQueue[], { reads }: Command<void>): CommitQueue {
  const [roomId = ""] = reads.rooms ?? [];
  const queue = queues[Number.parseInt(roomId.slice(-4), 16) % queues.length];
  if (queue === undefined) throw new Error("a command of Matrix names no room");
  return queue;
}

/** An id that no message has: the rule answers that the message does not exist, and to strangers that the room does not. */
const NO_MESSAGE = "00000000-0000-0000-0000-000000000000";
/** The author of Matrix's commands. No user has this id. */
const MATRIX = "";

function ruleOf(actor: Actor, action: Action, known: boolean): Command<Bytes> {
  switch (action.type) {
    case "SEND_MSG":
    case "REPLY":
      return sendMessage(actor, action);
    case "EDIT_MSG":
      return editMessage(actor, action);
    case "DELETE_MSG":
      return deleteMessage(actor, action);
    case "REACT":
      return addReaction(actor, action);
    case "DELETE_REACT":
      return removeReaction(actor, action);
    case "READ_MSG":
      return markRead(actor, action);
    case "TYPING":
    case "STOP_TYPING":
      return setTyping(actor, action, known);
  }
}
