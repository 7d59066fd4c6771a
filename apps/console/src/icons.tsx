/** Icons. They are decoration: the elements around them have names. */
const PATHS = {
  reply: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6v1",
  edit: "M4 20h4L19 9l-4-4L4 16v4M13 7l4 4",
  remove: "M5 7h14M10 7V5h4v2M7 7l1 13h8l1-13",
  react: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14a4 4 0 0 0 7 0M9 9.5v.5M15 9.5v.5",
  send: "M4 12 20 4l-5 16-4-7-7-1",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  down: "M12 5v14M6 13l6 6 6-6",
  signOut: "M14 4H6v16h8M10 12h11M17 8l4 4-4 4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2",
  tick: "M5 12.5 10 17.5 19 7",
  ticks: "M2 12.5 7 17.5 15 7M12 16l1.5 1.5L22 7",
  failed: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v5M12 16v.5",
  keys: "M4 7h16v10H4zM7.5 10.5v0M11 10.5v0M14.5 10.5v0M8 14h8",
} as const;

export function Icon({ of }: { of: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[of]} />
    </svg>
  );
}

/** The logo: a signal with two lamps. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="board" x="9" y="3" width="14" height="26" rx="7" />
      <circle class="upper" cx="16" cy="10.5" r="4" />
      <circle class="lower" cx="16" cy="21.5" r="4" />
    </svg>
  );
}
