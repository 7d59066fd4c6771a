import { CLOSE, type CloseReason } from "@signalbox/protocol/close";

/** Time over which a stopping node spreads its closes, so that other nodes are not stormed. */
const DRAIN_MS = 5000;
/** Time that the last close may take; a little more than a session gives its peer. */
const LAST_CLOSE_MS = 1500;

/** A session of a socket or a stream. */
export interface OpenSession {
  close(reason: CloseReason): void;
}

/** The open sessions of a node: counted, bounded and drained together. */
export class Sessions {
  readonly #max: number;
  readonly #open = new Set<OpenSession>();
  #draining = false;

  /** `max`: `MAX_SESSIONS`. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /** True when no session is let in: there are too many, or the node stops. */
  get full(): boolean {
    return this.#draining || this.#open.size >= this.#max;
  }

  add(session: OpenSession): void {
    this.#open.add(session);
  }

  /** False for one that is gone already. */
  delete(session: OpenSession): boolean {
    return this.#open.delete(session);
  }

  /** Lets no session in and closes the open ones, spread over 5 s. Resolves when they are gone. */
  async drain(): Promise<void> {
    this.#draining = true;
    const open = [...this.#open];
    const pause = DRAIN_MS / Math.max(open.length, 1);
    await Promise.all(
      open.map((session, index) => later(Math.min(index * pause, DRAIN_MS), () => session.close("restart"))),
    );
    if (this.#open.size > 0) await later(LAST_CLOSE_MS, () => {});
  }
}

const OUR_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE).map(({ code }) => code));

/**
 * The code under which an ended session is counted. A peer that does not read its close frame is cut with 1006, which hides
 * the reason. `heard`: the code of the peer's own close.
 */
export function codeOf(closedFor: CloseReason | undefined, heard: number): string {
  const code = closedFor === undefined ? heard : CLOSE[closedFor].code;
  return OUR_CODES.has(code) ? String(code) : "other";
}

const later = (ms: number, then: () => void): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(() => {
      then();
      resolve();
    }, ms),
  );
