/** The addresses of the nodes, from `console.json` beside the page. */

export interface Endpoints {
  /** The endpoint for signing in, as an absolute URL. */
  signInUrl: string;
  /** The API nodes; at least one. */
  apis: readonly string[];
  /** The gateways; at least one. */
  gateways: readonly string[];
}

/** Reads `console.json`. Rejects with an `Error` for the user when it is missing or has another form. */
export async function loadEndpoints(): Promise<Endpoints> {
  const response = await fetch("console.json");
  if (!response.ok) throw new Error(`console.json: ${response.status}`);
  const found: unknown = await response.json();
  if (!isEndpoints(found)) throw new Error("console.json names no nodes");
  return {
    signInUrl: new URL(found.signInUrl, location.href).href,
    apis: found.apis.map(absolute),
    gateways: found.gateways.map(absolute),
  };
}

/** The page's own origin is written as "". */
const absolute = (url: string) => (url === "" ? location.origin : url.replace(/\/$/, ""));

const isEndpoints = (found: unknown): found is Endpoints =>
  typeof found === "object" &&
  found !== null &&
  "signInUrl" in found &&
  typeof found.signInUrl === "string" &&
  "apis" in found &&
  areUrls(found.apis) &&
  "gateways" in found &&
  areUrls(found.gateways);

const areUrls = (found: unknown) =>
  Array.isArray(found) && found.length > 0 && found.every((url) => typeof url === "string");

/** The name of a gateway: "Gateway 2", or "Gateway" when it is the only one. */
export function gatewayName(endpoints: Endpoints, gateway: number): string {
  return endpoints.gateways.length === 1 ? "Gateway" : `Gateway ${gateway + 1}`;
}
