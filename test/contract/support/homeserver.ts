/** A fake homeserver's calls of an application service, with rooms that push their events to it. */
import { randomUUID } from "node:crypto";
import { FakeRoom } from "@signalbox/matrix/homeserver.fake";
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import { type Answer, ask } from "../../support/http.ts";
import { ENV, type World } from "../../support/world.ts";

/** A native user that is mapped to Matrix, or the id of a Matrix user. */
export type MatrixSender = { readonly id: string } | string;

export const matrixUser = (sender: MatrixSender): string =>
  typeof sender === "string" ? sender : `@${sender.id}:matrix.example`;

export const newEventId = (): string => `$${randomUUID()}:matrix.example`;

/** A request of a homeserver; with `token: null` without credentials. */
export const asksAs = (
  world: World,
  method: string,
  path: string,
  { body, api = 0, token = ENV.MATRIX_HS_TOKEN }: { body?: Fields | string; api?: 0 | 1; token?: string | null } = {},
): Promise<Answer> => ask(`${world.servers.apis[api]}${path}`, { method, body, token: token ?? undefined });

/** Events begin an hour ago, a hundredth of a second apart. */
const HOUR_MS = 3_600_000;
const STEP_MS = 10;

/** The parts of a transaction besides its events, and the API node that gets it. */
export interface Push {
  readonly ephemeral?: unknown;
  readonly api?: 0 | 1;
}

/** A room of Matrix that pushes to the API nodes. */
export class MatrixRoom extends FakeRoom<MatrixSender> {
  readonly #world: World;

  constructor(world: World) {
    let sentAt = Date.now() - HOUR_MS;
    const next = () => {
      sentAt += STEP_MS;
      return { event_id: newEventId(), origin_server_ts: sentAt };
    };
    super(`!${randomUUID()}:matrix.example`, next, matrixUser);
    this.#world = world;
  }

  /** Pushes a transaction. Fails the test when it is refused. */
  async pushes(events: unknown, { ephemeral, api = 0 }: Push = {}): Promise<void> {
    const body = { events, ...(ephemeral === undefined ? {} : { ephemeral }) };
    const answer = await asksAs(this.#world, "PUT", `/_matrix/app/v1/transactions/${randomUUID()}`, { body, api });
    expect([answer.status, answer.text]).toEqual([200, "{}"]);
  }
}
