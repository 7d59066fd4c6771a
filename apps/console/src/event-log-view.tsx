/** The event log, and the health of the nodes. */
import type { Line } from "./event-log.ts";
import type { NodeHealth } from "./health.ts";
import type { Session } from "./session.ts";
import { seconds } from "./times.ts";

export function EventLogView({ session, health }: { session: Session; health: readonly NodeHealth[] }) {
  const { log, names } = session;
  return (
    <aside class="side" aria-label="Events and nodes">
      <section class="events" data-testid="events" aria-label="Live events">
        <header class="part-head">
          <h3>Live events</h3>
        </header>
        {log.length === 0 && <p class="hint">Events appear here as they arrive.</p>}
        <ol>
          {log.map((line) => (
            <EventLogLine key={line.number} line={line} names={names} />
          ))}
        </ol>
      </section>
      <section class="health" data-testid="health" aria-label="Nodes">
        <header class="part-head">
          <h3>Nodes</h3>
        </header>
        <ul>
          {health.map(({ name, url, status = "checking", ms }) => (
            <li key={`${name} ${url}`} data-status={status} title={url}>
              <span class="name">{name}</span>
              <span class="status">{status}</span>
              <span class="ms">{ms === undefined ? "–" : `${ms} ms`}</span>
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}

function EventLogLine({ line, names }: { line: Line; names: Session["names"] }) {
  const { type, seq, userId, node, latencyMs, at } = line;
  return (
    <li>
      <span class="type">{type}</span>
      <span class="seq" title="seq">
        {seq === undefined ? "" : `#${seq}`}
      </span>
      <span class="about">{[userId && (names.get(userId) ?? userId), node].filter(Boolean).join(" · ")}</span>
      <time>{seconds(at)}</time>
      <span class="ms">{latencyMs === undefined ? "–" : `${Math.round(latencyMs)} ms`}</span>
    </li>
  );
}
