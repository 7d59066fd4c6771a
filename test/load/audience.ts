/** The sessions of one process. */
import type { Head } from "@signalbox/core/model/rows";
import { Session, type SessionPlan } from "./session.ts";
import { Tally } from "./tally.ts";

/** Handshakes under way at once. */
const OPENING = 32;
const OPEN_LIMIT_MS = 120_000;

/** Room id to seq. */
export type Heads = Readonly<Record<string, number>>;

/** Room id to the event at its end. */
export type Ends = Readonly<Record<string, Head>>;

/** The progress of the sessions of one process. */
export interface Progress {
  /** Frames received so far, of any kind. */
  readonly frames: number;
  /** Deliveries that are still to come. */
  readonly behind: number;
}

export class Audience {
  readonly tally = new Tally();
  readonly sessions: Session[] = [];

  /** Opens a session for each plan. Rejects when one fails, or after two minutes. */
  async open(plans: readonly SessionPlan[], onText?: (text: string) => void): Promise<void> {
    const left = plans.values();
    const openOneByOne = async (): Promise<void> => {
      for (const plan of left) {
        const session = new Session(plan, this.tally, onText);
        this.sessions.push(session);
        await session.ready;
      }
    };
    const limit = AbortSignal.timeout(OPEN_LIMIT_MS);
    await Promise.race([Promise.all(Array.from({ length: OPENING }, openOneByOne)), aborted(limit)]);
  }

  /** The end of each room when the sessions opened. */
  ends(): Ends {
    return latest(this.sessions.flatMap(({ tracks }) => tracks.map(({ room, start }) => [room, start] as const)));
  }

  /** The progress of these sessions towards every event up to `until`. */
  progress(until: Heads): Progress {
    let behind = this.tally.missing;
    for (const { tracks } of this.sessions) {
      for (const { room, last } of tracks) behind += Math.max(0, (until[room] ?? 0) - last);
    }
    return { frames: this.tally.deliveries + this.tally.others, behind };
  }
}

/** The furthest end of each room. */
export function latest(ends: readonly (readonly [string, Head])[]): Ends {
  const furthest: Record<string, Head> = {};
  for (const [room, end] of ends) if (end.seq >= (furthest[room]?.seq ?? 0)) furthest[room] = end;
  return furthest;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the sessions took too long to open")), { once: true });
  });
