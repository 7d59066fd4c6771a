/** The gateway of a pane; a choice when there are several. */
import { type Endpoints, gatewayName } from "./endpoints.ts";
import type { PaneUser } from "./pane-user.ts";

export function GatewayChoice({ user, endpoints }: { user: PaneUser; endpoints: Endpoints }) {
  if (endpoints.gateways.length === 1)
    return (
      <span class="gateway" data-testid="gateway">
        {new URL(endpoints.gateways[0] ?? "").host}
      </span>
    );
  return (
    <select
      class="plain"
      data-testid="gateway"
      aria-label="Gateway"
      value={user.gateway}
      disabled={user.signingIn}
      onChange={({ currentTarget }) => user.setGateway(Number(currentTarget.value))}
    >
      {endpoints.gateways.map((url, at) => (
        <option key={url} value={at}>
          {gatewayName(endpoints, at)} · {new URL(url).host}
        </option>
      ))}
    </select>
  );
}
