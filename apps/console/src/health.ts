/** How the nodes are: each one's `/readyz`, asked every few seconds while the page is visible. */
import type { Places } from "./places.ts";

export interface Node {
  name: string;
  url: string;
}

/** `ok`, `degraded`, `draining` … as the node says it; `down` when it does not answer; undefined before the first answer. */
export interface NodeHealth extends Node {
  status: string | undefined;
  /** How long the answer took. */
  ms: number | undefined;
}

const EVERY_MS = 3000;
const PATIENCE_MS = 2500;

/** The nodes of all kinds; one that is both API and gateway appears once. */
export function nodesOf({ apis, gateways }: Places): readonly Node[] {
  const named = (kind: string, urls: readonly string[]) =>
    urls.map((url, at) => ({ name: urls.length === 1 ? kind : `${kind} ${at + 1}`, url }));
  const both = apis.filter((url) => gateways.includes(url));
  const only = (urls: readonly string[]) => urls.filter((url) => !both.includes(url));
  return [...named("Server", both), ...named("API", only(apis)), ...named("Gateway", only(gateways))];
}

/** Reports the health of `nodes` after each round. Returns what ends it. */
export function watchHealth(nodes: readonly Node[], report: (health: readonly NodeHealth[]) => void): () => void {
  let asking = false;
  let ended = false;
  const round = async () => {
    if (asking || document.hidden) return;
    asking = true;
    const health = await Promise.all(nodes.map(ask));
    asking = false;
    if (!ended) report(health);
  };
  const turn = () => void round();
  const timer = setInterval(turn, EVERY_MS);
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    ended = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", turn);
  };
}

async function ask(node: Node): Promise<NodeHealth> {
  const begun = performance.now();
  try {
    const response = await fetch(`${node.url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const answer = (await response.json()) as { status?: unknown };
    const status = typeof answer.status === "string" ? answer.status : "down";
    return { ...node, status, ms: Math.round(performance.now() - begun) };
  } catch {
    return { ...node, status: "down", ms: undefined };
  }
}
