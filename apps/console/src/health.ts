/** The health of the nodes: each one's `/readyz`, requested every few seconds while the page is visible. */
import type { Endpoints } from "./endpoints.ts";

export interface Node {
  name: string;
  url: string;
}

/** `ok`, `degraded`, `draining` … from the node; `down` without an answer; undefined before the first answer. */
export interface NodeHealth extends Node {
  status: string | undefined;
  /** The time of the answer, in milliseconds. */
  ms: number | undefined;
}

const INTERVAL_MS = 3000;
const TIMEOUT_MS = 2500;

/** The nodes of all kinds; one that is both API and gateway appears once. */
export function nodesOf({ apis, gateways }: Endpoints): readonly Node[] {
  const named = (kind: string, urls: readonly string[]) =>
    urls.map((url, at) => ({ name: urls.length === 1 ? kind : `${kind} ${at + 1}`, url }));
  const both = apis.filter((url) => gateways.includes(url));
  const only = (urls: readonly string[]) => urls.filter((url) => !both.includes(url));
  return [...named("Server", both), ...named("API", only(apis)), ...named("Gateway", only(gateways))];
}

/** Reports the health of `nodes` after each round. Returns a function that ends it. */
export function watchHealth(nodes: readonly Node[], report: (health: readonly NodeHealth[]) => void): () => void {
  let isChecking = false;
  let ended = false;
  const round = async () => {
    if (isChecking || document.hidden) return;
    isChecking = true;
    const health = await Promise.all(nodes.map(check));
    isChecking = false;
    if (!ended) report(health);
  };
  const update = () => void round();
  const timer = setInterval(update, INTERVAL_MS);
  document.addEventListener("visibilitychange", update);
  update();
  return () => {
    ended = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", update);
  };
}

async function check(node: Node): Promise<NodeHealth> {
  const startedAt = performance.now();
  try {
    const response = await fetch(`${node.url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer = (await response.json()) as { status?: unknown };
    const status = typeof answer.status === "string" ? answer.status : "down";
    return { ...node, status, ms: Math.round(performance.now() - startedAt) };
  } catch {
    return { ...node, status: "down", ms: undefined };
  }
}
