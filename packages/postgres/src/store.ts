import { type Meter, NO_METER } from "@signalbox/core/ports/meter";
import type { Store } from "@signalbox/core/ports/store";
import * as audit from "./audit.ts";
import { commit } from "./commit.ts";
import { events } from "./events.ts";
import { history } from "./history.ts";
import * as matrix from "./matrix.ts";
import { migrate } from "./migrate.ts";
import { mute, snooze } from "./mutes-snoozes.ts";
import { confirm, outbox } from "./outbox.ts";
import { Pool } from "./pool.ts";
import { projection, projections } from "./projections.ts";
import { pruneBatch } from "./prune.ts";
import * as reads from "./reads.ts";
import { roomState } from "./room-state.ts";
import { statistics } from "./statistics.ts";
import { counts } from "./unread.ts";
import * as users from "./users.ts";

/** The connections of one node, at most. */
const POOL_SIZE = 10;

export interface StoreOptions {
  /** `postgres://…` */
  readonly url: string;
  readonly meter?: Meter;
}

/**
 * The store on the PostgreSQL at `url` (`postgres://…`), after all migrations. Rejects with `unavailable` when it
 * cannot be reached, and with `internal` when the database is newer than this code.
 */
export async function createStore({ url, meter = NO_METER }: StoreOptions): Promise<Store> {
  await migrate(url);
  const pool = new Pool(url, POOL_SIZE, meter);
  return {
    async commit(readSet, decide) {
      const failed = await pool.run((sql) => commit(sql, readSet, decide));
      if (failed) throw failed.thrown;
    },
    roomsOf: (userId) => pool.run((sql) => reads.roomsOf(sql, userId)),
    resumable: (userId, rooms) => pool.run((sql) => reads.resumable(sql, userId, rooms)),
    events: (room, after, limit) => pool.run((sql) => events(sql, room, after, limit)),
    receiptsSince: (cursors) => pool.run((sql) => reads.receiptsSince(sql, cursors)),
    recentReceipts: (rooms, withinMs) => pool.run((sql) => audit.recentReceipts(sql, rooms, withinMs)),
    outbox: (since, seen, limit) => pool.run((sql) => outbox(sql, since, seen, limit)),
    confirm: (outboxIds) => pool.run((sql) => confirm(sql, outboxIds)),
    members: (keys) => pool.run((sql) => audit.members(sql, keys)),
    markers: (keys) => pool.run((sql) => audit.markers(sql, keys)),
    roomsOfAll: (userIds) => pool.run((sql) => reads.roomsOfAll(sql, userIds)),
    membersOf: (rooms) => pool.run((sql) => reads.membersOf(sql, rooms)),
    heads: (rooms) => pool.run((sql) => reads.heads(sql, rooms)),
    headOf: (room, userId, service) => pool.run((sql) => reads.headOf(sql, room, userId, service)),
    roomState: (room, userId, service) => pool.run((sql) => roomState(sql, room, userId, service)),
    counts: (keys) => pool.run((sql) => counts(sql, keys)),
    mute: (room, userId, until) => pool.run((sql) => mute(sql, room, userId, until)),
    snooze: (room, userId, messageId, until) => pool.run((sql) => snooze(sql, room, userId, messageId, until)),
    history: (room, limit, before) => pool.run((sql) => history(sql, room, limit, before)),
    roomPage: (userId, limit, before) => pool.run((sql) => reads.roomPage(sql, userId, limit, before)),
    projections: (userId, service, filter, limit) =>
      pool.run((sql) => projections(sql, userId, service, filter, limit)),
    projection: (userId, service, messageId) => pool.run((sql) => projection(sql, userId, service, messageId)),
    statistics: (room, userId, service) => pool.run((sql) => statistics(sql, room, userId, service)),
    bridge: (rooms, matrixUsers) => pool.run((sql) => matrix.bridge(sql, rooms, matrixUsers)),
    isMatrixUser: (id) => pool.run((sql) => matrix.isMatrixUser(sql, id)),
    messageIds: (room, eventIds) => pool.run((sql) => matrix.messageIds(sql, room, eventIds)),
    recordPendingWrite: (write) => pool.run((sql) => matrix.recordPendingWrite(sql, write)),
    bridgedRooms: (after, limit) => pool.run((sql) => matrix.bridgedRooms(sql, after, limit)),
    rebuildCursor: (room) => pool.run((sql) => matrix.rebuildCursor(sql, room)),
    saveRebuildCursor: (room, token) => pool.run((sql) => matrix.saveRebuildCursor(sql, room, token)),
    users: (userIds) => pool.run((sql) => users.users(sql, userIds)),
    putUser: (userId, name, matrixUserId) => pool.run((sql) => users.putUser(sql, userId, name, matrixUserId)),
    visibleUsers: (userId, service, userIds) => pool.run((sql) => users.visibleUsers(sql, userId, service, userIds)),
    choosePresence: (userId, choice) => pool.run((sql) => users.choosePresence(sql, userId, choice)),
    saveLastActive: (active) => pool.run((sql) => users.saveLastActive(sql, active)),
    revoke: (userId, outboxId) => pool.run((sql) => users.revoke(sql, userId, outboxId)),
    prune: (keep, days) => prune(pool, keep, days),
    onSwitch: (listener) => {
      pool.onSwitch = listener;
    },
    ping: () => pool.run(async (sql) => void (await sql`select`)),
    close: () => pool.close(),
  };
}

/** Prunes in batches, each a transaction and a call of its own, so that none takes long. */
async function prune(pool: Pool, keep: number, days: number): Promise<number> {
  for (let deleted = 0; ; ) {
    const batch = await pool.run((sql) => pruneBatch(sql, keep, days));
    deleted += batch?.deleted ?? 0;
    if (!batch?.more) return deleted;
  }
}
