import { randomUUID } from "node:crypto";
import { Bridged, type MatrixWriting } from "@signalbox/core/commands/homeserver-first";
import type { Writer } from "@signalbox/core/commands/writer";
import type { Actor } from "@signalbox/core/model/actor";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { Faults } from "@signalbox/core/ports/faults";
import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import type { Action } from "@signalbox/protocol/up";
import type { Homeserver } from "./homeserver.ts";
import { transactionIdOf, userIdOf } from "./ids.ts";
import type { Ingest } from "./ingest.ts";
import { contentOf } from "./outgoing-content.ts";

/** Typing calls under way to the homeserver at a time, at most; further ones are dropped. */
const TYPING_AT_ONCE = 1000;

export interface WriteThroughDeps {
  readonly store: Pick<Store, "bridge" | "recordPendingWrite" | "users">;
  readonly homeserver: Homeserver;
  readonly ingest: Pick<Ingest, "project">;
  readonly faults: Faults;
  /** The duration of a typing entry, in milliseconds. */
  readonly typingTtlMs: number;
}

/** The user of an action, here and in Matrix. `matrixUserId` is null for the bridge itself. */
interface Author {
  readonly userId: string;
  readonly matrixUserId: string | null;
}

/** A write in a room of Matrix. */
interface HomeserverWrite<Writing extends MatrixWriting = MatrixWriting> {
  readonly author: Author;
  readonly action: Action;
  readonly matrixRoomId: string;
  readonly writing: Writing;
}

/** A writing that becomes an event. */
type EventWriting = Exclude<MatrixWriting, { readonly kind: "receipt" | "typing" }>;

/**
 * A writer that sends actions in bridged rooms to the homeserver first, as their user. It reads the event back and
 * ingests it as its echo would be; either of the two may be first. `writer` has to be made with `homeserver: true`.
 * Actions reject with the refusals of the homeserver (`forbidden`, `not_found`, `too_large`, `rate_limited`), with
 * `forbidden` for a user without an account in Matrix, with `conflict` when a newer event has won meanwhile, and with
 * `unavailable` when the homeserver is away or its answer was lost: the action may still appear by its echo then, and a
 * repeated send with the same client id is the same message.
 */
export function writeThrough(writer: Writer, deps: WriteThroughDeps): Writer {
  const authorOf = createAuthors(deps);
  const sendTyping = createTypingSender(deps);
  return {
    ...writer,
    // Without the caller's knowledge that the actor is a member: only the store knows that the room is bridged.
    async act(actor, action) {
      try {
        return await writer.act(actor, action, false);
      } catch (problem) {
        if (!(problem instanceof Bridged)) throw problem;
        const { matrixRoomId, writing } = problem;
        const author = await authorOf(actor);
        const write = { author, action: withClientId(action), matrixRoomId };
        const localActor = { ...actor, userId: author.userId };
        if (becomesEvent(writing)) return writeEvent(writer, deps, localActor, { ...write, writing });
        if (writing.kind === "typing") sendTyping(author, action, matrixRoomId);
        else await deps.homeserver.receipt(author.matrixUserId, matrixRoomId, writing.eventId, writing.hidden);
        return writer.act({ ...localActor, written: true }, action, false);
      }
    },
  };
}

const becomesEvent = (writing: MatrixWriting): writing is EventWriting =>
  writing.kind !== "receipt" && writing.kind !== "typing";

async function writeEvent(
  writer: Writer,
  deps: WriteThroughDeps,
  actor: Actor,
  write: HomeserverWrite<EventWriting>,
): Promise<Bytes> {
  const projected = await readBack(deps, write, await sendEvent(deps, write));
  try {
    // Not as `written`: an ingested event answers as a repeat, and a missing one must not be applied here alone.
    return await writer.act(actor, write.action, false);
  } catch (problem) {
    if (!(problem instanceof Bridged)) throw problem;
    if (!projected) throw new Problem("unavailable", "the homeserver has the event, but it cannot be read yet");
    throw new Problem("conflict", "a newer event came from Matrix meanwhile");
  }
}

