import type { Signal } from "@signalbox/core/delivery/signal";
import type { Bytes } from "@signalbox/core/model/bytes";
import { toBytes, toText } from "@signalbox/core/model/bytes";
import { preview } from "@signalbox/core/model/preview";
import type { EventRow } from "@signalbox/core/model/rows";
import { encodeCursor } from "@signalbox/protocol/cursor";
import type { EventBody } from "@signalbox/protocol/down";
import { open } from "@signalbox/protocol/encode";
import { eventIdOf } from "@signalbox/protocol/ids";
import { signalStatusOf } from "@signalbox/protocol/presence";
import { encodeSse, type SseEvent, sseOf } from "@signalbox/protocol/sse";

/** Encodes events and signals for streams. */
export interface Sse {
  event(event: EventRow): Bytes;
  /** An event for each of several receipts; empty for a signal that streams do not carry. */
  signal(signal: Signal): Bytes;
}

export interface SseDeps {
  readonly serverName: string;
}

/** Encodes each event and signal once for all streams of the node. CONTRACT section 5, "SSE". */
export function createSse({ serverName }: SseDeps): Sse {
  const print = { serverName, preview };

  function eventsOf({ about }: Signal): SseEvent[] {
    switch (about.kind) {
      case "typing": {
        const { userId: user_id, remainingMs } = about;
        return [
          { event: "typing", data: { user_id, typing: remainingMs > 0, expires_in_ms: Math.round(remainingMs) } },
        ];
      }
      case "receipts":
        return about.receipts.map(({ userId, readAt, ...read }) => ({
          event: "receipt",
          data: { user_id: userId, event_id: eventIdOf(read, serverName), read_at: readAt.toISOString() },
        }));
      case "presence": {
        const { userId, status, activeAt } = about;
        const last_active_at = activeAt?.toISOString() ?? null;
        return [{ event: "presence", data: { user_id: userId, status: signalStatusOf(status), last_active_at } }];
      }
      case "notification": {
        const { why: kind, unread: unread_count, mentions: mention_count } = about;
        const event_id = eventIdOf(about, serverName);
        return [{ event: "notification", data: { kind, event_id, unread_count, mention_count } }];
      }
      case "marker":
        return [];
    }
  }

  return {
    event: once((row) => encode(sseOf(bodyOf(row), print), encodeCursor(row.seq, row.mark))),
    signal: once((signal) =>
      eventsOf(signal)
        .map((event) => encode(event))
        .join(""),
    ),
  };
}

/** An event of a stream as it is written. `cursor`: of a durable one. */
export const encode = ({ event, data }: SseEvent, cursor?: string): Bytes =>
  toBytes(encodeSse(event, JSON.stringify(data), cursor));

const bodyOf = ({ body }: EventRow): EventBody => JSON.parse(toText(open(body, "") + body)) as EventBody;

function once<T extends object>(print: (of: T) => Bytes): (of: T) => Bytes {
  const printed = new WeakMap<T, Bytes>();
  return (of) => {
    const known = printed.get(of);
    if (known !== undefined) return known;
    const bytes = print(of);
    printed.set(of, bytes);
    return bytes;
  };
}
