import { createWriter, type Writer, type WriterDeps } from "@signalbox/core/commands/writer";
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

/** How changes get into the store, said here or in Matrix. CONTRACT section 8. */
export interface Bridge {
  /** Where a homeserver is configured, it takes native actions in bridged rooms first. */
  readonly writer: Writer;
  readonly ingest: Ingest;
  /** Whether a Matrix user is one of ours. A homeserver that we may write to has made them by then: it asks when somebody names a user whom it has not. */
  readonly knowsMatrixUser: (matrixUserId: string) => Promise<boolean>;
  /**
   * To be called once this node serves: a homeserver that could not reach anybody waits for up to eight minutes before it tries again.
   * Never rejects; what fails is logged.
   */
  readonly pingHomeserver: () => Promise<void>;
  /** Reads rooms again from the homeserver; null where none may be written to. */
  readonly rebuild: Rebuild | null;
}

/** The `id` of our registration with a homeserver: see infra/matrix. */
const SERVICE_ID = "signalbox";

export interface BridgeDeps extends Pick<Launch, "config" | "log">, Backends, Pick<WriterDeps, "measure"> {
  readonly presence: Presence;
  readonly faults: Faults;
  readonly meter: Meter;
}

export function createBridge({ config, log, store, engine, presence, faults, meter, ...measured }: BridgeDeps): Bridge {
  const { typingTtlMs, matrixHsUrl: url, matrixAsToken: asToken } = config;
  const writer = createWriter({ store, engine, typingTtlMs, homeserver: url !== undefined, ...measured });
  const ingest = createIngest({ store, writer, engine, presence, typingTtlMs, meter, log });
  // A node that knows of a homeserver that it may not write to refuses what would have to be written there.
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
        log.warn({ err }, "the homeserver does not reach us, or we do not reach it");
      }),
    rebuild: createRebuild({ store, ingest, homeserver }),
  };
}
