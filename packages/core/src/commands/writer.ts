import type { CreateRoom, PatchRoom, Role } from "@signalbox/protocol/http";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import type { Action } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import type { MemberRow, RoomRow, RoomSectionRow } from "../model/rows.ts";
import type { Engine } from "../ports/engine.ts";
import { encodeRevokedFrame } from "../ports/engine-frames.ts";
import type { Store } from "../ports/store.ts";
import type { Command } from "./command.ts";
import { CommitQueue } from "./commit-queue.ts";
import { setMarker } from "./markers.ts";
import { putMember, removeMember } from "./members.ts";
import { addReaction, deleteMessage, editMessage, removeReaction, sendMessage } from "./messages.ts";
import { publish } from "./publish.ts";
import { markRead } from "./receipts.ts";
import { putSection, type RoomStateSection } from "./room-state.ts";
import { createRoom, deleteRoom, updateRoom } from "./rooms.ts";
import { setTyping } from "./typing.ts";

/**
 * The one way into the store for whatever changes a room. Every promise resolves after the commit, and rejects with the
 * `Problem` that CONTRACT section 3 or 6 names; `unavailable` may still have been committed.
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
  /** Moves the actor's own marker, which only their own sessions are told of. */
  setMarker(actor: Actor, roomId: string, messageId: string): Promise<void>;
  /** Writes a part of the room's state as an owner or a `service`; null deletes it. What is already there is left alone. */
  putSection(actor: Actor, roomId: string, part: RoomStateSection, body: RoomSectionRow["body"]): Promise<void>;
  /** Takes what Matrix says of a room (`bridged.ts`): what is handed in for one room, in that order. */
  ingest(command: Command<void>): Promise<void>;
  /** Ends every token of the user issued until now. */
  revoke(userId: string): Promise<void>;
  /** Resolves when everything that was handed in is committed or refused; takes nothing more. */
  close(): Promise<void>;
}

export interface WriterDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly typingTtlMs: number;
  /** Native actions in bridged rooms are thrown back as `Bridged`: a homeserver takes them first. */
  readonly homeserver?: boolean;
  /** Told of each group's size and how long its transaction took. */
  readonly measure?: (size: number, ms: number) => void;
}

export function createWriter({ store, engine, typingTtlMs, homeserver = false, measure }: WriterDeps): Writer {
  const open = () => new CommitQueue(store, homeserver, (tx) => publish(tx, engine, typingTtlMs), measure);
  const lane = open();
  const incoming = Array.from({ length: SIDE_BY_SIDE }, open);
  /** Does it with our id of the message. One that is no message here is none in the room either, for whoever may see it. */
  const behind = async <Result>(roomId: string, eventId: string, act: (messageId: string) => Promise<Result>) =>
    act((await store.messageIds(roomId, [eventId])).get(eventId) ?? NOWHERE);

  return {
    act(actor, action, known = false) {
      // A homeserver has to be told of typing in its rooms, so that they must be known.
      const run = (meant: Action) => lane.run(actor.userId, ruleOf(actor, meant, known && !homeserver));
      if (!("messageId" in action && isMatrixEventId(action.messageId))) return run(action);
      return behind(action.chatId, action.messageId, (messageId) => run({ ...action, messageId }));
    },
    createRoom: (actor, body) => lane.run(actor.userId, createRoom(actor, body)),
    updateRoom: (actor, roomId, body) => lane.run(actor.userId, updateRoom(actor, roomId, body)),
    deleteRoom: (actor, roomId) => lane.run(actor.userId, deleteRoom(actor, roomId)),
    putMember: (actor, roomId, userId, role) => lane.run(actor.userId, putMember(actor, roomId, userId, role)),
    removeMember: (actor, roomId, userId) => lane.run(actor.userId, removeMember(actor, roomId, userId)),
    setMarker(actor, roomId, messageId) {
      const run = (meant: string) => lane.run(actor.userId, setMarker(actor, roomId, meant));
      return isMatrixEventId(messageId) ? behind(roomId, messageId, run) : run(messageId);
    },
    putSection: (actor, roomId, part, body) => lane.run(actor.userId, putSection(actor, roomId, part, body)),
    ingest: (command) => laneOf(incoming, command).run(MATRIX, command),
    async revoke(userId) {
      const at = await store.revoke(userId);
      engine.pubSub.publish({ kind: "user", id: userId }, encodeRevokedFrame(at));
    },
    close: async () => void (await Promise.all([lane, ...incoming].map((each) => each.close()))),
  };
}

/**
 * What Matrix says is committed in so many lanes, each room in one of them: a homeserver sends one transaction after the other, and
 * while one lane's part of it is at the store, another's is decided. DECISIONS 25.
 */
const SIDE_BY_SIDE = 2;

function laneOf(lanes: readonly CommitQueue[], { reads: needs }: Command<void>): CommitQueue {
  const [roomId = ""] = needs.rooms ?? [];
  const lane = lanes[Number.parseInt(roomId.slice(-4), 16) % lanes.length];
  if (lane === undefined) throw new Error("a command of Matrix names no room");
  return lane;
}

/** What no message is called: the rule itself says that there is none, and to strangers that there is no room. */
const NOWHERE = "00000000-0000-0000-0000-000000000000";
/** Whose commands those of Matrix are: no user is called so. */
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
