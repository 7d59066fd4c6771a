/** The live wire, and the health of the nodes. */
import type { NodeHealth } from "./health.ts";
import type { Session } from "./session.ts";
import { seconds } from "./times.ts";
import type { Line } from "./wire.ts";

export function WireView({ session, health }: { session: Session; health: readonly NodeHealth[] }) {
  const { wire, names } = session;
  return (
    <aside class="side" aria-label="Wire and nodes">
      <section class="wire" data-testid="wire" aria-label="Live wire">
        <header class="part-head">
          <h3>Live wire</h3>
        </header>
        {wire.length === 0 && <p class="hint">Whatever arrives appears here.</p>}
        <ol>
          {wire.map((line) => (
            <WireLine key={line.number} line={line} names={names} />
          ))}
        </ol>
      </section>
      <section class="health" data-testid="health" aria-label="Nodes">
        <header class="part-head">
          <h3>Nodes</h3>
        </header>
        <ul>
          {health.map(({ name, url, status = "asking", ms }) => (
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

function WireLine({ line, names }: { line: Line; names: Session["names"] }) {
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
