import { createWriter, type Writer, type WriterDeps } from "@signalbox/core/commands/writer";
import { systemClock } from "@signalbox/core/ports/clock";
import type { Faults } from "@signalbox/core/ports/faults";
import type { Meter } from "@signalbox/core/ports/meter";
import type { Presence } from "@signalbox/core/presence/presence";
import { createHomeserver } from "@signalbox/matrix/homeserver";
import { createIngest, type Ingest } from "@signalbox/matrix/ingest";
import { createRebuild, type Rebuild } from "@signalbox/matrix/rebuild";
import { writeThrough } from "@signalbox/matrix/write-through";
import type { Backends } from "./backends.ts";
import type { Launch } from "./lifecycle.ts";

export type { Progress } from "@signalbox/matrix/rebuild";

/** The ways of changes into the store, from here and from Matrix. CONTRACT section 8. */
export interface Bridge {
  /** With a homeserver, native actions in bridged rooms go there first. */
  readonly writer: Writer;
  readonly ingest: Ingest;
  /**
   * True for the Matrix id of a user here. A homeserver asks for a user that it lacks: before the answer, the user is
   * registered there.
   */
  readonly knowsMatrixUser: (matrixUserId: string) => Promise<boolean>;
  /**
   * Called once this node serves: a homeserver that could not reach it waits for up to eight minutes before it tries again.
   * Never rejects; a failure is logged.
   */
  readonly pingHomeserver: () => Promise<void>;
  /** Reads rooms again from the homeserver; null without a token for it. */
  readonly rebuild: Rebuild | null;
}

/** The `id` in the registration with the homeserver: see infra/matrix. */
const SERVICE_ID = "signalbox";

export interface BridgeDeps extends Pick<Launch, "config" | "log">, Backends, Pick<WriterDeps, "measure"> {
  readonly presence: Presence;
  readonly faults: Faults;
  readonly meter: Meter;
}

export function createBridge({ config, log, store, engine, presence, faults, meter, ...measured }: BridgeDeps): Bridge {
  const { typingTtlMs, matrixHsUrl: url, matrixAsToken: asToken } = config;
  const writer = createWriter({
    store,
    engine,
    clock: systemClock,
    faults,
    typingTtlMs,
    homeserver: url !== undefined,
    ...measured,
  });
  const ingest = createIngest({ store, writer, engine, presence, typingTtlMs, meter, log });
  // Without a token for its homeserver, a node refuses changes that would have to go there first.
  if (url === undefined || asToken === undefined)
    return {
      writer,
      ingest,
      knowsMatrixUser: (id) => store.isMatrixUser(id),
      pingHomeserver: async () => {},
      rebuild: null,
    };
  const homeserver = createHomeserver({ url, asToken, meter });
  return {
    writer: writeThrough(writer, { store, homeserver, ingest, typingTtlMs, faults }),
    ingest,
    async knowsMatrixUser(id) {
      const known = await store.isMatrixUser(id);
      if (known) await homeserver.register(id.slice(1).split(":", 1)[0] ?? "");
      return known;
    },
    pingHomeserver: () =>
      homeserver.ping(SERVICE_ID).catch((err: unknown) => {
        log.warn({ err }, "the homeserver and this node do not reach each other");
      }),
    rebuild: createRebuild({ store, ingest, homeserver }),
  };
}
