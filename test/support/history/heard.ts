/** What one client holds of one room: its messages, its cursor, and what it was told of lost events. */

/** A cursor as the server gave it: `<seq>-<mark>`, or the seq alone where events have no mark. */
export type Cursor = string | number;

export interface Marked {
  readonly seq: number;
  readonly mark?: string | undefined;
}

export const cursorOf = ({ seq, mark }: Marked): Cursor => (mark === undefined ? seq : `${seq}-${mark}`);
export const seqOf = (cursor: Cursor): number => Number.parseInt(String(cursor), 10);

export interface Told {
  readonly reason: string;
  readonly seq: number;
  /** The number of the change of the database after which it came. */
  readonly epoch: number;
}

/** A message by its place and id. */
export interface Placed {
  readonly seq: number;
  readonly messageId: string;
}

/** Loads a room's messages over REST, oldest first. Rejects when that fails. */
export type Reload = (chatId: string) => Promise<readonly Placed[]>;

export interface Surroundings {
  readonly reload: Reload;
  /** The number of changes of the database so far. */
  readonly epoch: () => number;
}

/** Before another attempt to load the messages, in milliseconds. */
const RELOAD_MS = 100;

export class HeardRoom {
  readonly chatId: string;
  cursor: Cursor;
  /** The ids of the messages that the client counts as the room's, by seq. */
  readonly messages = new Map<number, string>();
  /** Every message id that it ever got. */
  readonly ever = new Set<string>();
  readonly resets: Told[] = [];
  /** Broken promises: an event twice, out of order, or after a gap. */
  readonly faults: string[] = [];
  readonly #around: Surroundings;

  constructor(chatId: string, cursor: Cursor, around: Surroundings) {
    this.chatId = chatId;
    this.cursor = cursor;
    this.#around = around;
  }

  get seq(): number {
    return seqOf(this.cursor);
  }

  /** Takes a durable event; `messageId` is that of a new message. */
  event(cursor: Cursor, messageId: string | undefined): void {
    const seq = seqOf(cursor);
    if (seq <= this.seq) this.faults.push(`event ${seq} after ${this.seq}`);
    if (seq > this.seq + 1) this.faults.push(`event ${seq} after ${this.seq}: a gap`);
    this.cursor = cursor;
    if (messageId !== undefined) this.#keep({ seq, messageId });
  }

  /** Takes a reset: forgets the messages, goes on from the given cursor, and loads those up to it. */
  reset(reason: string, cursor: Cursor): void {
    const seq = seqOf(cursor);
    this.resets.push({ reason, seq, epoch: this.#around.epoch() });
    this.cursor = cursor;
    this.messages.clear();
    void this.#load(this.resets.length, seq);
  }

  async #load(generation: number, seq: number): Promise<void> {
    const loaded = await this.#around.reload(this.chatId).catch(() => undefined);
    // A later reset loads by itself.
    if (this.resets.length !== generation) return;
    if (loaded === undefined) {
      setTimeout(() => void this.#load(generation, seq), RELOAD_MS).unref();
      return;
    }
    // Later ones come as events.
    for (const message of loaded) if (message.seq <= seq) this.#keep(message);
  }

  #keep({ seq, messageId }: Placed): void {
    this.messages.set(seq, messageId);
    this.ever.add(messageId);
  }
}

/** A client that hears rooms, by whatever way. */
export interface Listener {
  readonly name: string;
  readonly rooms: ReadonlyMap<string, HeardRoom>;
  close(): void;
}
