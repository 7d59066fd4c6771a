/** Where things are: `console.json` beside the page says it. */

export interface Places {
  /** Where people sign in, as an absolute URL. */
  signInUrl: string;
  /** The API nodes; at least one. */
  apis: readonly string[];
  /** The gateways; at least one. */
  gateways: readonly string[];
}

/** Reads `console.json`. Rejects with an `Error` in words when it is not there, or says something else. */
export async function loadPlaces(): Promise<Places> {
  const response = await fetch("console.json");
  if (!response.ok) throw new Error(`console.json: ${response.status}`);
  const found: unknown = await response.json();
  if (!isPlaces(found)) throw new Error("console.json names no nodes");
  return {
    signInUrl: new URL(found.signInUrl, location.href).href,
    apis: found.apis.map(absolute),
    gateways: found.gateways.map(absolute),
  };
}

/** The page's own origin is written as "". */
const absolute = (url: string) => (url === "" ? location.origin : url.replace(/\/$/, ""));

const isPlaces = (found: unknown): found is Places =>
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

/** What a gateway is called: "Gateway 2", or "Gateway" when it is the only one. */
export function gatewayName(places: Places, gateway: number): string {
  return places.gateways.length === 1 ? "Gateway" : `Gateway ${gateway + 1}`;
}
