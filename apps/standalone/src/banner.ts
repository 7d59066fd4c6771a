import type { AddressInfo } from "node:net";
import type { Tokens } from "@signalbox/node/tokens";

const DAY_SECONDS = 86_400;

/** The addresses of the node. */
export function banner(address: AddressInfo | string | null): string {
  const { port } = address as AddressInfo;
  return `
  Signalbox is up.

    page      http://127.0.0.1:${port}/
    REST      http://127.0.0.1:${port}
    realtime  ws://127.0.0.1:${port}/realtime

`;
}

/** Tokens of two users. */
export async function twoTokens(tokens: Tokens): Promise<string> {
  const token = (userId: string, name: string) => tokens.sign(userId, { name, ttl: DAY_SECONDS });
  return `  Two tokens to try, good for a day:

    alice  ${await token("alice", "Alice")}
    bob    ${await token("bob", "Bob")}

`;
}
