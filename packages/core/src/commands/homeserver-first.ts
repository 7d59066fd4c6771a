import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import type { RoomRow } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** What a native action in a bridged room has to write to the homeserver. Ids of events are Matrix's; an edit leaves whom the message mentions as it is. */
export type MatrixWriting =
  | { readonly kind: "message"; readonly replyTo: string | null }
  | { readonly kind: "edit"; readonly eventId: string; readonly mentions: readonly string[] }
  | { readonly kind: "reaction"; readonly eventId: string }
  | { readonly kind: "redaction"; readonly eventId: string }
  | { readonly kind: "receipt"; readonly eventId: string; readonly hidden: boolean }
  | { readonly kind: "typing" };

/**
 * Thrown by the rule of a native action that may be done, but has to go to the homeserver first. Whoever cannot do that lets it
 * out as the problem that it is.
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

/** Throws `Bridged` where a native action has to be written to a homeserver that has not got it yet. */
export function forward(tx: Transaction, room: RoomRow, actor: Actor, writing: MatrixWriting): void {
  if (tx.homeserver && room.matrixRoomId !== null && !actor.written) throw new Bridged(room.matrixRoomId, writing);
}
