import type { FakeSocket } from "./socket.fake.ts";

interface RoomEvent {
  readonly type: string;
  readonly chatId: string;
  readonly seq: number;
  readonly mark: string;
  readonly recipientId: string;
  readonly senderId: string;
  readonly message?: string;
}

interface Room {
  readonly events: RoomEvent[];
  member: boolean;
  /** Resumes cannot go back behind this seq. */
  kept: number;
}

/** One session: the frames that wait to be delivered, and its rooms. */
interface Session {
  readonly socket: FakeSocket;
  readonly resumes: boolean;
  readonly queued: object[];
  readonly rooms: Set<string>;
  state: "new" | "waiting" | "live";
  /** The rooms of its READY, with their cursors. */
  readyCursors: Readonly<Record<string, string>>;
}

/**
 * The part of a gateway behind a client's "once and in order": rooms with their events, READY, RESUME, replays, RESET. Each frame waits
 * until the test delivers it, so that a connection can break between any two.
 */
export class FakeGateway {
  readonly rooms = new Map<string, Room>();
  /** The number of events before the cursor that each replay repeats. */
  excess = 0;
  readonly #sessions: Session[] = [];
  readonly #userId = "me";
  #marks = 0;

  /** Accepts a socket of the client. */
  accept(socket: FakeSocket): void {
    const session: Session = {
      socket,
      resumes: socket.url.endsWith("?resume=1"),
      queued: [],
      rooms: new Set(),
      state: "new",
      readyCursors: {},
    };
    this.#sessions.push(session);
    socket.answer = ({ type, rooms }) => {
      if (type === "RESUME") this.#resume(session, rooms as Record<string, string>);
      if (type === "PING") session.queued.push({ type: "PONG" });
    };
  }

  /** Adds an event to a room, and queues it for the sessions in the room. */
  addEvent(chatId: string, type: string, fields: Partial<RoomEvent> = {}): void {
    const room = this.rooms.get(chatId) ?? { events: [], member: false, kept: 0 };
    this.rooms.set(chatId, room);
    const mark = (++this.#marks).toString(16).padStart(8, "0");
    const about = { type, chatId, seq: room.events.length + 1, mark, recipientId: this.#userId, senderId: "you" };
    const event: RoomEvent = { ...about, ...fields };
    room.events.push(event);
    const comes = type === "NEW_CHAT" || (type === "USER_JOIN" && event.message === this.#userId);
    const goes = type === "DELETE_CHAT" || (type === "USER_LEAVE" && event.senderId === this.#userId);
    if (comes) room.member = true;
    for (const session of this.#sessions) {
      if (session.state !== "live") continue;
      if (comes) session.rooms.add(chatId);
      if (session.rooms.has(chatId)) session.queued.push(event);
      if (goes) session.rooms.delete(chatId);
    }
    if (goes) room.member = false;
  }

  join = (chatId: string): void => this.addEvent(chatId, "USER_JOIN", { message: this.#userId });
  leave = (chatId: string): void => this.addEvent(chatId, "USER_LEAVE", { senderId: this.#userId });

  /** Drops the events of a room but the last. */
  prune(chatId: string): void {
    const room = this.rooms.get(chatId);
    if (room !== undefined) room.kept = Math.max(0, room.events.length - 1);
  }

  /** Loses the last events of a room, as a failover does, and the newest connection. */
  lose(chatId: string, events: number): void {
    this.cut(1012);
    this.rooms.get(chatId)?.events.splice(-events, events);
  }

  /** True while the newest connection is open. */
  get isConnected(): boolean {
    return this.#sessions.at(-1)?.socket.readyState === 1;
  }

  /** Delivers the next frames of the newest connection; its opening counts as one. Returns false when nothing was left. */
  deliver(frames: number): boolean {
    const session = this.#sessions.at(-1);
    if (session === undefined || session.socket.readyState > 1) return false;
    let delivered = false;
    for (let left = frames; left > 0; left--) {
      if (session.socket.readyState > 1) return delivered;
      if (session.socket.readyState === 0) session.socket.open();
      else if (session.state === "new") this.#welcome(session);
      else {
        const frame = session.queued.shift();
        if (frame === undefined) return delivered;
        session.socket.say(frame);
      }
      delivered = true;
    }
    return delivered;
  }

  /** Delivers the frames that old connections still had after their end. */
  deliverLate(): void {
    for (const { socket, queued } of this.#sessions.slice(0, -1))
      for (const frame of queued.splice(0)) socket.say(frame);
  }

  /** Breaks the newest connection; without a `code`, the client gets no event. */
  cut(code?: number): void {
    const session = this.#sessions.at(-1);
    if (session === undefined || session.socket.readyState > 1) return;
    if (code === undefined) session.socket.readyState = 3;
    else session.socket.end(code);
    session.state = "waiting";
  }

  #welcome(session: Session): void {
    const mine = [...this.rooms].filter(([, room]) => room.member);
    const rooms = Object.fromEntries(mine.map(([chatId, { events }]) => [chatId, cursorOf(events)]));
    for (const chatId of Object.keys(rooms)) session.rooms.add(chatId);
    session.state = session.resumes ? "waiting" : "live";
    session.readyCursors = rooms;
    session.socket.say({ type: "READY", sessionId: "s", userId: this.#userId, heartbeatMs: 25_000, rooms });
  }

  /** Replays the missed events, rooms mixed, then goes live. */
  #resume(session: Session, cursors: Record<string, string>): void {
    if (session.state !== "waiting") return;
    const from = { ...session.readyCursors, ...cursors };
    const replays = Object.entries(from).map(([chatId, cursor]) => this.#replay(chatId, cursor));
    while (replays.some((replay) => replay.length > 0))
      for (const replay of replays) session.queued.push(...replay.splice(0, 2));
    session.queued.push({ type: "RESUMED" });
    session.state = "live";
    session.rooms.clear();
    for (const [chatId, room] of this.rooms) if (room.member) session.rooms.add(chatId);
  }

  #replay(chatId: string, cursor: string): object[] {
    const room = this.rooms.get(chatId);
    const events = room?.events ?? [];
    const last = { seq: events.length, cursor: cursorOf(events) };
    const from = Number.parseInt(cursor, 10);
    if (room === undefined || (!room.member && from >= last.seq))
      return [{ type: "RESET", chatId, reason: "not_member", seq: from, cursor }];
    if (cursor !== cursorOf(events.slice(0, from))) return [{ type: "RESET", chatId, reason: "diverged", ...last }];
    if (from < room.kept) return [{ type: "RESET", chatId, reason: "too_old", ...last }];
    return this.#visible(room).filter(({ seq }) => seq > from - this.excess);
  }

  /** The events for a member: none between their USER_LEAVE and their USER_JOIN. */
  #visible({ events }: Room): RoomEvent[] {
    let away = false;
    return events.filter(({ type, message, senderId }) => {
      if (type === "USER_JOIN" && message === this.#userId) away = false;
      const heard = !away;
      if (type === "USER_LEAVE" && senderId === this.#userId) away = true;
      return heard;
    });
  }
}

/** The cursor of the last of these events, which are the first ones of a room. */
const cursorOf = (events: readonly RoomEvent[]): string => {
  const { seq, mark } = events.at(-1) ?? { seq: 0, mark: "00000000" };
  return `${seq}-${mark}`;
};
