import type { ExpiredNode } from "../ports/presence-registry.ts";

interface Lease {
  /** Milliseconds since the epoch. */
  endsAt: number;
  /** The end of the claim on it, in milliseconds since the epoch; null while there is no claim. */
  claimedUntil: number | null;
}

/** The leases of nodes, and the claims of other nodes on those that have run out. */
export class Leases {
  private readonly leases = new Map<string, Lease>();

  /** As `PresenceRegistry.open`. */
  open(node: string, endsAt: number): void {
    this.leases.set(node, { endsAt, claimedUntil: null });
  }

  /** As `PresenceRegistry.renew`: false for a lease that is gone or was ever claimed. */
  renew(node: string, endsAt: number): boolean {
    const lease = this.leases.get(node);
    if (lease === undefined || lease.claimedUntil !== null) return false;
    lease.endsAt = endsAt;
    return true;
  }

  /** The nodes with an expired lease that no other node claims at the moment. */
  expired(now: number): readonly ExpiredNode[] {
    return [...this.leases]
      .filter(([, lease]) => isFree(lease, now))
      .map(([node, { endsAt }]) => ({ node, forMs: now - endsAt }));
  }

  /** As `PresenceRegistry.claim`. */
  claim(node: string, until: number, now: number): boolean {
    const lease = this.leases.get(node);
    if (lease === undefined || !isFree(lease, now)) return false;
    lease.claimedUntil = until;
    return true;
  }

  end(node: string): void {
    this.leases.delete(node);
  }

  has(node: string): boolean {
    return this.leases.has(node);
  }

  /** The end of the node's lease, also one in the past; 0 without a lease. */
  endOf(node: string): number {
    return this.leases.get(node)?.endsAt ?? 0;
  }

  clear(): void {
    this.leases.clear();
  }
}

const isFree = ({ endsAt, claimedUntil }: Lease, now: number): boolean => endsAt <= now && (claimedUntil ?? 0) <= now;
