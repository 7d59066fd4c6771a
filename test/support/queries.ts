/** The REST reads of a room's snapshot and state, and of presence. */
import type { Fields } from "./arrivals.ts";
import { dataOf } from "./http.ts";
import type { Person } from "./world.ts";

/** Presence as the signals surface prints it. */
export interface Seen {
  readonly user_id: string;
  readonly status: string;
  readonly last_active_at: string | null;
}

export interface Typist {
  readonly user_id: string;
  readonly started_at: string;
  readonly expires_at: string;
}

export interface ReadUpTo {
  readonly user_id: string;
  readonly last_read_event_id: string;
  readonly read_at: string;
}

/** A conversation as the signals surface prints it. */
export interface Snapshot {
  readonly conversation_id: string;
  readonly presence: readonly Seen[];
  readonly typing: readonly Typist[];
  readonly receipts: readonly ReadUpTo[];
  readonly cursor: string;
}

/** A member as the state surface prints it. */
export interface StateMember extends Seen {
  readonly role: string;
  readonly last_read_event_id: string | null;
  readonly read_at: string | null;
  readonly typing: boolean;
}

/** A room as the state surface prints it. */
export interface State {
  readonly room: Fields;
  readonly members: readonly StateMember[];
  readonly engagement: unknown;
  readonly plan: unknown;
  readonly active_sidekicks: readonly Fields[];
  readonly active_call: unknown;
  readonly unread_count: number;
  readonly mention_count: number;
  readonly last_read_event_id: string | null;
  readonly muted_until: string | null;
  readonly snoozed_event_ids: readonly string[];
  readonly cursor: string;
}

export const conversation = (chatId: string): string => `/chat/api/v1/conversations/${chatId}`;

async function read<T>(asker: Person, path: string): Promise<T> {
  return dataOf<T>(await asker.asks("GET", path));
}

export const snapshotOf = (asker: Person, chatId: string): Promise<Snapshot> =>
  read(asker, `${conversation(chatId)}/signals/snapshot`);

export const typistsOf = (asker: Person, chatId: string): Promise<readonly Typist[]> =>
  read(asker, `${conversation(chatId)}/typing`);

export const receiptsOf = (asker: Person, chatId: string): Promise<readonly ReadUpTo[]> =>
  read(asker, `${conversation(chatId)}/receipts`);

export const stateOf = (asker: Person, chatId: string): Promise<State> => read(asker, `/v1/rooms/${chatId}/state`);

/** A member in the room's state, as `asker` sees it. */
export async function memberOf(asker: Person, chatId: string, { id }: Person): Promise<StateMember | undefined> {
  return (await stateOf(asker, chatId)).members.find(({ user_id }) => user_id === id);
}

/** A user's presence on the signals surface. */
export const presenceOf = (asker: Person, { id }: { readonly id: string }): Promise<Seen> =>
  read(asker, `/chat/api/v1/presence/${encodeURIComponent(id)}`);

/** The statuses of several users on the state surface, in their order. */
export async function statusesOf(asker: Person, ...people: readonly { readonly id: string }[]): Promise<string[]> {
  const ids = people.map(({ id }) => encodeURIComponent(id)).join(",");
  const states = await read<Readonly<Record<string, string>>>(asker, `/v1/presence?ids=${ids}`);
  return people.map(({ id }) => states[id] ?? "absent");
}

/** The event id of a message that did not come from Matrix. CONTRACT section 1. */
export const matrixId = (messageId: string): string =>
  `$${Buffer.from(messageId.replaceAll("-", ""), "hex").toString("base64url")}:localhost`;
