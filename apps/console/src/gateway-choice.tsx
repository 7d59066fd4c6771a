/** Which gateway a pane is connected to; a choice where there are several. */
import { gatewayName, type Places } from "./places.ts";
import type { Seat } from "./seat.ts";

export function GatewayChoice({ seat, places }: { seat: Seat; places: Places }) {
  if (places.gateways.length === 1)
    return (
      <span class="gateway" data-testid="gateway">
        {new URL(places.gateways[0] ?? "").host}
      </span>
    );
  return (
    <select
      class="plain"
      data-testid="gateway"
      aria-label="Gateway"
      value={seat.gateway}
      disabled={seat.entering}
      onChange={({ currentTarget }) => seat.setGateway(Number(currentTarget.value))}
    >
      {places.gateways.map((url, at) => (
        <option key={url} value={at}>
          {gatewayName(places, at)} · {new URL(url).host}
        </option>
      ))}
    </select>
  );
}
