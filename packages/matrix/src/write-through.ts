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

/** Words on who types that are on their way to the homeserver at once; more are dropped. */
const TYPING_AT_ONCE = 1000;

export interface WriteThroughDeps {
  readonly store: Pick<Store, "bridge" | "recordPendingWrite" | "users">;
  readonly homeserver: Homeserver;
  readonly ingest: Pick<Ingest, "project">;
  readonly faults: Faults;
  /** How long somebody types without saying so again. */
  readonly typingTtlMs: number;
}

/** Whoever acts, here and in Matrix. `matrixUserId` is null for the bridge itself. */
interface Author {
  readonly userId: string;
  readonly matrixUserId: string | null;
}

/** Something to be written in a room of Matrix. */
interface HomeserverWrite<Writing extends MatrixWriting = MatrixWriting> {
  readonly author: Author;
  readonly action: Action;
  readonly matrixRoomId: string;
  readonly writing: Writing;
}

/** What becomes an event. */
type Eventful = Exclude<MatrixWriting, { readonly kind: "receipt" | "typing" }>;

/**
 * A writer whose actions in bridged rooms go to the homeserver first, as their user; what it wrote is read back and projected by
 * the mapping that its echo takes, whichever of the two is first. `writer` has to be made with `homeserver: true`. What the
 * homeserver refuses is the answer: `forbidden`, `not_found`, `too_large`, `rate_limited`; `forbidden` too for a user who is nobody in
 * Matrix; `conflict` when something newer has won meanwhile; `unavailable` when it is away or its answer was lost: then the action
 * may still appear by its echo, and a send that is repeated with the same client id is the same.
 */
export function writeThrough(writer: Writer, deps: WriteThroughDeps): Writer {
  const authorOf = createAuthors(deps);
  const tellTyping = createTyping(deps);
  return {
    ...writer,
    // Whoever asked may know that the actor is in the room, but only the store knows that it is bridged.
    async act(actor, action) {
      try {
        return await writer.act(actor, action, false);
      } catch (problem) {
        if (!(problem instanceof Bridged)) throw problem;
        const { matrixRoomId, writing } = problem;
        const author = await authorOf(actor);
        const deed = { author, action: named(action), matrixRoomId };
        const again = { ...actor, userId: author.userId };
        if (isEventful(writing)) return write(writer, deps, again, { ...deed, writing });
        if (writing.kind === "typing") tellTyping(author, action, matrixRoomId);
        else await deps.homeserver.receipt(author.matrixUserId, matrixRoomId, writing.eventId, writing.hidden);
        return writer.act({ ...again, written: true }, action, false);
      }
    },
  };
}

const isEventful = (writing: MatrixWriting): writing is Eventful =>
  writing.kind !== "receipt" && writing.kind !== "typing";

async function write(
  writer: Writer,
  deps: WriteThroughDeps,
  again: Actor,
  deed: HomeserverWrite<Eventful>,
): Promise<Bytes> {
  const projected = await project(deps, deed, await put(deps, deed));
  try {
    // Not as `written`: what is done answers as a repeat, and what is not must not be done here alone.
    return await writer.act(again, deed.action, false);
  } catch (problem) {
    if (!(problem instanceof Bridged)) throw problem;
    if (!projected) throw new Problem("unavailable", "the homeserver took it, and its outcome is not known here yet");
    throw new Problem("conflict", "something newer has come from Matrix meanwhile");
  }
}

/** Says who types, as far as the homeserver keeps up: nothing depends on it, and nobody waits for it. */
function createTyping({ homeserver, typingTtlMs, faults }: WriteThroughDeps) {
  let underWay = 0;
  return ({ matrixUserId }: Author, action: Action, matrixRoomId: string): void => {
    if (matrixUserId === null || underWay >= TYPING_AT_ONCE) return;
    underWay += 1;
    void homeserver
      .typing(matrixUserId, matrixRoomId, action.type === "TYPING" ? typingTtlMs : 0)
      .catch((error: unknown) => {
        // A refusal or an outage; the next change of typing is written anyway.
        if (!(error instanceof Problem)) faults.report("matrix", error);
      })
      .finally(() => {
        underWay -= 1;
      });
  };
}

/** Writes the event that the action is. Resolves with its event id. */
async function put({ store, homeserver }: WriteThroughDeps, deed: HomeserverWrite<Eventful>): Promise<string> {
  const { author, action, matrixRoomId, writing } = deed;
  const clientMessageId = ("clientMessageId" in action ? action.clientMessageId : undefined) ?? null;
  const transactionId = transactionIdOf(matrixRoomId, author.userId, clientMessageId);
  if (writing.kind === "redaction")
    return homeserver.redact(author.matrixUserId, matrixRoomId, writing.eventId, transactionId);
  // Before anything is sent: its echo may be here before the answer.
  if (clientMessageId !== null && "chatId" in action)
    await store.recordPendingWrite({ roomId: action.chatId, senderId: author.userId, clientMessageId });
  const { type, content } = contentOf(action, writing, await mentioned(store, action, writing));
  return homeserver.send(author.matrixUserId, matrixRoomId, type, transactionId, content);
}

/** Reads back what was written, for the time that the homeserver gave it, and projects it. False when it cannot be read: its echo will come. */
async function project(
  { homeserver, ingest }: WriteThroughDeps,
  deed: HomeserverWrite,
  eventId: string,
): Promise<boolean> {
  let event: unknown;
  try {
    event = await homeserver.event(deed.author.matrixUserId, deed.matrixRoomId, eventId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return false;
  }
  await ingest.project([event]);
  return true;
}

/** A send has a client id: it is known by that when it comes back. */
function named(action: Action): Action {
  const sends = action.type === "SEND_MSG" || action.type === "REPLY";
  return sends && action.clientMessageId === undefined ? { ...action, clientMessageId: randomUUID() } : action;
}

/** Whom a message mentions, as Matrix calls them. */
async function mentioned(
  store: WriteThroughDeps["store"],
  action: Action,
  writing: Eventful,
): Promise<readonly string[]> {
  const mentions = (writing.kind === "edit" ? writing : "mentions" in action ? action : {}).mentions ?? [];
  if (mentions.length === 0) return [];
  const users = await store.users(mentions);
  return mentions.flatMap((userId) => users.get(userId)?.matrixUserId ?? []);
}

/** Tells who acts in Matrix for whom: a back end that is nobody there speaks as the bridge, here as well as there. */
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
    if (!service) throw new Problem("forbidden", "the room is Matrix's, and this user is nobody there");
    return bridge();
  };
}
