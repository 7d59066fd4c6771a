import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import type { RoomRow } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** The write of a native action in a bridged room. Event ids are Matrix's; an edit keeps the mentions that the author gave. */
export type MatrixWriting =
  | { readonly kind: "message"; readonly replyTo: string | null }
  | { readonly kind: "edit"; readonly eventId: string; readonly mentions: readonly string[] }
  | { readonly kind: "reaction"; readonly eventId: string }
  | { readonly kind: "redaction"; readonly eventId: string }
  | { readonly kind: "receipt"; readonly eventId: string; readonly hidden: boolean }
  | { readonly kind: "typing" };

/**
 * Thrown by a rule when its native action is allowed but has to go to the homeserver first. If this node has no homeserver
 * client, the error reaches the caller as `unavailable`.
 */
export class Bridged extends Problem {
  readonly matrixRoomId: string;
  readonly writing: MatrixWriting;

  constructor(matrixRoomId: string, writing: MatrixWriting) {
    super("unavailable", "this node cannot write to the homeserver that the room belongs to");
    this.matrixRoomId = matrixRoomId;
    this.writing = writing;
  }
}

/** Throws `Bridged` for a native action in a bridged room, unless the homeserver has it already. */
export function forward(tx: Transaction, room: RoomRow, actor: Actor, writing: MatrixWriting): void {
  if (tx.homeserver && room.matrixRoomId !== null && !actor.written) throw new Bridged(room.matrixRoomId, writing);
}
