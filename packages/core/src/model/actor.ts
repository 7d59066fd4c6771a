/** The user that a command acts for, or a trusted back end (`service`) that may act on any room. */
export interface Actor {
  readonly userId: string;
  readonly service: boolean;
  /** The user appears offline: their typing is announced to no other user. */
  readonly hidden?: boolean;
  /** The homeserver of a bridged room has the action already. */
  readonly written?: boolean;
}
