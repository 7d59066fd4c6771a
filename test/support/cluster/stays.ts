/** Memberships by a room's events, and the events that a session must have of a user's stays. */
import { expect } from "vitest";
import type { Frame } from "../socket-client.ts";
import { until } from "../until.ts";
import type { ResumingClient } from "./resuming-client.ts";
import type { Stage, Truth } from "./stage.ts";

/** The first and the last event of a membership. */
type Stay = readonly [first: number, last: number];

/** `inside`: true when the room was made with this user in it. */
export interface Guest {
  readonly userId: string;
  readonly inside: boolean;
  readonly sessions: readonly ResumingClient[];
  /**
   * True when connections or hints were lost meanwhile. A stay may then be missing that was over before the session or its
   * node knew of it; the last one is there in any case.
   */
  readonly lossy?: boolean;
}

/** Resolves when each session of the guest has every event of its stays after READY, within 2 s. Fails when it has others. */
export async function staysComplete(stage: Stage, chatId: string, guest: Guest): Promise<void> {
  const truth = await stage.truth(chatId);
  const stays = staysOf(truth, guest);
  const last = stays.at(-1)?.[1] ?? 0;
  const told = [`stays ${JSON.stringify(stays)}`];
  const behind = () => guest.sessions.filter((session) => session.cursor(chatId) < last);
  await until(
    () => behind().length === 0,
    2000,
    () => stage.report(behind(), told),
  );
  await Promise.all(guest.sessions.map((session) => session.settled()));
  // The client records gaps within a stay as faults.
  const first = guest.lossy ? (stays.at(-1)?.[0] ?? 0) : 0;
  for (const session of guest.sessions) {
    const from = session.rooms.get(chatId)?.from ?? 0;
    const due = truth.map(({ seq }) => seq).filter((seq) => seq > from && within(stays, seq));
    const seen = session.events(chatId).map(({ seq }) => seq);
    expect(session.faults, stage.report([session], told)).toEqual([]);
    expect(
      seen.filter((seq) => !within(stays, seq)),
      "events of others",
    ).toEqual([]);
    expect(
      seen.filter((seq) => seq >= first),
      stage.report([session], told),
    ).toEqual(due.filter((seq) => seq >= first));
  }
}

const within = (stays: readonly Stay[], seq: number): boolean =>
  stays.some(([first, last]) => seq >= first && seq <= last);

function staysOf(truth: readonly Truth[], { userId, inside }: Guest): readonly Stay[] {
  const stays: Stay[] = [];
  let joined = inside ? 1 : undefined;
  for (const { seq, body } of truth) {
    const { type, senderId, message } = JSON.parse(`{${body}`) as Frame;
    if (type === "USER_JOIN" && message === userId) joined = seq;
    if (type !== "USER_LEAVE" || senderId !== userId || joined === undefined) continue;
    stays.push([joined, seq]);
    joined = undefined;
  }
  return joined === undefined ? stays : [...stays, [joined, truth.at(-1)?.seq ?? 0]];
}
