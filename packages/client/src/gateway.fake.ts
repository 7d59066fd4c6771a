import type { FakeSocket } from "./socket.fake.ts";

interface Said {
  readonly type: string;
  readonly chatId: string;
  readonly seq: number;
  readonly recipientId: string;
  readonly senderId: string;
  readonly message?: string;
}

interface Room {
  readonly events: Said[];
  member: boolean;
  /** Resumes cannot go back behind this seq. */
  kept: number;
}

/** One session: what it still has to be sent, and in which rooms it is. */
interface Session {
  readonly socket: FakeSocket;
  readonly resumes: boolean;
  readonly waiting: object[];
  readonly rooms: Set<string>;
  state: "new" | "parked" | "live";
  /** The rooms of its READY. */
  said: Readonly<Record<string, number>>;
}

/**
 * The part of a gateway that a client's "once and in order" hangs on: rooms with their events, READY, RESUME, replays, RESET. Each frame
 * waits until the test has it delivered, so that a connection can break between any two.
 */
export class FakeGateway {
  readonly rooms = new Map<string, Room>();
  /** So many events more than were asked for come again with each replay. */
  excess = 0;
  readonly #sessions: Session[] = [];
  readonly #userId = "me";

  /** Takes a socket that the client has made. */
  accept(socket: FakeSocket): void {
    const session: Session = {
      socket,
      resumes: socket.url.endsWith("?resume=1"),
      waiting: [],
      rooms: new Set(),
      state: "new",
      said: {},
    };
    this.#sessions.push(session);
    socket.answer = ({ type, rooms }) => {
      if (type === "RESUME") this.#resume(session, rooms as Record<string, number>);
      if (type === "PING") session.waiting.push({ type: "PONG" });
    };
  }

  /** Something happens in a room, and is on its way to those who are in it. */
  happen(chatId: string, type: string, fields: Partial<Said> = {}): void {
    const room = this.rooms.get(chatId) ?? { events: [], member: false, kept: 0 };
    this.rooms.set(chatId, room);
    const about = { type, chatId, seq: room.events.length + 1, recipientId: this.#userId, senderId: "you" };
    const event: Said = { ...about, ...fields };
    room.events.push(event);
    const comes = type === "NEW_CHAT" || (type === "USER_JOIN" && event.message === this.#userId);
    const goes = type === "DELETE_CHAT" || (type === "USER_LEAVE" && event.senderId === this.#userId);
    if (comes) room.member = true;
    for (const session of this.#sessions) {
      if (session.state !== "live") continue;
      if (comes) session.rooms.add(chatId);
      if (session.rooms.has(chatId)) session.waiting.push(event);
      if (goes) session.rooms.delete(chatId);
    }
    if (goes) room.member = false;
  }

  join = (chatId: string): void => this.happen(chatId, "USER_JOIN", { message: this.#userId });
  leave = (chatId: string): void => this.happen(chatId, "USER_LEAVE", { senderId: this.#userId });

  /** Forgets the events of a room but the last. */
  prune(chatId: string): void {
    const room = this.rooms.get(chatId);
    if (room !== undefined) room.kept = Math.max(0, room.events.length - 1);
  }

  /** Whether the newest connection is open. */
  get attended(): boolean {
    return this.#sessions.at(-1)?.socket.readyState === 1;
  }

  /** Delivers the next frames of the newest connection; the first of each is its opening. False when nothing was left. */
  deliver(frames: number): boolean {
    const session = this.#sessions.at(-1);
    if (session === undefined || session.socket.readyState > 1) return false;
    let delivered = false;
    for (let left = frames; left > 0; left--) {
      if (session.socket.readyState > 1) return delivered;
      if (session.socket.readyState === 0) session.socket.open();
      else if (session.state === "new") this.#welcome(session);
      else {
        const frame = session.waiting.shift();
        if (frame === undefined) return delivered;
        session.socket.say(frame);
      }
      delivered = true;
    }
    return delivered;
  }

  /** What an old connection still had on its way arrives after its end. */
  deliverLate(): void {
    for (const { socket, waiting } of this.#sessions.slice(0, -1))
      for (const frame of waiting.splice(0)) socket.say(frame);
  }

  /** The newest connection breaks; without a `code`, nobody is told. */
  cut(code?: number): void {
    const session = this.#sessions.at(-1);
    if (session === undefined || session.socket.readyState > 1) return;
    if (code === undefined) session.socket.readyState = 3;
    else session.socket.end(code);
    session.state = "parked";
  }

  #welcome(session: Session): void {
    const mine = [...this.rooms].filter(([, room]) => room.member);
    const rooms = Object.fromEntries(mine.map(([chatId, { events }]) => [chatId, events.length]));
    for (const chatId of Object.keys(rooms)) session.rooms.add(chatId);
    session.state = session.resumes ? "parked" : "live";
    session.said = rooms;
    session.socket.say({ type: "READY", sessionId: "s", userId: this.#userId, heartbeatMs: 25_000, rooms });
  }

  /** Replays what was missed, rooms mixed, then goes live. */
  #resume(session: Session, cursors: Record<string, number>): void {
    if (session.state !== "parked") return;
    const from = { ...session.said, ...cursors };
    const replays = Object.entries(from).map(([chatId, cursor]) => this.#replay(chatId, cursor));
    while (replays.some((replay) => replay.length > 0))
      for (const replay of replays) session.waiting.push(...replay.splice(0, 2));
    session.waiting.push({ type: "RESUMED" });
    session.state = "live";
    session.rooms.clear();
    for (const [chatId, room] of this.rooms) if (room.member) session.rooms.add(chatId);
  }

  #replay(chatId: string, cursor: number): object[] {
    const room = this.rooms.get(chatId);
    const last = room?.events.length ?? 0;
    if (room === undefined || (!room.member && cursor >= last))
      return [{ type: "RESET", chatId, reason: "not_member", seq: cursor }];
    if (cursor > last || cursor < room.kept) return [{ type: "RESET", chatId, reason: "too_old", seq: last }];
    return this.#visible(room).filter(({ seq }) => seq > cursor - this.excess);
  }

  /** What a member hears: nothing between their USER_LEAVE and their USER_JOIN. */
  #visible({ events }: Room): Said[] {
    let away = false;
    return events.filter(({ type, message, senderId }) => {
      if (type === "USER_JOIN" && message === this.#userId) away = false;
      const heard = !away;
      if (type === "USER_LEAVE" && senderId === this.#userId) away = true;
      return heard;
    });
  }
}