/** Sends typing to the homeserver, best effort: no caller waits for it. */
function createTypingSender({ homeserver, typingTtlMs, faults }: WriteThroughDeps) {
  let underWay = 0;
  return ({ matrixUserId }: Author, action: Action, matrixRoomId: string): void => {
    if (matrixUserId === null || underWay >= TYPING_AT_ONCE) return;
    underWay += 1;
    void homeserver
      .typing(matrixUserId, matrixRoomId, action.type === "TYPING" ? typingTtlMs : 0)
      .catch((error: unknown) => {
        // A refusal or an outage costs nothing: the next change of typing is sent anyway.
        if (!(error instanceof Problem)) faults.report("matrix", error);
      })
      .finally(() => {
        underWay -= 1;
      });
  };
}

/** Sends the event of an action. Resolves to its event id. */
async function sendEvent(
  { store, homeserver }: WriteThroughDeps,
  { author, action, matrixRoomId, writing }: HomeserverWrite<EventWriting>,
): Promise<string> {
  const clientMessageId = ("clientMessageId" in action ? action.clientMessageId : undefined) ?? null;
  const transactionId = transactionIdOf(matrixRoomId, author.userId, clientMessageId);
  if (writing.kind === "redaction")
    return homeserver.redact(author.matrixUserId, matrixRoomId, writing.eventId, transactionId);
  // Before the send: its echo may come before the answer.
  if (clientMessageId !== null && "chatId" in action)
    await store.recordPendingWrite({ roomId: action.chatId, senderId: author.userId, clientMessageId });
  const { type, content } = contentOf(action, writing, await mentionedUsers(store, action, writing));
  return homeserver.send(author.matrixUserId, matrixRoomId, type, transactionId, content);
}

/** Reads the event back, with the homeserver's time, and ingests it. False when it cannot be read: its echo will come. */
async function readBack(
  { homeserver, ingest }: WriteThroughDeps,
  { author, matrixRoomId }: HomeserverWrite,
  eventId: string,
): Promise<boolean> {
  let event: unknown;
  try {
    event = await homeserver.event(author.matrixUserId, matrixRoomId, eventId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return false;
  }
  await ingest.project([event]);
  return true;
}

/** Adds a client id to a send without one: the send is recognised by it when it comes back. */
function withClientId(action: Action): Action {
  const sends = action.type === "SEND_MSG" || action.type === "REPLY";
  return sends && action.clientMessageId === undefined ? { ...action, clientMessageId: randomUUID() } : action;
}

/** The Matrix ids of the users that a message mentions. */
async function mentionedUsers(
  store: WriteThroughDeps["store"],
  action: Action,
  writing: EventWriting,
): Promise<readonly string[]> {
  const mentions = (writing.kind === "edit" ? writing : "mentions" in action ? action : {}).mentions ?? [];
  if (mentions.length === 0) return [];
  const users = await store.users(mentions);
  return mentions.flatMap((userId) => users.get(userId)?.matrixUserId ?? []);
}

/** Resolves the author of an action. A back end without an account in Matrix acts as the bridge, here as well as there. */
function createAuthors({ store, homeserver }: WriteThroughDeps): (actor: Actor) => Promise<Author> {
  let own: string | undefined;

  async function bridge(): Promise<Author> {
    own ??= await homeserver.whoami();
    const { users } = await store.bridge([], [{ matrixUserId: own, userId: userIdOf(own), name: null }]);
    return { userId: users.get(own) ?? userIdOf(own), matrixUserId: null };
  }

  return async ({ userId, service }) => {
    const matrixUserId = (await store.users([userId])).get(userId)?.matrixUserId ?? null;
    if (matrixUserId !== null) return { userId, matrixUserId };
    if (!service) throw new Problem("forbidden", "the room is in Matrix, where this user has no account");
    return bridge();
  };
}
