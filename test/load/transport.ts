import type { Ends } from "./audience.ts";
import type { SessionPlan } from "./session.ts";

/** An author and a room to send to. */
export interface Speaker {
  /** Index of the author in the plan's `authors`. */
  readonly author: number;
  readonly room: string;
}

export interface TransportPlan {
  readonly via: "socket" | "api" | "engine" | "floor";
  /** Authors, members of the rooms that they send to. */
  readonly authors: readonly SessionPlan[];
  /** Authors with their rooms, used in turns. */
  readonly speakers: readonly Speaker[];
  /** Base URL of the API. */
  readonly api: string;
  readonly redis: string | undefined;
}

/** One way for messages into the system. */
export interface Transport {
  /** Takes the rooms' ends, once, before the first message. */
  begin(ends: Ends): void;
  /** Sends the message of a turn. Resolves with its seq when it is acknowledged; rejects with the error's code as message. */
  send(turn: number, text: string): Promise<{ room: string; seq: number }>;
}

/** The speaker of a turn. */
export const speakerOf = ({ speakers }: TransportPlan, turn: number): Speaker => speakers[turn % speakers.length]!;
