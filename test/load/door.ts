import type { Heads } from "./audience.ts";
import type { SessionPlan } from "./session.ts";

/** An author and a room to send to. */
export interface Speaker {
  /** Index of the author in the plan's `authors`. */
  readonly author: number;
  readonly room: string;
}

export interface DoorPlan {
  readonly via: "socket" | "api" | "engine" | "floor";
  /** Members of the rooms that they send to. */
  readonly authors: readonly SessionPlan[];
  /** The senders, in turns. */
  readonly speakers: readonly Speaker[];
  /** Base URL of the API. */
  readonly api: string;
  readonly redis: string | undefined;
}

/** One way in. */
export interface Door {
  /** Called once, before the first message, with the rooms' seqs. */
  begin(heads: Heads): void;
  /** Sends the message of the given turn. Resolves with its place when it is acknowledged; rejects with the error's code as message. */
  send(turn: number, text: string): Promise<{ room: string; seq: number }>;
}

/** The speaker of a turn. */
export const speakerOf = ({ speakers }: DoorPlan, turn: number): Speaker => speakers[turn % speakers.length]!;
