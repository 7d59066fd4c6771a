import type { ExpiredNode } from "../ports/presence-registry.ts";

interface Lease {
  /** When it runs out, in milliseconds. */
  endsAt: number;
  /** When the claim on it runs out; null while nobody claimed it. */
  claimedUntil: number | null;
}

/** Which nodes live, and who settles the affairs of those that do not. */
export class Leases {
  private readonly leases = new Map<string, Lease>();

  /** As `Registry.open`. */
  open(node: string, endsAt: number): void {
    this.leases.set(node, { endsAt, claimedUntil: null });
  }

  /** As `Registry.renew`: false when it is gone. Once claimed it does not come back. */
  renew(node: string, endsAt: number): boolean {
    const lease = this.leases.get(node);
    if (lease === undefined || lease.claimedUntil !== null) return false;
    lease.endsAt = endsAt;
    return true;
  }

  /** Whose leases have run out, and are in nobody's hands. */
  expired(now: number): readonly ExpiredNode[] {
    return [...this.leases]
      .filter(([, lease]) => isFree(lease, now))
      .map(([node, { endsAt }]) => ({ node, forMs: now - endsAt }));
  }

  /** As `Registry.claim`. */
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

  /** When its lease runs out, or ran out; 0 when there is none. */
  endOf(node: string): number {
    return this.leases.get(node)?.endsAt ?? 0;
  }

  clear(): void {
    this.leases.clear();
  }
}

const isFree = ({ endsAt, claimedUntil }: Lease, now: number): boolean => endsAt <= now && (claimedUntil ?? 0) <= now;
