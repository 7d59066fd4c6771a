/** Times in the language and time zone of the user. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** 14:05 */
export const clock = (time: string): string => CLOCK.format(new Date(time));

/** 14:05:33, of milliseconds since 1970. */
export const seconds = (time: number): string => SECONDS.format(time);

/** "Today", or the day. */
export const day = (time: string): string => (isToday(time) ? "Today" : DAY.format(new Date(time)));

/** The time of today, the date of other days. */
export const moment = (time: string): string => (isToday(time) ? clock(time) : DATE.format(new Date(time)));

const isToday = (time: string) => new Date(time).toDateString() === new Date().toDateString();
