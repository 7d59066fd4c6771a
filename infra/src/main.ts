import { startCluster } from "./cluster.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);

say("Bringing up Redis Cluster, Postgres, two API nodes and two gateway nodes …");
// Known before anything starts, so that Ctrl-C in the middle ends what is there.
const starting = startCluster({ progress: (line) => say(`  ${line}`) });
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    say("Taking it down …");
    void starting
      .then(
        (cluster) => cluster.stop(),
        () => {},
      )
      .then(() => process.exit(0));
  });

try {
  const { secret } = await starting;
  if (!stopping) say(`\nSign tokens with JWT_SECRET=${secret}\nCtrl-C takes everything down.`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
// The children are what keeps this process busy; this keeps it here until it is told to stop.
setInterval(() => {}, 2 ** 30);
